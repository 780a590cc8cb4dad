"""Reading tasks from the formats that traces come in.

A row becomes a `SourceRow` whose trace's text is the question, so that tasks are
recognised, shuffled and quarantined as traces are. What a row says of answers, other than
the right one, is left out: no plugin is to see it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from cogtrace.corpora.readers.choosing import reader_of
from cogtrace.corpora.readers.columns import USUAL_NAMES, dig, parse_mapping
from cogtrace.corpora.readers.raw import clean
from cogtrace.corpora.readers.traces import Input, judge
from cogtrace.errors import InputError
from cogtrace.extensions import RawRow
from cogtrace.records import SourceRow, Trace

CONTEXT: Final = "context"
TASK_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "task_id": ("task_id", "question_id", *USUAL_NAMES["trace_id"]),
    "question": (*USUAL_NAMES["question"], "task_text", "text"),
    CONTEXT: (CONTEXT, "passage", "document", "background"),
    "reference_answer": USUAL_NAMES["reference_answer"],
    "problem_type": USUAL_NAMES["problem_type"],
    "task": ("dataset", "domain", "subject", "category", "task", "source"),
}
TASK_FIELDS: Final = tuple(TASK_NAMES)
# Fields of tasks that fields of traces stand for while rows are read.
_AS_TRACE: Final = {"task_id": "trace_id", "question": "text"}
# Columns of answers and of how somebody came to them.
_HIDDEN: Final = frozenset(
    name.lower()
    for field in ("text", "answer", "reference_answer", "correct", "model")
    for name in USUAL_NAMES[field]
)
_SAMPLE: Final = 20  # rows looked at to guess the columns


def parse_task_mapping(options: Iterable[str]) -> dict[str, str]:
    """Return {field: column} from options such as "question=prompt".

    Raises:
        OptionError: an option is not of that form, or names no field of a task.
    """
    named = [
        option.replace("answer=", "reference_answer=", 1)
        if option.startswith("answer=")
        else option
        for option in options
    ]
    return parse_mapping(named, TASK_FIELDS, of="task", example="question=prompt")


def read_tasks(inputs: Sequence[Input], overrides: Mapping[str, str]) -> Iterator[SourceRow]:
    """Yield every row of the inputs as a task or as the reason why it is none.

    ``columns`` of each input tells afterwards which column became which field.

    Raises:
        InputError: no column of an input can be the question.
    """
    for source in inputs:
        rows = reader_of(source.format).read(source.path)
        head = list(itertools.islice(rows, _SAMPLE))
        found: dict[str, str] = {}
        for row in itertools.chain(head, rows):
            if not found and row.data:
                objects = [row.data, *(other.data for other in head if other.data is not None)]
                found = guess_task_columns(objects, overrides, source.path)
            source.rows += 1
            yield SourceRow(file=source.path, line=row.line, value=_judged(source, row, found))
        source.columns = found


def guess_task_columns(
    rows: Iterable[Mapping[str, Any]], overrides: Mapping[str, str], name: str
) -> dict[str, str]:
    """Return {field: column} of tasks for an input that begins with ``rows``.

    Raises:
        InputError: no column can be the question; names the columns there are.
    """
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
    by_lower = {column.lower(): column for column in reversed(columns)}
    mapping = dict(overrides)
    taken = set(mapping.values())
    for field, names in TASK_NAMES.items():
        free = (by_lower[usual] for usual in names if usual in by_lower)
        column = next((column for column in free if column not in taken), None)
        if field not in mapping and column is not None:
            mapping[field] = column
            taken.add(column)
    if "question" not in mapping:
        raise InputError(
            f"{name}: no column looks like a question; there is {', '.join(columns)}. "
            "Name it with --map question=COLUMN"
        )
    return {field: mapping[field] for field in TASK_FIELDS if field in mapping}


def _judged(source: Input, row: RawRow, columns: Mapping[str, str]) -> Any:
    source.columns = {
        _AS_TRACE.get(field, field): column for field, column in columns.items() if field != CONTEXT
    } or {"text": "question"}
    value = judge(source, row)
    source.columns = dict(columns)
    if not isinstance(value, Trace) or row.data is None:
        return value
    meta = _shown(value.meta, columns)
    if set(meta) == {"meta"} and isinstance(meta["meta"], dict):
        meta = _shown(meta["meta"], columns)
    context = dig(row.data, columns[CONTEXT]) if CONTEXT in columns else None
    if isinstance(context, str) and context.strip():
        meta[CONTEXT] = clean(context)
    return msgspec.structs.replace(value, meta=meta)


def _shown(meta: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return what plugins may see of a row's other columns."""
    taken = columns.get(CONTEXT)
    return {
        name: item for name, item in meta.items() if name.lower() not in _HIDDEN and name != taken
    }
