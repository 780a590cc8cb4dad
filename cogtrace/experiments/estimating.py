"""Paired figures with intervals: questions are drawn anew, each with all its runs in all arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.annotator.intervals import clopper_pearson, wilson
from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.bootstrap import interval, resample
from cogtrace.experiments.exact import holm, sign_flip
from cogtrace.experiments.outcomes import COSTS, Paired
from cogtrace.experiments.records import ArmFigure, DifferenceFigure

_MOST_TYPES: Final = 40


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums per cluster, for the bootstrap."""

    values: Array  # a row per cluster

    @property
    def width(self) -> int:
        """How many sums there are."""
        return int(self.values.shape[1])

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        rows: Array = self.values[low:high]
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """How many draws of a bootstrap, and from which seed."""

    number: int = 2_000
    seed: int = 0

    def sums(self, values: Array, cluster: Array) -> tuple[Array, Array]:
        """Return the sums of columns over all rows, and over those of each draw."""
        _, owner = np.unique(cluster, return_inverse=True)
        clusters = int(owner.max()) + 1 if len(owner) else 0
        by_cluster = np.zeros((clusters, values.shape[1]))
        np.add.at(by_cluster, owner, values)
        rng = np.random.default_rng(abs(self.seed))
        (drawn,) = resample([Sums(by_cluster)], clusters, self.number, rng)
        return drawn.total[0], drawn.draws


def arm_figures(data: Paired, draws: Draws) -> list[ArmFigure]:
    """Return how each arm did."""
    n = len(data.task_ids)
    found = []
    for place, arm in enumerate(data.arms):
        right = data.right[place]
        total = int(right.sum())
        low: float | None
        high: float | None
        low, high = wilson(total, n)
        if data.repeated:
            _, drawn = draws.sums(np.stack([right, np.ones(n)], axis=1), data.cluster)
            ends = interval(ratio(drawn[:, :1], drawn[:, 1:]))
            low, high = number(float(ends[0][0])), number(float(ends[1][0]))
        spent = {name: float(data.costs[name][place].sum()) for name in COSTS}
        per_task = {name: spent[name] / n if n else None for name in COSTS}
        per_right = {name: spent[name] / total if total else None for name in COSTS}
        found.append(
            ArmFigure(
                arm=arm.name,
                plan=arm.plan,
                n=n,
                right=total,
                accuracy=total / n if n else None,
                low=low if n else None,
                high=high if n else None,
                unanswered=int(data.unanswered[place].sum()),
                failed=int(data.failed[place].sum()),
                tokens=per_task["tokens"],
                calls=per_task["calls"],
                seconds=per_task["seconds"],
                tokens_per_right=per_right["tokens"],
                calls_per_right=per_right["calls"],
                seconds_per_right=per_right["seconds"],
                usual_samples=per_task["samples"],
            )
        )
    return found


def difference(
    data: Paired,
    pair: tuple[int, int],
    draws: Draws,
    rows: Array | None = None,
    problem_type: str | None = None,
) -> DifferenceFigure:
    """Return how one arm differs from another, on all tasks or some; p is not yet adjusted."""
    a, b = pair
    rows = np.arange(len(data.task_ids)) if rows is None else rows
    right = data.right[[a, b]][:, rows].astype(np.int64)
    cluster = data.cluster[rows]
    gap = right[0] - right[1]
    _, owner = np.unique(cluster, return_inverse=True)
    by_question = np.bincount(owner, weights=gap).astype(np.int64) if len(rows) else gap
    low, high = _ends(gap, cluster, len(by_question), draws)
    failed = data.failed[[a, b]][:, rows].any(axis=0)
    kept = gap[~failed]
    tokens = data.costs["tokens"][[a, b]][:, rows].sum(axis=1)
    return DifferenceFigure(
        arm=data.arms[a].name,
        other=data.arms[b].name,
        problem_type=problem_type,
        n=len(rows),
        questions=len(by_question),
        only_arm=int((gap > 0).sum()),
        only_other=int((gap < 0).sum()),
        difference=float(gap.mean()) if len(rows) else None,
        low=low,
        high=high,
        test="mcnemar" if len(by_question) == len(rows) else "sign-flip",
        p=sign_flip(by_question) if len(rows) else None,
        p_adjusted=None,
        without_failed=float(kept.mean()) if len(kept) else None,
        left_out=int(failed.sum()),
        token_ratio=float(tokens[0] / tokens[1]) if tokens[1] else None,
    )


def _ends(
    gap: Array, cluster: Array, questions: int, draws: Draws
) -> tuple[float | None, float | None]:
    """Return the interval of a mean difference.

    Where all differences are the same, so are all draws, which says nothing of how sure that
    is; the exact interval of the share of questions that would be otherwise is given.
    """
    if len(gap) and (gap == gap[0]).all():
        _, otherwise = clopper_pearson(0, questions)
        value = int(gap[0])
        return max(-1.0, value - otherwise), min(1.0, value + otherwise)
    _, drawn = draws.sums(np.stack([gap, np.ones(len(gap))], axis=1), cluster)
    low, high = interval(ratio(drawn[:, :1], drawn[:, 1:]))
    return number(float(low[0])), number(float(high[0]))


def adjusted(figures: Sequence[DifferenceFigure]) -> list[DifferenceFigure]:
    """Return figures with p-values adjusted over those with the same other arm, after Holm."""
    from msgspec.structs import replace

    found = list(figures)
    for other in dict.fromkeys(figure.other for figure in figures):
        places = [place for place, figure in enumerate(figures) if figure.other == other]
        values = holm([figures[place].p for place in places])
        for place, value in zip(places, values, strict=True):
            found[place] = replace(found[place], p_adjusted=value)
    return found


def by_type(data: Paired, pairs: Sequence[tuple[int, int]], draws: Draws) -> list[DifferenceFigure]:
    """Return the differences within each problem type, where there are several."""
    names = sorted({name for name in data.types if name is not None})
    if not 2 <= len(names) + any(name is None for name in data.types) <= _MOST_TYPES:
        return []
    found = []
    for name in names:
        rows = np.flatnonzero([kind == name for kind in data.types])
        found += [difference(data, pair, draws, rows, name) for pair in pairs]
    return adjusted(found)
