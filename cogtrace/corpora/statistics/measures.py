"""Measures of association in tables of two by two.

A table is given by four counts: traces with both, with a, with b, and all. PMI is
``log2(p(a, b) / (p(a) p(b)))`` in bits; NPMI divides it by ``-log2 p(a, b)``, which puts
it between -1 (never together) and 1 (only together); PPMI is PMI, at least 0. The odds
ratio has half a trace added to each cell of a table in which any cell is empty (Haldane
and Anscombe's correction). Where a or b is in all traces or in none, no association can
be told, and all measures are undefined (NaN).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, ratio
from cogtrace.corpora.statistics.bootstrap import LEVEL

Z: Final = NormalDist().inv_cdf(0.5 + LEVEL / 2)
_HALF: Final = 0.5


def varies(a: Array, b: Array, n: Array) -> Array:
    """Say where both a and b are in some traces and missing in others."""
    varied: Array = np.minimum(np.minimum(a, n - a), np.minimum(b, n - b)) > 0
    return varied


def pmi(both: Array, a: Array, b: Array, n: Array) -> Array:
    """Return the pointwise mutual information in bits; minus infinity if never together."""
    with np.errstate(divide="ignore"):
        found = np.log2(ratio(both * n, a * b))
    return np.where(varies(a, b, n), found, np.nan)


def npmi(both: Array, a: Array, b: Array, n: Array) -> Array:
    """Return PMI divided by its greatest possible value; -1 if never together."""
    shared = np.where(both > 0, both, 1)
    found = ratio(pmi(shared, a, b, n), -np.log2(np.minimum(ratio(shared, n), 1)))
    found = np.clip(found, -1, 1)  # rounding may go a hair beyond
    return np.where(varies(a, b, n), np.where(both > 0, found, -1.0), np.nan)


def odds_ratio(both: Array, a: Array, b: Array, n: Array) -> Array:
    """Return the odds ratio, corrected where a cell is empty."""
    cells = np.stack(np.broadcast_arrays(both, a - both, b - both, n - a - b + both))
    cells = cells + np.where((cells <= 0).any(axis=0), _HALF, 0.0)
    found = ratio(cells[0] * cells[3], cells[1] * cells[2])
    return np.where(varies(a, b, n), found, np.nan)


def is_corrected(both: Array, a: Array, b: Array, n: Array) -> Array:
    """Say where the odds ratio is defined and needs the correction."""
    empty = (both <= 0) | (a - both <= 0) | (b - both <= 0) | (n - a - b + both <= 0)
    corrected: Array = empty & varies(a, b, n)
    return corrected


def two_sided(z: float) -> float:
    """Return the probability of a standard normal at least as far from 0 as ``z``.

    >>> round(two_sided(1.959964), 4)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2))


def benjamini_hochberg(values: list[float | None]) -> list[float | None]:
    """Return p-values adjusted for the share of false findings among all that are given.

    A missing value (None) is no test; it stays missing and does not count.

    >>> benjamini_hochberg([0.01, None, 0.04, 0.02])
    [0.03, None, 0.04, 0.03]
    """
    order = sorted((value, place) for place, value in enumerate(values) if value is not None)
    adjusted: list[float | None] = [None] * len(values)
    least = 1.0
    for rank in range(len(order), 0, -1):
        value, place = order[rank - 1]
        least = min(least, value * len(order) / rank)
        adjusted[place] = least
    return adjusted
