"""The cluster bootstrap: how far figures move when the questions are drawn anew.

Clusters are drawn with replacement, as many as there are, each with all its traces. What
is needed of a cluster are its sums; so a thousand draws of any number of traces are one
product of a matrix of counts (draws x clusters) with the sums (clusters x columns).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from cogtrace.corpora.statistics.arrays import Array

LEVEL: Final = 0.95  # of all intervals

_CHUNK: Final = 4_096  # clusters at a time
_CELLS: Final = 6_000_000  # of one chunk of sums, at most


class Section(Protocol):
    """Figures that are functions of sums over clusters."""

    @property
    def width(self) -> int:
        """How many sums there are per cluster."""

    def block(self, low: int, high: int) -> Array:
        """Return the sums of clusters ``low`` to ``high`` (not included), a row each."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The sums of a section over all clusters, and over those of each draw."""

    total: Array  # one row
    draws: Array  # one row per draw; none without bootstrap


def resample(
    sections: Sequence[Section], clusters: int, draws: int, rng: np.random.Generator
) -> list[Drawn]:
    """Draw clusters ``draws`` times; every section sees the same draws.

    With fewer than two clusters there is nothing to draw, and no draws are returned.
    """
    draws = draws if clusters > 1 else 0
    widths = [section.width for section in sections]
    total = np.zeros((1, sum(widths)))
    drawn = np.zeros((draws, sum(widths)))
    chunk = max(1, min(_CHUNK, _CELLS // max(1, sum(widths))))
    counts = _counts(clusters, draws, chunk, rng)
    for low in range(0, clusters, chunk):
        high = min(clusters, low + chunk)
        block = np.concatenate(
            [section.block(low, high).astype(np.float32) for section in sections], axis=1
        )
        total += block.sum(axis=0, dtype=np.float64)
        if draws:
            drawn += next(counts) @ block
    ends = np.cumsum(widths)
    return [
        Drawn(total[:, end - width : end], drawn[:, end - width : end])
        for end, width in zip(ends, widths, strict=True)
    ]


def drawn_counts(clusters: int, draws: int, rng: np.random.Generator) -> Array:
    """Return how often each draw (row) has each cluster, for figures that are no sums.

    With fewer than two clusters there is nothing to draw, and there are no rows.
    """
    if clusters < 2 or not draws:
        return np.zeros((0, clusters), dtype=np.float32)
    return next(_counts(clusters, draws, clusters, rng))


def interval(values: Array) -> tuple[Array, Array]:
    """Return the percentile interval of each column over its draws (rows).

    A draw in which a figure is undefined (NaN) does not count; where that is so in more
    than half of the draws, or there are none, the interval is NaN.
    """
    if not len(values):
        nothing = np.full(values.shape[1:], np.nan)
        return nothing, nothing.copy()
    tail = (1 - LEVEL) / 2
    ordered = np.sort(values, axis=0)  # NaN goes last
    known = (~np.isnan(ordered)).sum(axis=0)
    enough = known * 2 >= len(values)
    low, high = (_quantile(ordered, known, share) for share in (tail, 1 - tail))
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def spread(values: Array) -> Array:
    """Return the standard deviation of each column over its draws, NaN left out."""
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(n, 1)
    squares = np.where(known, (values - mean) ** 2, 0).sum(axis=0)
    enough = (n > 1) & (n * 2 >= len(values))
    return np.where(enough, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)


def _quantile(ordered: Array, known: Array, share: float) -> Array:
    place = np.maximum(known - 1, 0) * share
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(known - 1, 0))
    part = place - below
    lower, upper = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (below, above))
    quantile: Array = lower + (upper - lower) * part
    return quantile


def _counts(clusters: int, draws: int, chunk: int, rng: np.random.Generator) -> Iterator[Array]:
    """Yield, chunk by chunk, how often each draw has each cluster."""
    sizes = [min(chunk, clusters - low) for low in range(0, clusters, chunk)]
    shares = rng.multinomial(clusters, np.array(sizes) / clusters, size=draws)
    for number, size in enumerate(sizes):
        counts = np.empty((draws, size), dtype=np.float32)
        for draw, share in enumerate(shares[:, number]):
            counts[draw] = np.bincount(rng.integers(0, size, share), minlength=size)
        yield counts
