"""The same comparison at equal length: long traces show more of everything.

Two ways, which should agree. *Matched*: traces are compared within bins of length, each
half an octave wide (a factor of 1.41), and the differences are averaged with Mantel and
Haenszel's weights; bins in which either side has no trace are dropped. *Regression*: the
element is predicted from the side and the logarithm of length over the range of lengths
both sides have; shares are what is predicted if all these traces were of one side.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.bootstrap import Drawn
from cogtrace.corpora.statistics.comparison import Differences, Sides, length_figure
from cogtrace.corpora.statistics.figures import ComparisonFigure, Group, LengthFigure
from cogtrace.corpora.statistics.logistic import Fit, expit, fit
from cogtrace.corpora.statistics.measures import Z, two_sided
from cogtrace.corpora.statistics.sample import Sample

_BINS_PER_OCTAVE: Final = 2


class Matched:
    """Sums per side, bin and element: traces asked, showing. Then: clusters asked."""

    def __init__(self, sample: Sample, sides: Sides) -> None:
        self._sample = sample
        self._sides = sides
        octaves = np.log2(np.maximum(sample.corpus.length, 1)) * _BINS_PER_OCTAVE
        bins = np.floor(octaves + 1e-9).astype(np.int64)
        rows = sample.rows
        used = [set(bins[rows[sides.side[rows] == side]].tolist()) for side in (0, 1)]
        shared = np.array(sorted(used[0] & used[1]), dtype=np.int64)
        place = np.searchsorted(shared, bins)
        place[place == len(shared)] = 0
        known = shared[place] == bins if len(shared) else np.zeros(len(bins), dtype=bool)
        self._bins = len(shared)
        self._bin: Array = np.where(known, place, -1)  # -1: no counterpart
        self.width = (4 * self._bins + 2) * sample.elements

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        e = self._sample.elements
        rows = self._sample.within(low, high)
        owner = self._sample.owners(low, high)
        keep = self._bin[rows] >= 0
        rows, owner = rows[keep], owner[keep]
        cell = (owner * 2 + self._sides.side[rows]) * self._bins + self._bin[rows]
        score = self._sample.corpus.score[rows]
        keys = (cell[:, None] * e + np.arange(e)).ravel()
        size = (high - low) * 2 * self._bins * e
        asked, shown = (
            np.bincount(keys, weights=(score >= least).ravel(), minlength=size).reshape(
                high - low, 2, self._bins, e
            )
            for least in (0, 1)
        )
        clusters = asked.sum(axis=2) > 0
        parts = [part.reshape(high - low, -1) for part in (asked, shown, clusters)]
        return np.concatenate(parts, axis=1)

    def figures(self, group: Group, drawn: Drawn, min_n: int) -> list[ComparisonFigure]:
        """Return a row per element; p-values are not yet adjusted."""
        share_a, share_b, kept = self._shares(drawn.total)
        drawn_a, drawn_b, _ = self._shares(drawn.draws)
        e = self._sample.elements
        clusters = drawn.total[0, -2 * e :].reshape(2, e)
        found = Differences.of(share_a[0], share_b[0], drawn_a - drawn_b, clusters[0], clusters[1])
        asked = self._asked()
        return [
            ComparisonFigure(
                group=group,
                method="matched",
                element=element,
                n_a=int(kept[0, 0, i]),
                n_b=int(kept[0, 1, i]),
                dropped_a=int(asked[0, i] - kept[0, 0, i]),
                dropped_b=int(asked[1, i] - kept[0, 1, i]),
                share_a=number(share_a[0, i]),
                share_b=number(share_b[0, i]),
                difference=number(found.value[i]),
                low=number(found.low[i]),
                high=number(found.high[i]),
                odds_ratio=None,
                odds_low=None,
                odds_high=None,
                p=number(found.p[i]),
                p_adjusted=None,
                small=bool(kept[0, :, i].min() < min_n),
            )
            for i, element in enumerate(self._sample.corpus.elements)
        ]

    def lengths(self, group: Group) -> LengthFigure:
        """Return how long the traces are that have a counterpart, weighted as the figures."""
        rows = self._sample.rows
        side, place = self._sides.side[rows], self._bin[rows]
        logs = np.log(np.maximum(self._sample.corpus.length[rows], 1))
        kept = place >= 0
        counts = np.zeros((2, self._bins))
        sums = np.zeros((2, self._bins))
        np.add.at(counts, (side[kept], place[kept]), 1)
        np.add.at(sums, (side[kept], place[kept]), logs[kept])
        weight = ratio(counts[0] * counts[1], counts.sum(axis=0))
        means = ratio((weight * ratio(sums, counts)).sum(axis=1), weight.sum(keepdims=True))
        a, b = (math.exp(mean) for mean in means)
        n = counts.sum(axis=1).astype(int)
        return LengthFigure(
            group=group,
            method="matched",
            n_a=int(n[0]),
            n_b=int(n[1]),
            dropped_a=int((side == 0).sum() - n[0]),
            dropped_b=int((side == 1).sum() - n[1]),
            length_a=number(a),
            length_b=number(b),
            length_ratio=number(a / b),
        )

    def _shares(self, sums: Array) -> tuple[Array, Array, Array]:
        """Return the weighted shares of both sides, and how many traces of each count."""
        e = self._sample.elements
        shape = (len(sums), 2, self._bins, e)
        asked, shown = (part.reshape(shape) for part in np.split(sums[:, : -2 * e], 2, axis=1))
        weight = ratio(asked[:, 0] * asked[:, 1], asked.sum(axis=1))
        weight = np.where(weight > 0, weight, 0)  # NaN where a bin was not drawn
        share = np.where(asked > 0, ratio(shown, asked), 0)
        whole = weight.sum(axis=1)
        a, b = (ratio((weight * share[:, side]).sum(axis=1), whole) for side in (0, 1))
        return a, b, (asked * (weight > 0)[:, None]).sum(axis=2)

    def _asked(self) -> Array:
        rows = self._sample.rows
        asked = self._sample.corpus.score[rows] >= 0
        side = self._sides.side[rows]
        return np.stack([asked[side == number].sum(axis=0) for number in (0, 1)])


class Regression:
    """The comparison by regression; needs no bootstrap."""

    def __init__(self, sample: Sample, sides: Sides) -> None:
        self._sample = sample
        self._sides = sides
        self._logs = np.log(np.maximum(sample.corpus.length, 1))

    def figures(self, group: Group, min_n: int) -> list[ComparisonFigure]:
        """Return a row per element; p-values are not yet adjusted."""
        score = self._sample.corpus.score
        found = []
        for i, element in enumerate(self._sample.corpus.elements):
            asked = self._sample.rows[score[self._sample.rows, i] >= 0]
            rows = self._supported(asked)
            fitted = self._fit(rows, score[rows, i] >= 1)
            found.append(self._figure(group, element, (asked, rows), fitted, min_n))
        return found

    def lengths(self, group: Group) -> LengthFigure:
        """Return how long the traces are that count."""
        rows = self._supported(self._sample.rows)
        a, b = (self._logs[rows[self._sides.side[rows] == side]] for side in (0, 1))
        dropped = self._counts(self._sample.rows) - self._counts(rows)
        return length_figure(group, "regression", a, b, (int(dropped[0]), int(dropped[1])))

    def _supported(self, rows: Array) -> Array:
        """Return the traces within the range of lengths that both sides have."""
        logs = [self._logs[rows[self._sides.side[rows] == side]] for side in (0, 1)]
        if not len(logs[0]) or not len(logs[1]):
            return rows[:0]
        low, high = max(map(np.min, logs)), min(map(np.max, logs))
        chosen: Array = rows[(self._logs[rows] >= low) & (self._logs[rows] <= high)]
        return chosen

    def _counts(self, rows: Array) -> Array:
        return np.bincount(self._sides.side[rows], minlength=2)

    def _fit(self, rows: Array, shown: Array) -> tuple[Fit, Array] | None:
        """Return the regression and its columns: one, side a, centred log length."""
        if self._counts(rows).min() == 0:
            return None
        logs = self._logs[rows]
        columns = [np.ones(len(rows)), self._sides.side[rows] == 0, logs - logs.mean()]
        if np.ptp(logs) == 0:
            del columns[2]
        x = np.stack(columns, axis=1).astype(np.float64)
        found = fit(x, shown.astype(np.float64), self._sample.corpus.cluster[rows], 1)
        return None if found is None else (found, x)

    def _figure(
        self,
        group: Group,
        element: str,
        traces: tuple[Array, Array],
        fitted: tuple[Fit, Array] | None,
        min_n: int,
    ) -> ComparisonFigure:
        asked, n = (self._counts(rows) for rows in traces)
        shares = difference = odds = (None, None, None)  # type: tuple[float | None, ...]
        p = None
        if fitted is not None:
            found, x = fitted
            error = found.error(1)
            middle = float(found.coefficients[1])
            odds = tuple(number(math.exp(middle + side * Z * error)) for side in (0, -1, 1))
            p = two_sided(middle / error)
            shares, difference = _standardised(found, x)
        return ComparisonFigure(
            group=group,
            method="regression",
            element=element,
            n_a=int(n[0]),
            n_b=int(n[1]),
            dropped_a=int(asked[0] - n[0]),
            dropped_b=int(asked[1] - n[1]),
            share_a=shares[0],
            share_b=shares[1],
            difference=difference[0],
            low=difference[1],
            high=difference[2],
            odds_ratio=odds[0],
            odds_low=odds[1],
            odds_high=odds[2],
            p=p,
            p_adjusted=None,
            small=bool(n.min() < min_n),
        )


def _standardised(found: Fit, x: Array) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """Return the share if all were of a, or of b, and their difference with its interval."""
    means = []
    slopes = []
    for side in (1, 0):
        as_if = x.copy()
        as_if[:, 1] = side
        mean = expit(as_if @ found.coefficients)
        means.append(float(mean.mean()))
        slopes.append(((mean * (1 - mean))[:, None] * as_if).mean(axis=0))
    slope = slopes[0] - slopes[1]
    reach = Z * math.sqrt(float(slope @ found.covariance @ slope))
    difference = means[0] - means[1]
    bounds = (difference, max(-1.0, difference - reach), min(1.0, difference + reach))
    return (means[0], means[1]), bounds
