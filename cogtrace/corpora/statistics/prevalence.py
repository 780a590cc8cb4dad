"""Prevalence: the share of traces that show an element.

The share is of traces that were asked about the element and answered, so its ``n`` may
differ from element to element.
"""

from __future__ import annotations

import numpy as np

from cogtrace.annotator.intervals import clopper_pearson
from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.bootstrap import Drawn, interval
from cogtrace.corpora.statistics.figures import Group, PrevalenceFigure
from cogtrace.corpora.statistics.sample import Sample

Bounded = tuple[float | None, float | None, float | None, bool]  # value, low, high, exact


class Prevalence:
    """Sums: traces asked, with score 1 or more, with 2 or more; clusters asked."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self.width = 4 * sample.elements

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        score = self._sample.corpus.score[self._sample.within(low, high)]
        levels = np.concatenate([score >= level for level in (0, 1, 2)], axis=1)
        sums = self._sample.sums(levels.astype(np.float32), low, high)
        return np.concatenate([sums, sums[:, : self._sample.elements] > 0], axis=1)

    def draws(self, drawn: Drawn) -> Array:
        """Return the share with score 1 or more of each draw and element."""
        asked, shown, *_ = np.split(drawn.draws, 4, axis=1)
        return ratio(shown, asked)

    def figures(self, group: Group, drawn: Drawn, min_n: int) -> list[PrevalenceFigure]:
        """Return a row per element."""
        asked, shown, present, clusters = (
            part[0].astype(int) for part in np.split(drawn.total, 4, axis=1)
        )
        some, full = _shares(drawn)
        found = []
        for place, element in enumerate(self._sample.corpus.elements):
            c = int(clusters[place])
            shares = (_bounded(levels, place, c) for levels in (some, full))
            (s, s_low, s_high, s_exact), (p, p_low, p_high, p_exact) = shares
            found.append(
                PrevalenceFigure(
                    group=group,
                    element=element,
                    n=int(asked[place]),
                    clusters=c,
                    score_0=int(asked[place] - shown[place]),
                    score_1=int(shown[place] - present[place]),
                    score_2=int(present[place]),
                    shown=s,
                    shown_low=s_low,
                    shown_high=s_high,
                    shown_exact=s_exact,
                    present=p,
                    present_low=p_low,
                    present_high=p_high,
                    present_exact=p_exact,
                    small=bool(asked[place] < min_n),
                )
            )
        return found


def _shares(drawn: Drawn) -> list[tuple[Array, Array, Array]]:
    """Return share and interval per element, for score 1 or more and for 2 or more."""
    asked, *totals = np.split(drawn.total, 4, axis=1)[:3]
    asked_drawn, *draws = np.split(drawn.draws, 4, axis=1)[:3]
    return [
        (ratio(total, asked)[0], *interval(ratio(draw, asked_drawn)))
        for total, draw in zip(totals, draws, strict=True)
    ]


def _bounded(levels: tuple[Array, Array, Array], place: int, clusters: int) -> Bounded:
    """Return a share with its interval.

    Where all traces are alike, so are all draws; that says nothing of how sure the share
    is, so the exact interval for so many clusters is given.
    """
    share, low, high = (float(part[place]) for part in levels)
    if clusters and share in (0.0, 1.0):
        low, high = clopper_pearson(clusters if share else 0, clusters)
        return share, low, high, True
    return number(share), number(low), number(high), False
