"""Annotations in the layout of the public reference code: an object of records.

A record has scores and spans by element, and no text: that comes from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cogtrace.corpora.readers.raw import RawRow
from cogtrace.corpora.readers.streams import open_bytes
from cogtrace.extensions import Labels, Mark

_FILE: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SCORES: Final = (0, 1, 2)
_SHOWN: Final = 65_537  # one more than a quarantine keeps

KEY: Final = "key"  # of a record in its file, among the columns of a row


class _Fault(ValueError):
    """What is wrong with an element of a record; the reason is a short code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def reference_rows(path: str) -> Iterator[RawRow]:
    """Read the records of a file, numbered from 1 in the order of the file.

    An element whose score or spans cannot be used is a fault of that element alone.
    """
    with open_bytes(path) as stream:
        try:
            content = stream.read()
        except (EOFError, OSError) as error:
            yield RawRow(1, None, "damaged-archive", f"cannot be decompressed: {error}")
            return
    try:
        records: dict[str, Any] = _decoded(content)
    except (ValueError, RecursionError) as error:
        raw = content[:_SHOWN].decode("utf-8", "backslashreplace")
        yield RawRow(1, None, "bad-json", f"not an object of records: {error}", raw)
        return
    for number, (key, found) in enumerate(records.items(), start=1):
        yield _row(number, key, found)


def _decoded(content: bytes) -> dict[str, Any]:
    try:
        return _FILE.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Python's own decoder takes more (NaN, half surrogates), and so do the programs
        # that wrote such files.
        found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError(f"it holds {type(found).__name__}")
    return found


def _row(number: int, key: str, found: Any) -> RawRow:
    raw = None
    try:
        if isinstance(found, msgspec.Raw):
            raw = bytes(found)[:_SHOWN].decode("utf-8", "backslashreplace")
            found = json.loads(bytes(found))
        if not isinstance(found, dict):
            raise ValueError("it is no object")
        entries = found.get("element_annotation")
        if not isinstance(entries, dict):
            raise ValueError("'element_annotation' is missing or no object")
    except (ValueError, RecursionError) as error:
        return RawRow(number, None, "bad-record", f"record {key[:80]!r}: {error}", raw)
    data = {name: value for name, value in found.items() if name != "element_annotation"}
    return RawRow(number, {**data, KEY: key}, labels=_labels(entries))


def _labels(entries: dict[str, Any]) -> Labels:
    scores: dict[str, int] = {}
    marks: list[Mark] = []
    faults: dict[str, tuple[str, str]] = {}
    for name, entry in entries.items():
        try:
            score, spans = _entry(entry)
        except _Fault as error:
            faults[name] = (error.reason, str(error))
        else:
            scores[name] = score
            marks += [Mark(name, *span) for span in spans]
    return Labels(marks=tuple(marks), scores=scores, faults=faults)


def _entry(entry: Any) -> tuple[int, list[tuple[int, int]]]:
    if not isinstance(entry, dict):
        raise _Fault("bad-score", f"the element is no object but {type(entry).__name__}")
    score = entry.get("score")
    if isinstance(score, bool) or score not in _SCORES:
        raise _Fault("bad-score", f"the score is {score!r:.40}, not 0, 1 or 2")
    spans = entry.get("spans", [])
    if not isinstance(spans, list):
        raise _Fault("bad-span", f"the spans are no list but {type(spans).__name__}")
    return int(score), [_bounds(span) for span in spans]


def _bounds(span: Any) -> tuple[int, int]:
    if isinstance(span, list) and len(span) == 2:
        start, end = (_offset(bound) for bound in span)
        if start is not None and end is not None:
            return start, end
    raise _Fault("bad-span", f"a span is a pair of offsets, not {span!r:.80}")


def _offset(bound: Any) -> int | None:
    if type(bound) is int and abs(bound) < 10**15:
        return bound
    # As text in some published files.
    if isinstance(bound, str) and bound.isascii() and bound.isdigit() and len(bound) < 16:
        return int(bound)
    return None
