"""How many spans a trace has, and how much of its text they cover."""

from __future__ import annotations

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.bootstrap import Drawn, interval
from cogtrace.corpora.statistics.figures import ALL, Group, SpanFigure
from cogtrace.corpora.statistics.sample import Sample


class Coverage:
    """Sums per element and for all together: traces asked, showing; spans; shares covered."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self.width = 4 * (sample.elements + 1)

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        rows = self._sample.within(low, high)
        shown = self._sample.corpus.shown
        score = shown.score[rows]
        parts = [
            _with_any(score >= 0),
            _with_any(score >= 1),
            np.concatenate([shown.spans[rows], shown.spans[rows].sum(axis=1)[:, None]], axis=1),
            np.concatenate([shown.covered[rows], shown.covered_by_any[rows][:, None]], axis=1),
        ]
        values = np.concatenate(parts, axis=1).astype(np.float32)
        return self._sample.sums(values, low, high)

    def figures(self, group: Group, drawn: Drawn, min_n: int) -> list[SpanFigure]:
        """Return a row per element, and one for all."""
        asked, shown, spans, covered = (part[0] for part in np.split(drawn.total, 4, axis=1))
        draws = np.split(drawn.draws, 4, axis=1)
        spans_low, spans_high = interval(ratio(draws[2], draws[0]))
        covered_low, covered_high = interval(ratio(draws[3], draws[0]))
        each, where_shown = ratio(spans, asked), ratio(spans, shown)
        share = ratio(covered, asked)
        return [
            SpanFigure(
                group=group,
                element=element,
                n=int(asked[i]),
                n_shown=int(shown[i]),
                spans_per_trace=number(each[i]),
                spans_low=number(spans_low[i]),
                spans_high=number(spans_high[i]),
                spans_where_shown=number(where_shown[i]),
                covered=number(share[i]),
                covered_low=number(covered_low[i]),
                covered_high=number(covered_high[i]),
                small=bool(asked[i] < min_n),
            )
            for i, element in enumerate([*self._sample.corpus.elements, ALL])
        ]


def _with_any(flags: Array) -> Array:
    return np.concatenate([flags, np.any(flags, axis=1, keepdims=True)], axis=1)
