"""Tasks of the command line: inputs, and answers to clarifying questions."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from cogtrace.cli.console import err
from cogtrace.cli.inputs import Opened
from cogtrace.errors import InputError


def read_task_inputs(names: list[str], form: str | None, mapping: list[str] | None) -> Opened:
    """Open inputs of tasks, and say which columns were recognised.

    Raises:
        InputError: one of them cannot be read at all, or has no question.
        OptionError: a mapping that is none.
    """
    from cogtrace.corpora.readers import open_inputs
    from cogtrace.corpora.readers.tasks import parse_task_mapping, read_tasks
    from cogtrace.corpora.sample import SAMPLE_NAME, sample_path

    overrides = parse_task_mapping(mapping or [])
    paths = [str(sample_path()) if name == SAMPLE_NAME else name for name in names]
    sources = open_inputs(paths, form)
    rows = read_tasks(sources, overrides)
    # The first row is read before anything is written, for its columns.
    rows = itertools.chain(list(itertools.islice(rows, 1)), rows)
    columns = [source.columns for source in sources]
    shown = set()
    for source, found in zip(sources, columns, strict=True):
        text = ", ".join(f"{name}={column}" for name, column in found.items())
        if text and text not in shown:
            err(f"{Path(source.path).name}: columns {text}")
            shown.add(text)
    return Opened(names, sources, columns, overrides, rows)


def read_answers(path: Path) -> dict[str, str]:
    """Return answers to clarifying questions by task id.

    A file holds one JSON object, {TASK_ID: ANSWER}, or one a line with ``task_id`` and
    ``answer``.

    Raises:
        InputError: it cannot be read, or is neither; says where.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"--answers {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"--answers {path}: is not UTF-8 text ({error.reason})") from error
    try:
        whole = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        whole = None
    if isinstance(whole, dict) and "task_id" not in whole:
        return {name: _text(path, f"task {name!r:.60}", text) for name, text in whole.items()}
    answers = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            row = None
        if not (isinstance(row, dict) and {"task_id", "answer"} <= row.keys()):
            raise InputError(
                f"--answers {path}, line {number}: is neither one JSON object for all tasks, "
                '{"q1": "the left one"}, nor one line of them, '
                '{"task_id": "q1", "answer": "the left one"}'
            )
        answers[str(row["task_id"])] = _text(path, f"line {number}", row["answer"])
    return answers


def _text(path: Path, place: str, answer: object) -> str:
    if not isinstance(answer, str):
        raise InputError(f"--answers {path}, {place}: an answer is text, not {answer!r:.60}")
    return answer
