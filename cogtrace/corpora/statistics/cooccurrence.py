"""Co-occurrence: which elements are shown by the same traces.

A pair rests on the traces that were asked about both. Elements that are asked about in
the same traces share a pattern; counting per pattern instead of per element keeps the
sums few where all were asked about everything.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, number
from cogtrace.corpora.statistics.bootstrap import Drawn, interval
from cogtrace.corpora.statistics.figures import Group, PairFigure
from cogtrace.corpora.statistics.measures import is_corrected, npmi, odds_ratio
from cogtrace.corpora.statistics.sample import Sample

Table = tuple[Array, Array, Array, Array]  # both, a, b, n: columns are pairs

_DRAWS: Final = 100  # at a time: tables of all pairs and draws would be large


class Cooccurrence:
    """Sums: traces with both, with a where b was asked about, and asked about both."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        asked = sample.corpus.score[sample.rows] >= 0
        _, chosen, pattern = np.unique(asked, axis=1, return_index=True, return_inverse=True)
        self._chosen: Array = chosen  # an element of each pattern
        pattern = pattern.reshape(-1)
        e, p = sample.elements, len(chosen)
        pairs = list(combinations(range(e), 2))
        self._a = np.array([a for a, _ in pairs], dtype=np.int64)
        self._b = np.array([b for _, b in pairs], dtype=np.int64)
        # Where in the sums the four counts of each pair stand.
        self._both = np.arange(len(pairs))
        self._only_a = len(pairs) + self._a * p + pattern[self._b]
        self._only_b = len(pairs) + self._b * p + pattern[self._a]
        self._asked = len(pairs) + e * p + pattern[self._a] * p + pattern[self._b]
        self.width = len(pairs) + e * p + p * p

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        score = self._sample.corpus.score[self._sample.within(low, high)]
        shown = (score >= 1).astype(np.float32)
        asked = (score >= 0)[:, self._chosen].astype(np.float32)
        products = [shown[:, i, None] * shown[:, i + 1 :] for i in range(shown.shape[1] - 1)]
        products += [shown[:, i, None] * asked for i in range(shown.shape[1])]
        products += [asked[:, i, None] * asked for i in range(asked.shape[1])]
        sums = [self._sample.sums(product, low, high) for product in products]
        return np.concatenate(sums, axis=1)

    def figures(self, group: Group, drawn: Drawn, min_n: int) -> list[PairFigure]:
        """Return a row per pair of elements."""
        table = self._table(drawn.total)
        both, a, b, n = (part[0].astype(int) for part in table)
        bits, odds = npmi(*table)[0], odds_ratio(*table)[0]
        corrected = is_corrected(*table)[0]
        bounds = self._bounds(drawn.draws)
        rarest = np.minimum(np.minimum(a, n - a), np.minimum(b, n - b))
        names = self._sample.corpus.elements
        return [
            PairFigure(
                group=group,
                a=names[self._a[i]],
                b=names[self._b[i]],
                n=int(n[i]),
                n_a=int(a[i]),
                n_b=int(b[i]),
                both=int(both[i]),
                npmi=number(bits[i]),
                npmi_low=number(bounds[0][i]),
                npmi_high=number(bounds[1][i]),
                odds_ratio=number(odds[i]),
                odds_low=number(bounds[2][i]),
                odds_high=number(bounds[3][i]),
                haldane=bool(corrected[i]),
                small=bool(rarest[i] < min_n),
            )
            for i in range(len(names) * (len(names) - 1) // 2)
        ]

    def _table(self, sums: Array) -> Table:
        return tuple(  # type: ignore[return-value]  # four of them
            sums[:, place] for place in (self._both, self._only_a, self._only_b, self._asked)
        )

    def _bounds(self, draws: Array) -> tuple[Array, Array, Array, Array]:
        shape = (len(draws), len(self._both))
        bits, odds = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
        for low in range(0, len(draws), _DRAWS):
            some = slice(low, low + _DRAWS)
            table = self._table(draws[some])
            bits[some], odds[some] = npmi(*table), odds_ratio(*table)
        return *interval(bits), *interval(odds)
