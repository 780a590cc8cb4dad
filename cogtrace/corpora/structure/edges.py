"""Edges between the spans of traces, for many traces at once.

A trace's spans are sorted by start, longer ones first. For each span i the scan looks at
those after it, one step further each round, for all spans that still have to look; so a
round is a few array operations, and there are as many rounds as the longest scan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from cogtrace.corpora.structure.corpus import Array
from cogtrace.corpora.structure.relations import (
    CONTAINS,
    NEXT,
    PARALLEL,
    WITHIN,
    corrected_relations,
    reference_relations,
)
from cogtrace.corpora.structure.settings import Settings

_KEY_BITS: Final = 63

Edges = tuple[Array, Array, Array]  # numbers of the two spans, and their relation
Scan = Callable[[Array, Array, Array, Settings], Edges]


def ordered(owner: Array, start: Array, end: Array) -> Array:
    """Return the order of spans by trace, start, falling length; equal ones as they are."""
    if not len(owner):
        return np.empty(0, np.intp)
    if start.dtype.kind == "i" and end.dtype.kind == "i":
        columns = [owner.astype(np.int64), start.astype(np.int64), start.astype(np.int64) - end]
        columns = [column - column.min() for column in columns]
        widths = [int(column.max()).bit_length() for column in columns]
        place = len(owner).bit_length()
        if sum(widths) + place <= _KEY_BITS:
            # One number per span, its place last: sorting plain numbers is far faster than
            # sorting by three columns, and equal spans stay in order.
            key = columns[0] << widths[1] | columns[1]
            key = (key << widths[2] | columns[2]) << place | np.arange(len(owner))
            key.sort()
            return key & ((1 << place) - 1)
    return np.lexsort((start - end, start, owner))


def reference_edges(owner: Array, start: Array, end: Array, settings: Settings) -> Edges:
    """Return the edges as the reference code finds them; spans in order, none of length zero.

    Each span gets every "contains" and "parallel" up to its second "next", of which only
    the first is an edge.
    """
    found: list[Edges] = []
    has_next = np.zeros(len(owner), bool)
    i = np.arange(len(owner))
    step = 0
    while True:
        step += 1
        i = i[_inside(i, step, owner)]
        if not len(i):
            return _joined(found)
        j = i + step
        relation = reference_relations(
            start[i], end[i], start[j], end[j], settings.overlap, settings.parallel
        )
        is_next = relation == NEXT
        going_on = ~(is_next & has_next[i])
        has_next[i[is_next]] = True
        i = i[going_on]
        found.append((i, j[going_on], relation[going_on]))


def corrected_edges(owner: Array, start: Array, end: Array, settings: Settings) -> Edges:
    """Return every nesting and every parallel, and the next span of each.

    Spans are in order and of positive length. Next is the first span that is neither
    nested nor parallel, and whatever covers exactly the same text as that one: such spans
    have no order among each other.
    """
    found: list[Edges] = []
    i = np.arange(len(owner))
    following = np.full(len(owner), -1)  # of each i, the first that is next
    again = np.zeros(len(owner), bool)  # whether the span after it covers the same text
    again[:-1] = (owner[1:] == owner[:-1]) & (start[1:] == start[:-1]) & (end[1:] == end[:-1])
    step = 0
    while True:
        step += 1
        inside = _inside(i, step, owner)
        i, following = i[inside], following[inside]
        if not len(i):
            return _directed(*_joined(found))
        j = i + step
        start_j, end_i, end_j = start[j], end[i], end[j]
        relation = corrected_relations(
            start[i], end_i, start_j, end_j, settings.overlap, settings.parallel
        )
        is_next = relation == NEXT
        following = np.where(is_next & (following < 0), j, following)
        same = (start_j == start[following]) & (end_j == end[following])
        emitted = ~is_next | same
        found.append((i[emitted], j[emitted], relation[emitted]))
        # What begins after the end of a span cannot overlap it, nor can anything later.
        going_on = (following < 0) | (same & again[j]) | (start_j < end_i)
        i, following = i[going_on], following[going_on]


SCANS: Final[dict[str, Scan]] = {"reference": reference_edges, "corrected": corrected_edges}


def _inside(i: Array, step: int, owner: Array) -> Array:
    """Return which of the spans, rising numbers, have another one of their trace so far on."""
    inside = np.zeros(len(i), bool)
    some = int(np.searchsorted(i, len(owner) - step))
    inside[:some] = owner[i[:some]] == owner[i[:some] + step]
    return inside


def _joined(found: list[Edges]) -> Edges:
    if not found:
        return np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.int8)
    i, j, relation = (np.concatenate(column) for column in zip(*found, strict=True))
    return i, j, relation


def _directed(i: Array, j: Array, relation: Array) -> Edges:
    """Turn "within" into "contains" from the other side."""
    within = relation == WITHIN
    relation[within] = CONTAINS
    return np.where(within, j, i), np.where(within, i, j), relation


__all__ = ["CONTAINS", "NEXT", "PARALLEL", "SCANS", "corrected_edges", "ordered", "reference_edges"]
