"""Gold in plain files: a table in long form, and annotations one a line.

A gold is small and made by hand; so a bad line is not set aside but stops the reading,
and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from cogtrace.corpora.evaluation.labels import LabelSet, Marked, marked
from cogtrace.corpora.readers.formats import csv_rows, jsonl_rows, tsv_rows
from cogtrace.errors import InputError
from cogtrace.extensions import RawRow
from cogtrace.records import Annotation

DEFAULT: Final = "gold"  # an annotator without a name

# The columns of a table, each with the names it may have.
_COLUMNS: Final = {
    "trace_id": ("trace_id", "item", "id"),
    "annotator": ("annotator", "coder", "rater"),
    "element": ("element", "label"),
    "score": ("score",),
    "start": ("start",),
    "end": ("end",),
}
_NEEDED: Final = ("trace_id", "element", "score")
_HIGHEST: Final = 2


def is_table(path: str) -> bool:
    """Say whether the name of a file tells a table."""
    return path.lower().removesuffix(".gz").removesuffix(".zst").endswith((".csv", ".tsv"))


def read_table(path: str) -> LabelSet:
    """Read a table in long form: a line per trace, annotator and element, or per span.

    Raises:
        InputError: a column is missing, or a line is bad; says which.
    """
    read: Callable[[str], Iterator[RawRow]] = tsv_rows if ".tsv" in path.lower() else csv_rows
    found: dict[tuple[str, str], Marked] = {}
    columns: dict[str, str] | None = None
    for row in read(path):
        data = _data(path, row)
        if columns is None:
            columns = _columns(path, data)
        values = {name: str(data.get(column) or "").strip() for name, column in columns.items()}
        where = f"{path}:{row.line}"
        trace_id, annotator = values["trace_id"], values.get("annotator") or DEFAULT
        if not trace_id or not values["element"]:
            raise InputError(f"{where}: no trace_id or no element")
        mine = found.setdefault((trace_id, annotator), Marked(trace_id, annotator, {}, {}))
        _add(mine, values, where)
    if not found:
        raise InputError(f"{path}: no label in it")
    return LabelSet(path, list(found.values()))


def read_annotations(path: str) -> LabelSet:
    """Read annotations one a line, as `cogtrace export --to jsonl` writes them.

    Raises:
        InputError: a line is no annotation; says which.
    """
    rows = []
    for row in jsonl_rows(path):
        try:
            annotation = msgspec.convert(_data(path, row), Annotation)
        except msgspec.ValidationError as error:
            raise InputError(f"{path}:{row.line}: no annotation ({error})") from error
        rows.append(marked(annotation, annotation.annotator.name))
    if not rows:
        raise InputError(f"{path}: no annotation in it")
    return LabelSet(path, rows)


def _data(path: str, row: RawRow) -> dict[str, Any]:
    if row.data is None:
        raise InputError(f"{path}:{row.line}: {row.message}")
    return row.data


def _columns(path: str, data: dict[str, Any]) -> dict[str, str]:
    there = {str(name).strip().lower(): name for name in data}
    found = {
        name: there[known]
        for name, names in _COLUMNS.items()
        for known in [next((n for n in names if n in there), None)]
        if known is not None
    }
    for name in _NEEDED:
        if name not in found:
            raise InputError(
                f"{path}: no column {name!r}; a gold table has trace_id, annotator, element, "
                f"score, and start and end where spans are marked. There is {', '.join(there)}"
            )
    return found


def _add(row: Marked, values: dict[str, str], where: str) -> None:
    element, score = values["element"], values["score"]
    if score not in ("0", "1", "2"):
        raise InputError(f"{where}: the score is {score[:40]!r}, not 0, 1 or 2")
    known = row.scores.setdefault(element, int(score))
    if known != int(score):
        raise InputError(
            f"{where}: {row.annotator} gave {element} in {row.trace_id!r:.80} the score {known} "
            f"before, and {score} here"
        )
    start, end = values.get("start", ""), values.get("end", "")
    if not start and not end:
        return
    if not (start.isdecimal() and end.isdecimal() and int(start) < int(end)):
        raise InputError(f"{where}: [{start[:20]}, {end[:20]}) is no stretch of a text")
    if known == 0:
        raise InputError(f"{where}: a span with score 0")
    row.places.setdefault(element, []).append((int(start), int(end), None))
