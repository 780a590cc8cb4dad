"""Where in the text elements are shown: first places, and curves over ten bins.

All figures are means over the traces that have a span of the element, each trace
counting once however many spans it has.
"""

from __future__ import annotations

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.bootstrap import Drawn, interval
from cogtrace.corpora.statistics.figures import Group, PositionFigure
from cogtrace.corpora.statistics.sample import Sample
from cogtrace.corpora.statistics.spans import TENTHS


class Positions:
    """Sums per element: traces with a span, first places, shares of spans per tenth."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self.width = (2 + TENTHS) * sample.elements

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        first = self._sample.corpus.shown.first[self._sample.within(low, high)]
        there = ~np.isnan(first)
        values = np.concatenate([there, np.where(there, first, 0)], axis=1).astype(np.float32)
        bins = self._sample.corpus.shown.bins.sums(self._sample, low, high)
        return np.concatenate([self._sample.sums(values, low, high), bins], axis=1)

    def figures(self, group: Group, drawn: Drawn, min_n: int) -> list[PositionFigure]:
        """Return a row per element."""
        n, first, bins = self._means(drawn.total)
        _, firsts_drawn, bins_drawn = self._means(drawn.draws)
        first_low, first_high = interval(firsts_drawn)
        bins_low, bins_high = interval(bins_drawn)
        places = self._sample.corpus.shown.first[self._sample.rows]
        found = []
        for i, element in enumerate(self._sample.corpus.elements):
            mine = places[:, i][~np.isnan(places[:, i])]
            curve = slice(i * TENTHS, (i + 1) * TENTHS)
            found.append(
                PositionFigure(
                    group=group,
                    element=element,
                    n=int(n[0, i]),
                    first=number(first[0, i]),
                    first_low=number(first_low[i]),
                    first_high=number(first_high[i]),
                    first_median=number(float(np.median(mine))) if len(mine) else None,
                    bins=[number(value) for value in bins[0, curve]],
                    bins_low=[number(value) for value in bins_low[curve]],
                    bins_high=[number(value) for value in bins_high[curve]],
                    small=bool(n[0, i] < min_n),
                )
            )
        return found

    def _means(self, sums: Array) -> tuple[Array, Array, Array]:
        e = self._sample.elements
        n = sums[:, :e]
        return (
            n,
            ratio(sums[:, e : 2 * e], n),
            ratio(sums[:, 2 * e :], np.repeat(n, TENTHS, axis=1)),
        )
