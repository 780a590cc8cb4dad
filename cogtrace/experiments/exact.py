"""Exact tests of paired outcomes, and the correction for several of them.

Outcomes are paired by task: of two arms, each got it right or wrong. Only tasks that
exactly one got right say anything, and where the arms do not differ, each of these falls
to either side like a coin. With one pair per question that is McNemar's exact test. Where
a question was answered several times, its runs fall together: the coin is thrown for the
sum of their differences (a sign-flip test), which McNemar's is a special case of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from cogtrace.corpora.statistics.arrays import Array

SMALLEST: Final = 1e-25  # p-values below are given as this; nothing depends on them
_TRIMMED: Final = 1e-30  # probability that is left out at either end


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided exact p-value of so many tasks that only one of two got right.

    >>> round(mcnemar(12, 3), 6)
    0.035156
    """
    return sign_flip(np.repeat([1, -1], [only_a, only_b]))


def sign_flip(differences: Array) -> float:
    """Return the two-sided exact p-value of whole differences, one per question.

    It is the share of all ways to turn the signs of the differences over in which their
    sum lies at least as far from 0 as it does.

    >>> sign_flip(np.array([2, 2, 1, 0]))
    0.25
    """
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    sums, first = np.ones(1), 0  # probabilities of sums, from ``first`` on
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        coin, fewest = _coin(count)
        spaced = np.zeros((len(coin) - 1) * 2 * size + 1)
        spaced[:: 2 * size] = coin
        sums = np.convolve(sums, spaced)
        first += size * (2 * fewest - count)
    found = abs(int(differences.sum()))
    values = np.arange(first, first + len(sums))
    return min(1.0, max(SMALLEST, float(sums[np.abs(values) >= found].sum())))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted so that one false finding among all has the level's probability.

    A missing value (None) is no test; it stays missing and does not count.

    >>> holm([0.01, None, 0.04, 0.02])
    [0.03, None, 0.04, 0.04]
    """
    order = sorted((value, place) for place, value in enumerate(values) if value is not None)
    adjusted: list[float | None] = [None] * len(values)
    most = 0.0
    for rank, (value, place) in enumerate(order):
        most = max(most, min(1.0, value * (len(order) - rank)))
        adjusted[place] = most
    return adjusted


def log_choose(n: int) -> Array:
    """Return the logarithms of all binomial coefficients of ``n``."""
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
    chosen: Array = logs[n] - logs - logs[::-1]
    return chosen


def _coin(count: int) -> tuple[Array, int]:
    """Return the probabilities of so many heads of a coin, and of which number the first is."""
    shares = np.exp(log_choose(count) - count * math.log(2))
    there = np.flatnonzero(shares > _TRIMMED)
    return shares[there[0] : there[-1] + 1], int(there[0])
