"""Reading one JSON file of the reference code: an object of records."""

from __future__ import annotations

import json
import math
import mmap
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from cogtrace.corpora.structure.corpus import Array, Builder, offsets

# What a record that is not as it should be may raise.
BAD: Final = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    msgspec.MsgspecError,
)

# Labels of the reference code by its numbers; -1 is a vote that is no number.
_LABELS: Final = {
    -1: "No Type Matched",
    1: "Algorithmic",
    2: "Story Problem",
    3: "Rule-Using",
    4: "Decision-Making",
    5: "Troubleshooting",
    6: "Diagnosis-Solution",
    7: "Strategic Performance",
    8: "Case Analysis",
    9: "Design",
    10: "Logical",
    11: "Dilemma",
    12: "Factual Recall/Comprehension",
    13: "Creative/Expressive",
}
_DERIVED: Final = ("hier_", "graph_")  # in ids of records that hold something else
_LARGEST: Final = 2**53  # from here on, offsets have no exact floating-point number

_FILE: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RECORD: Final = msgspec.json.Decoder()


class Record(NamedTuple):
    """What is known about a trace, and how many of the file's spans are its own."""

    question: str
    type: str | None
    correct: bool | None
    asked: int  # number of the set of elements it was asked about
    spans: int


class FileReader:
    """The records of a file with their spans; the spans of all records one after another."""

    def __init__(self, path: Path, builder: Builder, *, strict: bool) -> None:
        self.path = path
        self._builder = builder
        self._strict = strict
        self._always_right = strict and any(k in str(path).lower() for k in ("image", "audio"))
        self._layouts: dict[tuple[str, ...], int] = {}
        self._clear()

    def _clear(self) -> None:
        self.model: str | None = None  # the first record's, for all of them
        self.records: list[Record] = []
        self._bounds: list[Any] = []  # of all spans: start, end, start, end, …
        self._entries: list[int] = []  # an element, how many bounds are its own, an element, …
        self.lost = 0  # records left out; only where the reading is not strict
        self.first_lost: tuple[str, Exception] = ("", ValueError())

    def read(self) -> None:
        """Read the file, one record at a time.

        Raises:
            BAD: it is no object of records or, in strict reading, one of them is bad.
            OSError: it cannot be read.
        """
        try:
            self._read(_records(self.path))
        except msgspec.DecodeError:
            # Python's own reader takes more (NaN, lone surrogates), as the reference code
            # does; what it does not take either is an error.
            self._clear()
            self._read(json.loads(self.path.read_bytes()).items())

    def _read(self, records: Iterable[tuple[str, Any]]) -> None:
        for key, found in records:
            entries, bounds = len(self._entries), len(self._bounds)
            try:
                record = _RECORD.decode(found) if isinstance(found, msgspec.Raw) else found
                self._add(key, record)
            except msgspec.DecodeError:
                raise
            except BAD as error:
                if self._strict:
                    raise
                del self._entries[entries:], self._bounds[bounds:]
                self.lost += 1
                if self.lost == 1:
                    self.first_lost = (key[:80], error)

    def _add(self, key: str, record: dict[str, Any]) -> None:
        question = str(record.get("question_id", key))
        if any(mark in question for mark in _DERIVED):
            return
        if self.model is None:
            self.model = str(record.get("model_name", self.path.stem))
        if self._strict:
            _ = record["task"]  # a record without one is bad
        label = problem_type(record["problem_type"])
        right = record["correctness"]
        if self._always_right:
            right = True
        before = len(self._bounds)
        asked = self._spans(record["element_annotation"])
        self.records.append(
            Record(
                question=question,
                type=label,
                correct=None if right is None else bool(right),
                asked=asked,
                spans=(len(self._bounds) - before) // 2,
            )
        )

    def _spans(self, annotation: dict[str, Any]) -> int:
        """Append the spans of a record; return the number of the elements asked about."""
        # Millions of spans pass here: what is usual is handled in place.
        names = tuple(annotation)
        bounds, least = self._bounds, self._builder.min_score
        for name, entry in annotation.items():
            if "score" not in entry:
                names = tuple(other for other in names if other != name)
            elif entry["score"] >= least:
                before = len(bounds)
                for span in entry["spans"]:
                    if type(span) is list and len(span) == 2:
                        start, end = span
                        if type(start) is int and type(end) is int:
                            bounds += span
                        else:
                            bounds += _unusual(span)
                if len(bounds) > before:
                    number = self._builder.elements.number(name)
                    self._entries += (number, len(bounds) - before)
        layout = self._layouts.get(names)
        if layout is None:
            layout = self._layouts[names] = self._builder.asked(names)
        return layout

    def spans(self) -> tuple[Array, Array]:
        """Return the element of every span, and its start and end as two columns.

        Bounds that cannot be computed with are NaN.
        """
        entries = np.array(self._entries, np.int32).reshape(-1, 2)
        bounds = np.array(self._bounds) if self._bounds else np.empty(0, np.int64)
        if bounds.dtype.kind != "i" or np.abs(bounds).max(initial=0) >= _LARGEST:
            known = (bound if _computable(bound) else math.nan for bound in self._bounds)
            bounds = np.array(list(known))
        return np.repeat(entries[:, 0], entries[:, 1] // 2), offsets(bounds).reshape(-1, 2)


def _unusual(span: list[Any]) -> list[Any]:
    """Return the bounds of a pair that is not of two integers; nothing where it is no span.

    Raises:
        ValueError: a string that looks like a number and is not ("²").
    """
    for bound in span:
        if type(bound) is str and not bound.isnumeric():
            return []
    bounds = [int(bound) if isinstance(bound, str | bool) else bound for bound in span]
    return [bound if isinstance(bound, int | float) else math.nan for bound in bounds]


def _computable(bound: Any) -> bool:
    return isinstance(bound, int | float) and -_LARGEST < bound < _LARGEST


def problem_type(value: Any) -> str | None:
    """Return the label in a record's field: a label, or votes as numbers.

    Of votes the most frequent one counts, the smallest of equals; what is no number
    counts as -1. A string of digits is read as one vote per digit, as the reference does.

    Raises:
        BAD: it is none of these, or the vote is no known number.
    """
    if value is None or (isinstance(value, str) and not value.isdigit()):
        return value or None
    votes = Counter(int(vote) if vote.isnumeric() else -1 for vote in value)
    most = max(votes.values())
    return _LABELS[min(vote for vote, times in votes.items() if times == most)]


def _records(path: Path) -> Iterator[tuple[str, msgspec.Raw]]:
    """Yield the keys of a file with their records as they stand in it.

    The file is mapped into memory, so its size costs none.
    """
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    yield from _FILE.decode(content).items()
