"""How two sets of spans lie on each other, for all rows and elements at once.

Owners (a row and an element each) are laid out one behind the other on one long line, so
that unions and what they share are found by sorting, without a look at owners.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from cogtrace.corpora.evaluation.aligning import Places
from cogtrace.corpora.statistics.arrays import Array, ranges
from cogtrace.corpora.statistics.spans import covered

_PAIRS: Final = 4_000_000  # of spans at a time


def shared(predicted: Places, gold: Places, owners: int) -> Array:
    """Return per owner how many units both cover, the prediction covers, the gold covers."""
    union = _concatenated(predicted, gold)
    mine, theirs, either = (
        covered(p.owner, p.start, p.end, owners) for p in (predicted, gold, union)
    )
    return np.stack([mine + theirs - either, mine, theirs], axis=-1)


def onsets(predicted: Places, gold: Places, owners: int) -> Array:
    """Return per owner in how many units spans of both begin, of the prediction, of the gold."""
    return shared(_opening(predicted), _opening(gold), owners)


def exact(predicted: Places, gold: Places, owners: int) -> Array:
    """Return per owner how many spans are the same on both sides, and how many each has."""
    size = _size(predicted, gold)
    begins = [side.owner * size + side.start for side in (predicted, gold)]
    _, code = np.unique(np.concatenate(begins), return_inverse=True)
    key = code.reshape(-1) * size + np.concatenate([predicted.end, gold.end])
    first = len(predicted.owner)
    (mine, at), (theirs, their_at) = (
        np.unique(part, return_index=True) for part in (key[:first], key[first:])
    )
    same = np.isin(theirs, mine, assume_unique=True)
    each = (gold.owner[their_at[same]], predicted.owner[at], gold.owner[their_at])
    counts = [np.bincount(owner, minlength=owners) for owner in each]
    return np.stack(counts, axis=-1).astype(np.float64)


def soft(predicted: Places, gold: Places, owners: int) -> Array:
    """Return per owner: shares of predicted spans that the gold covers, predicted spans, and
    the same the other way round.

    Johansson and Moschitti, "Relational features in fine-grained opinion analysis"
    (Computational Linguistics 39(3), 2013): intersection-based precision and recall.
    """
    columns = []
    for side, other in ((predicted, gold), (gold, predicted)):
        columns.append(np.bincount(side.owner, weights=inside(side, other), minlength=owners))
        columns.append(np.bincount(side.owner, minlength=owners).astype(np.float64))
    return np.stack(columns, axis=-1)


def inside(side: Places, other: Places) -> Array:
    """Return for each span the share of it that lies in the other side's spans."""
    if not len(side.owner) or not len(other.owner):
        return np.zeros(len(side.owner))
    size = _size(side, other)
    edges, sums = _merged(other.owner * size + other.start, other.owner * size + other.end)
    low, high = (_reach(edges, sums, side.owner * size + at) for at in (side.start, side.end))
    share: Array = (high - low) / (side.end - side.start)
    return share


def boundaries(predicted: Places, gold: Places) -> tuple[Array, Array]:
    """Return, for each gold span that a predicted one overlaps, its owner and how far off.

    The predicted span is that which shares most with it (of several, the first); the
    distance is the mean of that between the starts and that between the ends.
    """
    first = np.searchsorted(predicted.owner, gold.owner, side="left")
    count = np.searchsorted(predicted.owner, gold.owner, side="right") - first
    owners: list[Array] = []
    distances: list[Array] = []
    ends = np.cumsum(count)
    low = 0
    while low < len(count):
        before = int(ends[low - 1]) if low else 0
        high = max(low + 1, int(np.searchsorted(ends, before + _PAIRS, side="right")))
        some = slice(low, high)
        mine = np.repeat(np.arange(low, min(high, len(count))), count[some])
        theirs = np.repeat(first[some], count[some]) + ranges(count[some])
        found, distance = _nearest(mine, theirs, predicted, gold)
        owners.append(gold.owner[found])
        distances.append(distance)
        low = high
    if not owners:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    return np.concatenate(owners), np.concatenate(distances)


def _nearest(mine: Array, theirs: Array, predicted: Places, gold: Places) -> tuple[Array, Array]:
    """Return the gold spans that have a counterpart, and the distance to the best of it."""
    overlap = np.minimum(gold.end[mine], predicted.end[theirs]) - np.maximum(
        gold.start[mine], predicted.start[theirs]
    )
    keep = overlap > 0
    mine, theirs, overlap = mine[keep], theirs[keep], overlap[keep]
    off = np.abs(gold.start[mine] - predicted.start[theirs]) + np.abs(
        gold.end[mine] - predicted.end[theirs]
    )
    order = np.lexsort((theirs, off, -overlap, mine))
    mine, off = mine[order], off[order]
    fresh = np.ones(len(mine), dtype=bool)
    fresh[1:] = mine[1:] != mine[:-1]
    return mine[fresh], off[fresh] / 2


def _opening(places: Places) -> Places:
    """Return the first unit of each span."""
    return replace(places, end=places.start + 1)


def _concatenated(a: Places, b: Places) -> Places:
    owner, start, end = (
        np.concatenate(pair) for pair in ((a.owner, b.owner), (a.start, b.start), (a.end, b.end))
    )
    order = np.lexsort((start, owner))
    nothing = np.full(len(owner), np.nan)
    return Places(owner[order], start[order], end[order], nothing, a.known)


def _size(*sides: Places) -> int:
    return int(max(side.end.max(initial=0) for side in sides)) + 1


def _merged(start: Array, end: Array) -> tuple[Array, Array]:
    """Return the edges of a union of stretches in order of start, and what lies before each."""
    reach = np.maximum.accumulate(end)
    fresh = np.ones(len(start), dtype=bool)
    fresh[1:] = start[1:] > reach[:-1]
    begins = start[fresh]
    stops = reach[np.append(np.flatnonzero(fresh)[1:] - 1, len(start) - 1)]
    edges = np.stack([begins, stops], axis=-1).reshape(-1)
    lengths = np.cumsum(stops - begins)
    sums = np.stack([np.append(0, lengths[:-1]), lengths], axis=-1).reshape(-1)
    return edges, sums


def _reach(edges: Array, sums: Array, at: Array) -> Array:
    """Return how much of the union lies before places on the line."""
    found: Array = np.interp(at, edges, sums)
    return found
