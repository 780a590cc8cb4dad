"""Sentences and tokens: which of them each span touches, as ranges of their numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.corpora.evaluation.aligning import Aligned, Places
from cogtrace.corpora.statistics.arrays import Array

Units = tuple[Array, Array]  # starts and ends, in order, without blanks at their ends

# A word, one sign of a script that puts no blanks between words, or one other mark.
_CJK: Final = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_TOKEN: Final = re.compile(rf"[^\W{_CJK}]+|[{_CJK}]|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Layers:
    """The same spans in characters, and in the sentences and tokens that they touch."""

    characters: Places
    sentences: Places
    tokens: Places

    def only(self, wanted: Array) -> Layers:
        """Return the spans of some owners; ``wanted`` has a yes or no for each."""
        return Layers(
            *(p.only(wanted[p.owner]) for p in (self.characters, self.sentences, self.tokens))
        )

    def within(self, element: int, elements: int) -> Layers:
        """Return the spans of one element; owners are rows then."""
        kept = []
        for places in (self.characters, self.sentences, self.tokens):
            mine = places.only(places.owner % elements == element)
            kept.append(replace(mine, owner=mine.owner // elements))
        return Layers(*kept)


@dataclass(frozen=True, slots=True)
class Sentences:
    """Every sentence of every row, in order."""

    row: Array
    number: Array  # within its row, from 0
    start: Array
    end: Array
    first_token: Array
    last_token: Array  # not included


@dataclass(frozen=True, slots=True)
class Measured:
    """The spans of two sides in all units, and what there is to be marked."""

    predicted: Layers
    gold: Layers
    sentences: Sentences
    sentence_count: Array  # per row
    token_count: Array


def sentences(text: str) -> Units:
    """Return where the sentences of a text are; blank ones are none."""
    found = []
    for start, end in sentence_ranges(text):
        piece = text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = end - len(piece) + len(piece.rstrip())
        if left < right:
            found.append((left, right))
    return _units(found)


def tokens(text: str) -> Units:
    """Return where the tokens of a text are: words, CJK signs and other marks."""
    return _units([match.span() for match in _TOKEN.finditer(text)])


def measure(aligned: Aligned) -> Measured:
    """Cut all texts, and return the spans as ranges of the units they touch."""
    width = len(aligned.elements)
    sides = [aligned.predicted.places, aligned.gold.places]
    rows = np.arange(len(aligned.traces) + 1)
    bounds = [np.searchsorted(side.owner // width, rows) for side in sides]
    ranges = [[np.zeros((2, len(side.start)), dtype=np.int64) for _ in range(2)] for side in sides]
    counts = np.zeros((2, len(aligned.traces)), dtype=np.int64)
    table: list[tuple[Array, ...]] = []
    last = ""
    cuts: tuple[Units, Units] | None = None
    for row, trace in enumerate(aligned.traces):
        if cuts is None or trace.trace_id != last:  # rows of one trace stand together
            cuts, last = (sentences(trace.text), tokens(trace.text)), trace.trace_id
        table.append(_sentences(row, *cuts))
        for unit, cut in enumerate(cuts):
            counts[unit, row] = len(cut[0])
            for side, bound, found in zip(sides, bounds, ranges, strict=True):
                mine = slice(bound[row], bound[row + 1])
                found[unit][:, mine] = _touched(cut, side.start[mine], side.end[mine])
    predicted, gold = (
        Layers(side, *(_ranged(side, low_high) for low_high in found))
        for side, found in zip(sides, ranges, strict=True)
    )
    columns = (np.concatenate(part) for part in zip(*table, strict=True))
    return Measured(predicted, gold, Sentences(*columns), counts[0], counts[1])


def _sentences(row: int, cut: Units, words: Units) -> tuple[Array, ...]:
    starts, ends = cut
    number = np.arange(len(starts))
    return np.full(len(starts), row), number, starts, ends, *_touched(words, starts, ends)


def _touched(cut: Units, start: Array, end: Array) -> tuple[Array, Array]:
    """Return the first unit that shares a character with each span, and the one after the last."""
    starts, ends = cut
    return np.searchsorted(ends, start, side="right"), np.searchsorted(starts, end, side="left")


def _ranged(side: Places, found: Array) -> Places:
    ranged = replace(side, start=found[0], end=found[1])
    return ranged.only(ranged.start < ranged.end)


def _units(found: list[tuple[int, int]]) -> Units:
    table = np.array(found, dtype=np.int64).reshape(len(found), 2)
    return table[:, 0], table[:, 1]
