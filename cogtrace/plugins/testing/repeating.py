"""Properties of what must be the same: at once or one by one, today or tomorrow."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from typing import Any, Final

from cogtrace.plugins.guidance import Task
from cogtrace.plugins.pipeline import GuidanceRun
from cogtrace.plugins.testing import elsewhere
from cogtrace.plugins.testing.engines import answering
from cogtrace.plugins.testing.processes import in_new_process
from cogtrace.plugins.testing.running import PropertyBroken, Subject, essence
from cogtrace.plugins.testing.tasks import numbered_tasks

_AT_ONCE: Final = 100  # tasks
_TURNS: Final = 5  # by which batches overtake each other


def many_tasks_at_once_give_what_one_at_a_time_gives(subject: Subject) -> None:
    """A hundred tasks in flight, answered out of order, do not see each other."""
    tasks = numbered_tasks(_AT_ONCE)
    alone = subject.run(tasks, answering(), in_flight=1)
    engine = answering()
    engine.turns = _TURNS
    together = subject.run(tasks, engine, in_flight=_AT_ONCE)
    _require_same(alone, together, f"of {_AT_ONCE} tasks at once, ", "alone")


def the_same_seed_gives_the_same_run(subject: Subject) -> None:
    """Run again under the same seed, everything is the same."""
    tasks = numbered_tasks(20)
    first = subject.run(tasks, answering(seed=7), seed=7)
    again = subject.run(tasks, answering(seed=7), seed=7)
    _require_same(first, again, "run again, ", "the first time")


def another_process_gives_the_same_run(subject: Subject) -> None:
    """The order of a set, or whatever else differs from process to process, plays no part."""
    here = elsewhere.digests(subject)
    # Another hash of strings than here, where it is drawn unless this variable is set.
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    printed = in_new_process(
        "-m", elsewhere.__name__, given=elsewhere.told(subject), PYTHONHASHSEED=seed
    )
    try:
        there = json.loads(printed)
    except json.JSONDecodeError:
        raise PropertyBroken(f"in a new process, it prints {printed[:80]!r}") from None
    if there != here:
        raise PropertyBroken("in another process, the same tasks have another result")


def global_random_numbers_are_left_alone(subject: Subject) -> None:
    """Random numbers come from ``run.random``, never from the module ``random``."""
    tasks = numbered_tasks(10)
    kept = random.getstate()
    try:
        first = _with_seed(subject, tasks, 1)
        second = _with_seed(subject, tasks, 2)
    finally:
        random.setstate(kept)
    _require_same(first, second, "with other global random numbers, ", "before")


def _with_seed(subject: Subject, tasks: Sequence[Task], seed: int) -> list[GuidanceRun]:
    random.seed(seed)
    before = random.getstate()
    runs = subject.run(tasks)
    if random.getstate() != before:
        raise PropertyBroken("draws from the module random; use run.random")
    return runs


def _require_same(
    first: Sequence[GuidanceRun], second: Sequence[GuidanceRun], when: str, than: str
) -> None:
    for one, other in zip(first, second, strict=True):
        place = _difference(essence(one), essence(other))
        if place is not None:
            raise PropertyBroken(f"{when}task {one.task_id!r} has other {place} than {than}")


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str | None:
    """Return which part of a record differs; what comes first in a task is named first."""
    order = ["clarification", "scaffolds", "calls", "candidates", "verdicts", "choice"]
    for name in sorted(one, key=lambda name: order.index(name) if name in order else len(order)):
        if one[name] != other[name]:
            return name
    return None
