"""Figures with intervals: questions are drawn anew, and every figure with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.annotator.intervals import clopper_pearson
from cogtrace.corpora.evaluation.figures import Estimate, Metrics
from cogtrace.corpora.evaluation.metrics import METRICS, Metric
from cogtrace.corpora.evaluation.observing import Observed
from cogtrace.corpora.statistics.arrays import Array, number
from cogtrace.corpora.statistics.bootstrap import drawn_counts, interval, spread

_CELLS: Final = 4_000_000  # of weights at a time


@dataclass(frozen=True, slots=True)
class Draws:
    """Some rows in clusters, and how often each draw has each cluster."""

    rows: Array
    owner: Array  # cluster of each row, numbered from 0
    counts: Array  # draws x clusters

    @classmethod
    def of(cls, cluster: Array, rows: Array, draws: int, rng: np.random.Generator) -> Draws:
        """Draw the clusters of some rows."""
        _, owner = np.unique(cluster[rows], return_inverse=True)
        owner = owner.reshape(-1)
        return cls(rows, owner, drawn_counts(int(owner.max(initial=-1)) + 1, draws, rng))

    @property
    def clusters(self) -> int:
        """How many there are."""
        return int(self.counts.shape[1])


def estimates(observed: Observed, draws: Draws) -> tuple[list[Metrics], Metrics]:
    """Return the figures of each element, and those of all of them.

    The latter are means over the elements for which a figure is defined (``NAME_mean``),
    and figures of all elements taken together (``NAME_pooled``).
    """
    elements = observed.shown.shape[1]
    found: list[Metrics] = [{} for _ in range(elements)]
    overall: Metrics = {}
    sums = {name: _sums(block, draws) for name, block in observed.blocks.items()}
    for metric in METRICS:
        total, drawn = sums[metric.block]
        value, values = metric.value(total), metric.value(drawn)
        counts = _finite(metric.n(total))
        exact = _exact(metric, observed, draws, total)
        for element, entry in enumerate(_table(value, values, counts, exact)):
            found[element][metric.name] = entry
        overall[f"{metric.name}_mean"] = _mean(value, values, counts)
        pooled, pools = total.sum(axis=0, keepdims=True), drawn.sum(axis=1, keepdims=True)
        (overall[f"{metric.name}_pooled"],) = _table(
            metric.value(pooled), metric.value(pools), _finite(metric.n(pooled)), {}
        )
    for name, (value, values, counts) in {
        "presence_auc": _areas(observed, draws),
        "boundary_distance": _medians(observed, draws),
    }.items():
        for element, entry in enumerate(_table(value, values, counts, {})):
            found[element][name] = entry
        overall[f"{name}_mean"] = _mean(value, values, counts)
    return found, overall


def _sums(block: Array, draws: Draws) -> tuple[Array, Array]:
    """Return the sums per element over all rows, and over those of each draw."""
    _, elements, width = block.shape
    by_cluster = np.zeros((draws.clusters, elements * width))
    np.add.at(by_cluster, draws.owner, block[draws.rows].reshape(len(draws.rows), -1))
    drawn = draws.counts @ by_cluster.astype(np.float32)
    total = by_cluster.sum(axis=0).reshape(elements, width)
    return total, drawn.astype(np.float64).reshape(len(drawn), elements, width)


def _exact(
    metric: Metric, observed: Observed, draws: Draws, total: Array
) -> dict[int, tuple[float, float]]:
    """Return the intervals of shares that are 0 or 1, which draws say nothing of.

    They are Clopper and Pearson's, a cluster taken for a case.
    """
    if metric.share is None or not len(draws.counts):
        return {}
    value = metric.value(total)
    found = {}
    for element in np.flatnonzero((value == 0) | (value == 1)):
        cases = metric.share(observed.blocks[metric.block][draws.rows, element]) > 0
        clusters = len(np.unique(draws.owner[cases]))
        found[int(element)] = clopper_pearson(clusters if value[element] else 0, clusters)
    return found


def _table(
    value: Array, values: Array, counts: Array, exact: dict[int, tuple[float, float]]
) -> list[Estimate]:
    """Return an estimate per column."""
    low, high = interval(values)
    error = spread(values) if len(values) else np.full(len(value), np.nan)
    found = []
    for place in range(len(value)):
        a, b = exact.get(place, (float(low[place]), float(high[place])))
        point = number(float(value[place]))
        if point is None:
            found.append(Estimate(value=None, low=None, high=None, se=None, n=int(counts[place])))
            continue
        # Draws of lopsided figures may all lie on one side; what was seen is never left out.
        found.append(
            Estimate(
                value=point,
                low=number(min(a, point)) if np.isfinite(a) else None,
                high=number(max(b, point)) if np.isfinite(b) else None,
                se=number(float(error[place])),
                n=int(counts[place]),
            )
        )
    return found


def _mean(value: Array, values: Array, counts: Array) -> Estimate:
    """Return the mean over the elements for which there is a figure."""
    there = np.isfinite(value)
    if not there.any():
        return Estimate(value=None, low=None, high=None, se=None, n=0)
    mine = values[:, there]
    known = np.isfinite(mine)
    sums = np.where(known, mine, 0).sum(axis=1)
    drawn = np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.nan)
    (found,) = _table(
        np.array([value[there].mean()]), drawn[:, None], np.array([counts[there].sum()]), {}
    )
    return found


def _areas(observed: Observed, draws: Draws) -> tuple[Array, Array, Array]:
    """Return the area under the ROC curve per element, over all rows and over draws.

    It is the chance that a trace with the element stands before one without it, ties half.
    """
    elements = observed.shown.shape[1]
    value = np.full(elements, np.nan)
    values = np.full((len(draws.counts), elements), np.nan)
    counts = np.zeros(elements)
    for element in range(elements):
        rank = observed.rank[draws.rows, element]
        shown = observed.shown[draws.rows, element]
        asked = np.flatnonzero(~np.isnan(rank))
        counts[element] = len(asked)
        order = asked[np.argsort(rank[asked], kind="stable")]
        if not len(order):
            continue
        ties = np.flatnonzero(np.append(True, np.diff(rank[order]) > 0))
        value[element] = _area(np.ones((1, len(order))), shown[order], ties)[0]
        for some, weight in _weights(draws, order):
            values[some, element] = _area(weight, shown[order], ties)
    return value, values, counts


def _area(weight: Array, shown: Array, ties: Array) -> Array:
    with_, without = (
        np.add.reduceat(weight * kind, ties, axis=1, dtype=np.float64) for kind in (shown, ~shown)
    )
    below = np.cumsum(without, axis=1) - without / 2
    pairs = with_.sum(axis=1) * without.sum(axis=1)
    area: Array = np.where(pairs > 0, (with_ * below).sum(axis=1) / np.maximum(pairs, 1), np.nan)
    return area


def _medians(observed: Observed, draws: Draws) -> tuple[Array, Array, Array]:
    """Return the median distance per element, over all spans and over draws."""
    elements = observed.shown.shape[1]
    value = np.full(elements, np.nan)
    values = np.full((len(draws.counts), elements), np.nan)
    counts = np.zeros(elements)
    place = np.full(len(observed.shown), -1)
    place[draws.rows] = np.arange(len(draws.rows))
    at = place[observed.distances.row]
    for element in range(elements):
        mine = np.flatnonzero((observed.distances.element == element) & (at >= 0))
        if not len(mine):
            continue
        order = mine[np.argsort(observed.distances.value[mine], kind="stable")]
        ordered = observed.distances.value[order]
        counts[element] = len(ordered)
        value[element] = np.median(ordered)
        for some, weight in _weights(draws, at[order]):
            values[some, element] = _median(weight, ordered)
    return value, values, counts


def _median(weight: Array, ordered: Array) -> Array:
    reached = np.cumsum(weight, axis=1, dtype=np.float64)
    total = reached[:, -1:]
    low = (reached * 2 < total).sum(axis=1)
    high = (reached * 2 <= total).sum(axis=1)
    last = len(ordered) - 1
    middle = (ordered[np.minimum(low, last)] + ordered[np.minimum(high, last)]) / 2
    return np.where(total[:, 0] > 0, middle, np.nan)


def _weights(draws: Draws, order: Array) -> Iterator[tuple[slice, Array]]:
    """Yield how often each draw has each of some rows, some draws at a time."""
    step = max(1, _CELLS // max(1, len(order)))
    owner = draws.owner[order]
    for low in range(0, len(draws.counts), step):
        some = slice(low, low + step)
        yield some, draws.counts[some, owner]


def _finite(values: Array) -> Array:
    return np.nan_to_num(values)
