"""The disagreements that tell most, with the words they are about.

They are ordered by ``|predicted - gold| * rarity * sureness``: a difference of two levels
counts twice one of one level; rarity is the share of rows in which the two sides agree
about that element, so that an element nobody agrees on does not fill the list; sureness
is ½ plus half the highest confidence of a predicted span, so that a confident mistake
comes before a doubtful one. A trace and an element are named once; no element takes more
than a third of the list, unless there are too few others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

import numpy as np

from cogtrace.corpora.evaluation.aligning import Aligned, Places
from cogtrace.corpora.evaluation.figures import Disagreement
from cogtrace.corpora.statistics.arrays import Array

_LONGEST: Final = 300  # characters of a quote


def disagreements(aligned: Aligned, rows: Array, most: int) -> list[Disagreement]:
    """Return the first ``most`` disagreements within some rows."""
    asked = aligned.asked[rows]
    predicted, gold = aligned.predicted.score[rows], aligned.gold.score[rows]
    off = np.where(asked, np.abs(predicted.astype(np.int64) - gold), 0)
    same = (asked & (off == 0)).sum(axis=0) / np.maximum(asked.sum(axis=0), 1)
    weight = off * same * _sureness(aligned)[rows]
    order = np.lexsort((*_keys(aligned, rows), -weight.reshape(-1)))
    order = order[weight.reshape(-1)[order] > 0]
    elements = len(aligned.elements)
    found = []
    for place in _spread(aligned, rows, order.tolist(), most):
        row, element = int(rows[place // elements]), place % elements
        quote, by = _quote(aligned, row, element)
        found.append(
            Disagreement(
                trace_id=aligned.traces[row].trace_id,
                annotator=aligned.annotators[row],
                element=aligned.elements[element],
                predicted=int(aligned.predicted.score[row, element]),
                gold=int(aligned.gold.score[row, element]),
                weight=round(float(weight.reshape(-1)[place]), 6),
                quote=quote,
                marked_by=by,
            )
        )
    return found


def _keys(aligned: Aligned, rows: Array) -> tuple[Array, Array]:
    """Return what decides between equal weights: the order of rows, then of elements."""
    elements = len(aligned.elements)
    return np.tile(np.arange(elements), len(rows)), np.repeat(np.arange(len(rows)), elements)


def _spread(aligned: Aligned, rows: Array, order: list[int], most: int) -> Iterator[int]:
    """Yield the first places, each trace and element once, no element too often."""
    elements = len(aligned.elements)
    limit = max(1, most // 3)
    seen: set[tuple[str, int]] = set()
    each: Counter[int] = Counter()
    later = []
    left = most
    for place in order:
        if not left:
            return
        row, element = place // elements, place % elements
        key = (aligned.traces[int(rows[row])].trace_id, element)
        if key in seen:
            continue
        seen.add(key)
        if each[element] >= limit:
            later.append(place)
            continue
        each[element] += 1
        left -= 1
        yield place
    yield from later[:left]


def _sureness(aligned: Aligned) -> Array:
    places = aligned.predicted.places
    best = np.zeros(aligned.asked.size)
    np.maximum.at(best, places.owner, np.nan_to_num(places.confidence))
    sure: Array = (1 + best.reshape(aligned.asked.shape)) / 2
    return sure


def _quote(
    aligned: Aligned, row: int, element: int
) -> tuple[str | None, Literal["predicted", "gold"] | None]:
    """Return the words of the side that scores higher: its surest span, else its first."""
    higher: Literal["predicted", "gold"] = (
        "predicted"
        if aligned.predicted.score[row, element] > aligned.gold.score[row, element]
        else "gold"
    )
    side = aligned.predicted if higher == "predicted" else aligned.gold
    place = _surest(side.places, row * len(aligned.elements) + element)
    if place is None:
        return None, None
    text = aligned.traces[row].text[int(side.places.start[place]) : int(side.places.end[place])]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…", higher


def _surest(places: Places, owner: int) -> int | None:
    low, high = np.searchsorted(places.owner, [owner, owner + 1])
    if low == high:
        return None
    return int(low + np.argmax(np.nan_to_num(places.confidence[low:high], nan=-1.0)))
