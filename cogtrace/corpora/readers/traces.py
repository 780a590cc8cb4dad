"""From raw rows to traces: mapping columns, checking values, refusing what is no trace."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

import msgspec

from cogtrace.corpora.readers.choosing import format_of, reader_of
from cogtrace.corpora.readers.columns import dig, guess_columns
from cogtrace.corpora.readers.raw import RawRow, clean
from cogtrace.corpora.readers.streams import STDIN, require_readable
from cogtrace.records import Quarantined, SourceRow, Trace

_SAMPLE: Final = 20  # rows looked at to guess the columns
_TRUE: Final = frozenset({"true", "yes", "1", "correct", "right", "1.0"})
_FALSE: Final = frozenset({"false", "no", "0", "incorrect", "wrong", "0.0"})


@dataclass(slots=True)
class Input:
    """One input: where it is, its format, and (once reading has begun) its columns."""

    path: str
    format: str
    bytes: int | None
    label: str  # begins the ids of traces that have none
    columns: dict[str, str] = field(default_factory=dict)
    rows: int = 0  # read so far


def open_inputs(paths: Sequence[str], asked_format: str | None = None) -> list[Input]:
    """Return the inputs in order, each checked to be there and readable.

    Raises:
        InputError: an input is missing, unreadable, or of no known format.
        OptionError: the format asked for does not exist.
    """
    stems = Counter(_stem(path) for path in paths)
    forms = [format_of(path, asked_format) for path in paths]
    return [
        Input(
            path=path,
            format=form,
            bytes=require_readable(path, folder=reader_of(form).folders),
            label=_stem(path) if stems[_stem(path)] == 1 else path,
        )
        for path, form in zip(paths, forms, strict=True)
    ]


def read_traces(inputs: Sequence[Input], overrides: Mapping[str, str]) -> Iterator[SourceRow]:
    """Yield every row of the inputs as a trace or as the reason why it is none.

    Raises:
        InputError: no column of an input can be the text.
    """
    for source in inputs:
        rows = reader_of(source.format).read(source.path)
        yield from _read(source, rows, overrides)


def preview(source: Input, overrides: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of an input without reading more than its first rows.

    A stream cannot be read twice, so standard input gives none.
    """
    if source.path == STDIN:
        return {}
    rows = reader_of(source.format).read(source.path)
    head = [row.data for row in itertools.islice(rows, _SAMPLE) if row.data is not None]
    return guess_columns(head, overrides, source.path)


def _read(
    source: Input, rows: Iterator[RawRow], overrides: Mapping[str, str]
) -> Iterator[SourceRow]:
    head = list(itertools.islice(rows, _SAMPLE))
    objects = [row.data for row in head if row.data is not None]
    source.columns = guess_columns(objects, overrides, source.path)
    for row in itertools.chain(head, rows):
        if "text" not in source.columns and row.data:
            source.columns = guess_columns([row.data], overrides, source.path)
        source.rows += 1
        yield SourceRow(file=source.path, line=row.line, value=judge(source, row))


def judge(source: Input, row: RawRow) -> Trace | Quarantined:
    """Return the trace in a row, or why there is none; the input's columns must be known."""
    if row.data is None:
        return _refused(source, row)
    try:
        return _trace(source, row.line, row.data)
    except RecursionError:
        deep = RawRow(row.line, None, "too-deep", "its values are nested too deeply", None)
        return _refused(source, deep)


def _trace(source: Input, line: int, data: dict[str, Any]) -> Trace | Quarantined:
    columns = source.columns
    values = {name: dig(data, column) for name, column in columns.items()}
    text = values.pop("text", None)
    given_id = values.pop("trace_id", None)
    trace_id = _name(given_id)
    fault = _fault(text, columns.get("text", "text"), data)
    if fault is None and trace_id is not None and not _is_unicode(trace_id):
        fault = ("lone-surrogate", "the id holds half a surrogate pair, which is no character")
    if fault is not None:
        row = RawRow(line, None, *fault, raw=_shown(data))
        return _refused(source, row, trace_id)
    used = {column for column in columns.values() if column in data}
    meta = {key: value for key, value in data.items() if key not in used}
    outcome = values.pop("correct", None)
    correct = _truth(outcome)
    if correct is None and outcome is not None:
        meta[columns["correct"]] = outcome
    if trace_id is None and given_id not in (None, ""):
        meta[columns["trace_id"]] = given_id
    if isinstance(data.get("meta"), dict) and set(meta) == {"meta"}:
        meta = data["meta"]
    fields = {}
    for name, value in values.items():
        fields[name] = _name(value)
        if fields[name] is None and value is not None:
            meta[columns[name]] = value
    return Trace(
        trace_id=trace_id or f"{source.label}:{line}",
        text=text,
        correct=correct,
        meta=_storable(meta),
        **{name: value if value is None else clean(value) for name, value in fields.items()},
    )


def _fault(text: Any, column: str, data: dict[str, Any]) -> tuple[str, str] | None:
    """Return reason and message if ``text`` is no text to annotate."""
    if text is None:
        there = ", ".join(list(data)[:12])
        return "no-text", f"no text: column {column!r} is missing or null (there is {there})"
    if not isinstance(text, str):
        kind = type(text).__name__
        return "text-not-string", f"the text in column {column!r} is no string but {kind}"
    if not text.strip():
        return "empty-text", f"the text in column {column!r} is empty"
    if not _is_unicode(text):
        return (
            "lone-surrogate",
            "the text is no valid Unicode (half a surrogate pair, or bytes that are not UTF-8)",
        )
    return None


def _refused(source: Input, row: RawRow, trace_id: str | None = None) -> Quarantined:
    raw = None if row.raw is None else clean(row.raw)
    name = None if trace_id is None else clean(trace_id)
    return Quarantined.of(source.path, row.line, row.reason, row.message, name, raw)


def _stem(path: str) -> str:
    return "stdin" if path == STDIN else PurePath(path).name.split(".")[0]


def _name(value: Any) -> str | None:
    """Return a scalar as a string; anything else as None."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | str):
        return str(value) or None
    return None


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    lower = str(value).strip().lower()
    if lower in _TRUE or lower in _FALSE:
        return lower in _TRUE
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _storable(value: Any) -> Any:
    """Return a value that JSON can hold, as close to the original as can be."""
    if isinstance(value, dict):
        return {clean(str(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int) and abs(value) >= 2**63:
        return str(value)  # beyond what other readers of JSON take
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean(str(value))


def _shown(data: dict[str, Any]) -> str:
    return msgspec.json.encode(_storable(data)).decode()
