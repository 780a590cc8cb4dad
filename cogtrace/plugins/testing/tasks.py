"""Tasks to try plugins on: plain ones, and all that may come from somewhere else."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Final, Literal, get_args

import msgspec

from cogtrace.plugins.guidance import Task

Group = Literal[
    "plain",  # of several kinds: with a context, a problem type, a history, meta
    "unicode",  # several scripts, combining and invisible marks
    "spaces",  # blanks at both ends, all line ends, code
    "hostile",  # slots of template languages, orders, markup, terminal escapes
    "empty",  # the pipeline refuses these
    "broken",  # and these, which cannot be stored
    "long",  # tens of thousands of characters
]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
REFUSED: Final[tuple[Group, ...]] = ("empty", "broken")  # before any plugin is called
_LONG: Final = 30_000  # characters


def sample_tasks(*groups: Group) -> list[Task]:
    """Return the tasks of some groups, or all.

    >>> [task.task_id for task in sample_tasks("empty")]
    ['nothing', 'blank']
    """
    return [task for group in groups or GROUPS for task in _by_group()[group]]


def numbered_tasks(count: int) -> list[Task]:
    """Return any number of plain tasks, all different.

    >>> len({task.question for task in numbered_tasks(100)})
    100
    """
    plain = sample_tasks("plain")
    return [
        msgspec.structs.replace(
            task, task_id=f"{task.task_id}-{number}", question=f"({number}) {task.question}"
        )
        for number in range(count)
        for task in [plain[number % len(plain)]]
    ]


@functools.cache
def _by_group() -> dict[Group, list[Task]]:
    found: dict[Group, list[Task]] = {group: [] for group in GROUPS}
    text = files(__package__).joinpath("tasks.jsonl").read_text(encoding="utf-8")
    for line in text.splitlines():
        row = json.loads(line)  # the standard one: half a surrogate pair is among them
        found[row["group"]].append(msgspec.convert(row["task"], Task))
    found["long"].append(Task(task_id="long", question=_long()))
    return found


def _long() -> str:
    """Return a question that is longer than many a context."""
    parts: list[str] = []
    size = 0
    while size < _LONG:
        parts.append(f"Shelf {len(parts)} holds {len(parts) * 7 % 90} books.")
        size += len(parts[-1]) + 1
    return " ".join([*parts, "How many books does shelf 3 hold?"])
