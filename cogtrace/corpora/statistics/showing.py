"""What traces show of each element: scores, and where the spans lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from cogtrace.corpora.statistics.arrays import Array
from cogtrace.corpora.statistics.sample import Sparse
from cogtrace.corpora.statistics.spans import (
    TENTHS,
    covered,
    firsts,
    step_columns,
    steps,
    tenths,
)

Spans = tuple[Array, Array, Array, Array]  # trace, element, start, end


@dataclass(frozen=True, slots=True)
class Shown:
    """What some traces show. First axis: traces; second: elements."""

    score: Array  # -1 where there is none
    spans: Array  # how many
    covered: Array  # share of the text
    first: Array  # where the first span starts, as a share of the text; NaN without one
    covered_by_any: Array  # share of the text that is in a span of any element
    bins: Sparse  # element * 10 + tenth of the text: share of the spans there
    steps: Sparse  # see `spans.steps`

    @classmethod
    def joined(cls, parts: Sequence[Shown]) -> Shown:
        """Return several as one, their traces one after the other."""
        return cls(
            score=np.concatenate([part.score for part in parts]),
            spans=np.concatenate([part.spans for part in parts]),
            covered=np.concatenate([part.covered for part in parts]),
            first=np.concatenate([part.first for part in parts]),
            covered_by_any=np.concatenate([part.covered_by_any for part in parts]),
            bins=Sparse.joined([part.bins for part in parts]),
            steps=Sparse.joined([part.steps for part in parts]),
        )


def showing(rows: pl.DataFrame, length: Array, elements: int) -> Shown:
    """Return what traces of these lengths show, from rows of ``row, code, score, spans``.

    Spans count where the score is above 0. ``code`` is the number of an element.
    """
    traces = len(length)
    score = np.full((traces, elements), -1, dtype=np.int8)
    score[rows["row"].to_numpy(), rows["code"].to_numpy()] = rows["score"].to_numpy()
    length = np.maximum(length, 1)  # an empty text has no span that could be divided by it
    row, code, start, end = spans = _flat(rows)
    size = int(end.max(initial=0)) + 1
    row, code, start, end = _ordered(spans, (row * elements + code) * size + start)
    owner = row * elements + code
    count = np.bincount(owner, minlength=traces * elements)
    shape = (traces, elements)
    middle = owner * TENTHS + tenths(start, end, length[row])
    keys, each = np.unique(middle, return_counts=True)
    width = elements * TENTHS
    by_place = _ordered((row, code, start, end), (row * size + start) * elements + code)
    bins = (*np.divmod(keys, width), each / count[keys // TENTHS])
    return Shown(
        score=score,
        spans=count.reshape(shape).astype(np.int32),
        covered=_shares(covered(owner, start, end, traces * elements).reshape(shape), length),
        first=_shares(firsts(owner, start, traces * elements).reshape(shape), length),
        covered_by_any=_any_covered(by_place, length),
        bins=Sparse.of(bins, (traces, width)),
        steps=Sparse.of(steps(*by_place[:3], elements), (traces, step_columns(elements))),
    )


def _any_covered(spans: Spans, length: Array) -> Array:
    row, _, start, end = spans
    share: Array = _shares(covered(row, start, end, len(length))[:, None], length)[:, 0]
    return share


def _ordered(spans: Spans, key: Array) -> Spans:
    order = np.argsort(key, kind="stable")
    row, code, start, end = (values[order] for values in spans)
    return row, code, start, end


def _flat(rows: pl.DataFrame) -> Spans:
    """Return trace, element, start and end of every span."""
    place = pl.col("spans").struct
    spans = (
        rows.filter((pl.col("score") > 0) & (pl.col("spans").list.len() > 0))
        .select("row", "code", pl.col("spans"))
        .explode("spans")
        .select("row", "code", place.field("start"), place.field("end"))
    )
    row, code, start, end = (spans[name].to_numpy() for name in ("row", "code", "start", "end"))
    return row, code, start, end


def _shares(values: Array, length: Array) -> Array:
    """Return lengths in characters as shares of the text."""
    return np.minimum(values / length[:, None], 1).astype(np.float32)
