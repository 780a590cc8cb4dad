"""What showing an element has to do with being right, over traces that are graded."""

from __future__ import annotations

from typing import Final

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.bootstrap import Drawn, interval
from cogtrace.corpora.statistics.figures import Group, SuccessFigure
from cogtrace.corpora.statistics.logistic import fit
from cogtrace.corpora.statistics.measures import Z, is_corrected, npmi, odds_ratio, pmi, varies
from cogtrace.corpora.statistics.sample import Sample

Bounded = tuple[float | None, float | None, float | None]

_NONE: Final[Bounded] = (None, None, None)


class Success:
    """Sums per element over graded traces: with both, showing it, right, asked about it."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self.width = 4 * sample.elements

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        rows = self._sample.within(low, high)
        score = self._sample.corpus.score[rows]
        correct = self._sample.corpus.correct[rows][:, None]
        asked = (score >= 0) & (correct >= 0)
        shown = asked & (score >= 1)
        parts = [shown & (correct == 1), shown, asked & (correct == 1), asked]
        return self._sample.sums(np.concatenate(parts, axis=1).astype(np.float32), low, high)

    def figures(self, group: Group, drawn: Drawn, min_n: int) -> list[SuccessFigure]:
        """Return a row per element."""
        table = np.split(drawn.total, 4, axis=1)
        draws = np.split(drawn.draws, 4, axis=1)
        both, a, b, n = (part[0].astype(int) for part in table)
        bits, normed, odds = (f(*table)[0] for f in (pmi, npmi, odds_ratio))
        corrected, tellable = is_corrected(*table)[0], varies(*table[1:])[0]
        normed_low, normed_high = interval(npmi(*draws))
        odds_low, odds_high = interval(odds_ratio(*draws))
        with_, without = ratio(both, a), ratio(b - both, n - a)
        found = []
        for i, element in enumerate(self._sample.corpus.elements):
            adjusted, adjusted_low, adjusted_high = self._at_length(i) if tellable[i] else _NONE
            found.append(
                SuccessFigure(
                    group=group,
                    element=element,
                    n=int(n[i]),
                    n_shown=int(a[i]),
                    n_correct=int(b[i]),
                    both=int(both[i]),
                    success_shown=number(with_[i]),
                    success_absent=number(without[i]),
                    pmi=number(bits[i]),
                    npmi=number(normed[i]),
                    npmi_low=number(normed_low[i]),
                    npmi_high=number(normed_high[i]),
                    ppmi=max(0.0, float(bits[i])) if tellable[i] else None,
                    odds_ratio=number(odds[i]),
                    odds_low=number(odds_low[i]),
                    odds_high=number(odds_high[i]),
                    haldane=bool(corrected[i]),
                    odds_at_length=adjusted,
                    odds_at_length_low=adjusted_low,
                    odds_at_length_high=adjusted_high,
                    small=bool(min(a[i], n[i] - a[i], b[i], n[i] - b[i]) < min_n),
                )
            )
        return found

    def _at_length(self, place: int) -> Bounded:
        """Return the odds ratio of being right, at equal log length."""
        corpus = self._sample.corpus
        rows = self._sample.rows
        rows = rows[(corpus.score[rows, place] >= 0) & (corpus.correct[rows] >= 0)]
        length = np.log(np.maximum(corpus.length[rows], 1))
        columns = [np.ones(len(rows)), corpus.score[rows, place] >= 1, length - length.mean()]
        if np.ptp(length) == 0:
            del columns[2]
        found = fit(np.stack(columns, axis=1), corpus.correct[rows], corpus.cluster[rows], 1)
        if found is None:
            return _NONE
        middle, error = float(found.coefficients[1]), found.error(1)
        low, high = (float(np.exp(middle + side * Z * error)) for side in (-1, 1))
        return number(float(np.exp(middle))), number(low), number(high)
