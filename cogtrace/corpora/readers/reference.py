"""Annotations in the layout of the public reference code: an object of records.

A record has scores and spans by element, and no text: that comes from elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cogtrace.corpora.readers.raw import RawRow
from cogtrace.corpora.readers.streams import open_bytes
from cogtrace.extensions import Labels, Mark

_FILE: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\],:]', re.DOTALL)
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

    An element whose score or spans cannot be used is a fault of that element alone. Spans of
    no length mark nothing; they are left out, and counted.
    """
    with open_bytes(path) as stream:
        try:
            content = stream.read()
        except (EOFError, OSError) as error:
            yield RawRow(1, None, "damaged-archive", f"cannot be decompressed: {error}")
            return
    number = 0
    try:
        for number, (key, found) in enumerate(_records(content), start=1):
            yield _row(number, key, found)
    except ValueError as error:
        message = f"no object of records, or only up to here: {error}"
        yield RawRow(number + 1, None, "bad-json", message, _shown(content))


def _records(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield keys and records as they stand in the file.

    Raises:
        ValueError: it is no object of records, or not from here on.
    """
    try:
        found = _FILE.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Something in it is bad; the records on this side of it may be good.
        yield from _split(content)
    else:
        for key, record in found.items():
            yield key, bytes(record)


def _split(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Cut an object into its members by quotes, brackets and commas alone."""
    depth, key, start = 0, "", -1  # start: of the value, once its colon was seen
    for token in _TOKEN.finditer(content):
        mark = token.group()
        if depth == 0 and (mark != b"{" or content[: token.start()].strip(b" \t\r\n\xef\xbb\xbf")):
            break
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
        elif depth == 1 and mark == b":":
            start = token.end()
        elif depth == 1 and mark[:1] == b'"' and start < 0:
            key = str(json.loads(mark))
        if start >= 0 and (depth == 0 or (depth == 1 and mark == b",")):
            yield key, content[start : token.start()]
            start = -1
        if depth == 0:
            return
    raise ValueError("it is cut short" if depth else "it does not begin with a brace")


def _row(number: int, key: str, content: bytes) -> RawRow:
    try:
        found = json.loads(content)
        if not isinstance(found, dict):
            raise ValueError("it is no object")
        entries = found.get("element_annotation")
        if not isinstance(entries, dict):
            raise ValueError("'element_annotation' is missing or no object")
    except (ValueError, RecursionError) as error:
        message = f"record {key[:80]!r}: {error}"
        return RawRow(number, None, "bad-record", message, _shown(content))
    data = {name: value for name, value in found.items() if name != "element_annotation"}
    return RawRow(number, {**data, KEY: key}, labels=_labels(entries))


def _shown(content: bytes) -> str:
    return content[:_SHOWN].decode("utf-8", "backslashreplace")


def _labels(entries: dict[str, Any]) -> Labels:
    scores: dict[str, int] = {}
    marks: list[Mark] = []
    faults: dict[str, tuple[str, str]] = {}
    empty = 0
    for name, entry in entries.items():
        try:
            score, spans = _entry(entry)
        except _Fault as error:
            faults[name] = (error.reason, str(error))
        else:
            scores[name] = score
            kept = [Mark(name, start, end) for start, end in spans if start != end]
            empty += len(spans) - len(kept)
            marks += kept
    left_out = {"empty-span": empty} if empty else {}
    return Labels(marks=tuple(marks), scores=scores, faults=faults, left_out=left_out)


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
