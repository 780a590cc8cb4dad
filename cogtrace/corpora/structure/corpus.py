"""The spans of a corpus as flat arrays: all that the structure is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_SMALL: Final = 2**29  # sums of differences of such offsets fit into 32 bits

UNKNOWN: Final = -1  # a trace that nobody graded, or that has no problem type


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Traces by number, and their spans in order of trace, then as they were read.

    Elements and problem types are numbered by name, so that comparing numbers compares
    names. Offsets are integers where all of them are.
    """

    elements: tuple[str, ...]
    types: tuple[str, ...]
    trace_type: Array  # per trace: number of its problem type, or UNKNOWN
    correct: Array  # per trace: 1 right, 0 wrong, or UNKNOWN
    pattern: Array  # per trace: which row of `patterns` says what it was asked about
    patterns: Array  # boolean, (patterns, elements)
    owner: Array  # per span: number of its trace, never falling
    element: Array  # per span
    start: Array  # per span
    end: Array  # per span
    min_score: float  # of an element, for its spans to count
    notes: tuple[str, ...] = ()  # what was left out, for people

    @property
    def traces(self) -> int:
        """Number of traces."""
        return len(self.trace_type)

    def windows(self, spans: int) -> Iterator[tuple[slice, slice]]:
        """Yield traces and their spans in stretches of about so many spans, whole traces each."""
        bounds = np.searchsorted(self.owner, np.arange(self.traces + 1))
        first = 0
        while first < self.traces:
            last = int(np.searchsorted(bounds, bounds[first] + spans, side="right")) - 1
            last = min(max(last, first + 1), self.traces, first + spans)
            yield slice(first, last), slice(int(bounds[first]), int(bounds[last]))
            first = last


@dataclass(slots=True)
class Names:
    """Numbers for names, in order of appearance."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Return the number of a name, a new one if it was not seen before."""
        return self.numbers.setdefault(name, len(self.numbers))

    def by_name(self) -> tuple[tuple[str, ...], Array]:
        """Return the names in order, and for each number its place in that order."""
        names = sorted(self.numbers)
        place = np.empty(len(names) + 1, np.int32)
        place[[self.numbers[name] for name in names]] = np.arange(len(names))
        place[UNKNOWN] = UNKNOWN  # the number of no name stays
        return tuple(names), place


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a corpus as it is read; numbers of names are those of the builder.

    Fields are those of `Corpus`; owners count from the first trace of the piece.
    """

    trace_type: Array
    correct: Array
    asked: Array  # per trace: number of a set of elements, from `Builder.asked`
    owner: Array
    element: Array
    start: Array
    end: Array

    def only(self, kept: Array) -> Piece:
        """Return the piece with some of its traces, which a boolean for each says."""
        place = np.cumsum(kept, dtype=np.int32) - np.int32(1)
        spans = kept[self.owner]
        return Piece(
            trace_type=self.trace_type[kept],
            correct=self.correct[kept],
            asked=self.asked[kept],
            owner=place[self.owner[spans]],
            element=self.element[spans],
            start=self.start[spans],
            end=self.end[spans],
        )


class Builder:
    """Puts a corpus together from pieces."""

    def __init__(self, min_score: float) -> None:
        self.min_score = min_score
        self.elements = Names()
        self.types = Names()
        self.notes: list[str] = []
        self._sets: dict[frozenset[str], int] = {}
        self._pieces: list[Piece] = []

    def asked(self, elements: Iterable[str]) -> int:
        """Return the number of a set of elements that a trace was asked about."""
        return self._sets.setdefault(frozenset(elements), len(self._sets))

    def add(self, piece: Piece) -> None:
        """Append the traces of a piece."""
        self._pieces.append(piece)

    def build(self) -> Corpus:
        """Return the corpus; the builder must not be used any more."""
        for name in set().union(*self._sets):
            self.elements.number(name)
        elements, element_place = self.elements.by_name()
        types, type_place = self.types.by_name()
        patterns = np.zeros((len(self._sets), len(elements)), bool)
        for names, number in self._sets.items():
            patterns[number, [element_place[self.elements.numbers[name]] for name in names]] = True
        sizes = [len(piece.owner) for piece in self._pieces]
        owner, element = np.empty(sum(sizes), np.int32), np.empty(sum(sizes), np.int32)
        at = first = 0
        for piece, size in zip(self._pieces, sizes, strict=True):
            np.add(piece.owner, first, out=owner[at : at + size])
            np.take(element_place, piece.element, out=element[at : at + size])
            at, first = at + size, first + len(piece.trace_type)
        return Corpus(
            elements=elements,
            types=types,
            trace_type=type_place[self._column("trace_type", np.int32)],
            correct=self._column("correct", np.int8),
            pattern=self._column("asked", np.int32),
            patterns=patterns,
            owner=owner,
            element=element,
            start=self._column("start", np.int32),
            end=self._column("end", np.int32),
            min_score=self.min_score,
            notes=tuple(self.notes),
        )

    def _column(self, name: str, empty: npt.DTypeLike) -> Array:
        parts = [getattr(piece, name) for piece in self._pieces]
        return np.concatenate(parts) if parts else np.empty(0, empty)


def offsets(values: Array) -> Array:
    """Return offsets in the smallest type that computes exactly with them."""
    if values.dtype.kind != "i":
        return values
    small = values.min(initial=0) > -_SMALL and values.max(initial=0) < _SMALL
    return values.astype(np.int32) if small else values
