"""Two sets of traces, a and b: do they differ in the share that shows an element?

Clusters are drawn jointly for both sets, so that a question both answered is one cluster
in the difference too. A p-value is that of the difference over its standard deviation in
the bootstrap, on the normal curve; counting draws on the wrong side of 0 could not tell
small p-values apart, which many elements at once need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.bootstrap import Drawn, interval, spread
from cogtrace.corpora.statistics.figures import ComparisonFigure, Group, LengthFigure
from cogtrace.corpora.statistics.measures import Z, benjamini_hochberg, two_sided
from cogtrace.corpora.statistics.sample import Sample

_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Sides:
    """Which traces of a corpus belong to a (0), to b (1), or to neither (-1)."""

    side: Array

    def both(self, rows: Array) -> Array:
        """Return those of the traces that belong to either."""
        chosen: Array = rows[self.side[rows] >= 0]
        return chosen


class Raw:
    """Sums per side and element: traces asked, showing; clusters asked."""

    def __init__(self, sample: Sample, sides: Sides) -> None:
        self._sample = sample
        self._sides = sides
        self.width = 6 * sample.elements

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        rows = self._sample.within(low, high)
        score = self._sample.corpus.score[rows]
        sums = []
        for side in (0, 1):
            mine = (self._sides.side[rows] == side)[:, None]
            values = np.concatenate([mine & (score >= 0), mine & (score >= 1)], axis=1)
            sums.append(self._sample.sums(values.astype(np.float32), low, high))
        clusters = [part[:, : self._sample.elements] > 0 for part in sums]
        return np.concatenate([*sums, *clusters], axis=1)

    def figures(self, group: Group, drawn: Drawn, min_n: int) -> list[ComparisonFigure]:
        """Return a row per element; p-values are not yet adjusted."""
        n_a, shown_a, n_b, shown_b, *clusters = np.split(drawn.total, 6, axis=1)
        share_a, share_b = ratio(shown_a, n_a)[0], ratio(shown_b, n_b)[0]
        counts = np.split(drawn.draws, 6, axis=1)
        draws = ratio(counts[1], counts[0]) - ratio(counts[3], counts[2])
        differences = Differences.of(share_a, share_b, draws, clusters[0][0], clusters[1][0])
        return [
            ComparisonFigure(
                group=group,
                method="raw",
                element=element,
                n_a=int(n_a[0, i]),
                n_b=int(n_b[0, i]),
                dropped_a=0,
                dropped_b=0,
                share_a=number(share_a[i]),
                share_b=number(share_b[i]),
                difference=number(differences.value[i]),
                low=number(differences.low[i]),
                high=number(differences.high[i]),
                odds_ratio=None,
                odds_low=None,
                odds_high=None,
                p=number(differences.p[i]),
                p_adjusted=None,
                small=bool(min(n_a[0, i], n_b[0, i]) < min_n),
            )
            for i, element in enumerate(self._sample.corpus.elements)
        ]

    def lengths(self, group: Group) -> LengthFigure:
        """Return how long the traces of both sides are."""
        rows = self._sample.rows
        a, b = (rows[self._sides.side[rows] == side] for side in (0, 1))
        logs = [np.log(np.maximum(self._sample.corpus.length[side], 1)) for side in (a, b)]
        return length_figure(group, "raw", logs[0], logs[1], (0, 0))


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences of shares, with interval and p-value."""

    value: Array
    low: Array
    high: Array
    p: Array

    @classmethod
    def of(
        cls, share_a: Array, share_b: Array, draws: Array, clusters_a: Array, clusters_b: Array
    ) -> Differences:
        """Return the differences whose bootstrap ``draws`` (rows) are given.

        Where neither side varies, the draws do not either. The interval is then Agresti
        and Caffo's (one trace more of each kind), which takes a cluster for a trace.
        """
        value = share_a - share_b
        low, high = interval(draws)
        error = spread(draws)
        p = np.full(len(value), np.nan)
        for i, difference in enumerate(value):
            if error[i] > _TINY:
                p[i] = two_sided(difference / error[i])
            elif _alike(share_a[i], share_b[i]):
                counts = (clusters_a[i], clusters_b[i])
                low[i], high[i], p[i] = _agresti_caffo((share_a[i], share_b[i]), counts)
        return cls(value, low, high, p)


def adjusted(figures: Sequence[ComparisonFigure]) -> list[ComparisonFigure]:
    """Return the rows of one method with p-values adjusted over the elements."""
    values = benjamini_hochberg([figure.p for figure in figures])
    return [
        msgspec.structs.replace(figure, p_adjusted=value)
        for figure, value in zip(figures, values, strict=True)
    ]


def length_figure(
    group: Group, method: str, a: Array, b: Array, dropped: tuple[int, int]
) -> LengthFigure:
    """Return how long two sets of traces are, from the logarithms of their lengths."""
    means = [math.exp(float(logs.mean())) if len(logs) else math.nan for logs in (a, b)]
    return LengthFigure(
        group=group,
        method=method,  # type: ignore[arg-type]  # one of the three
        n_a=len(a),
        n_b=len(b),
        dropped_a=dropped[0],
        dropped_b=dropped[1],
        length_a=number(means[0]),
        length_b=number(means[1]),
        length_ratio=number(means[0] / means[1]),
    )


def _alike(*shares: float) -> bool:
    return all(share in (0.0, 1.0) for share in shares)


def _agresti_caffo(
    shares: tuple[float, float], clusters: tuple[float, float]
) -> tuple[float, float, float]:
    """Return interval and p-value for two shares that are 0 or 1."""
    middles = [(s * n + 1) / (n + 2) for s, n in zip(shares, clusters, strict=True)]
    error = math.sqrt(sum(m * (1 - m) / (n + 2) for m, n in zip(middles, clusters, strict=True)))
    difference = middles[0] - middles[1]
    low, high = difference - Z * error, difference + Z * error
    return max(-1.0, low), min(1.0, high), two_sided(difference / error)
