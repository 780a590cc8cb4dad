"""Transitions: which element comes next after which.

A step is a place where one or more spans start; elements that start at the same place
are shown by the same step, and no order among them is made up. A pair is counted once
per step, so the shares of one source may add up to more than 1. Pairs that never come
are left out.
"""

from __future__ import annotations

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.bootstrap import Drawn, interval
from cogtrace.corpora.statistics.figures import Group, TransitionFigure
from cogtrace.corpora.statistics.sample import Sample
from cogtrace.corpora.statistics.spans import step_columns


class Transitions:
    """Sums: the columns of `spans.steps`."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self.width = step_columns(sample.elements)

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        return self._sample.corpus.shown.steps.sums(self._sample, low, high)

    def figures(self, group: Group, drawn: Drawn, min_n: int) -> list[TransitionFigure]:
        """Return a row per pair that comes at least once."""
        names = self._sample.corpus.elements
        e = len(names)
        total = drawn.total[0]
        pairs, sources, targets = total[: e * e], total[e * e :][:e], total[e * e + e :][:e]
        share = self._shares(drawn.total)[0]
        low, high = interval(self._shares(drawn.draws))
        lift = ratio(share, np.tile(ratio(targets, total[-1:]), e))
        traces = self._sample.corpus.shown.steps.rows_with(self._sample)
        found = []
        for pair in np.flatnonzero(pairs > 0):
            source, target = divmod(int(pair), e)
            found.append(
                TransitionFigure(
                    group=group,
                    source=names[source],
                    target=names[target],
                    n=round(float(sources[source])),
                    count=round(float(pairs[pair])),
                    traces=int(traces[pair]),
                    share=number(share[pair]),
                    share_low=number(low[pair]),
                    share_high=number(high[pair]),
                    lift=number(lift[pair]),
                    small=bool(sources[source] < min_n),
                )
            )
        return found

    def _shares(self, sums: Array) -> Array:
        e = self._sample.elements
        return ratio(sums[:, : e * e], np.repeat(sums[:, e * e : e * e + e], e, axis=1))
