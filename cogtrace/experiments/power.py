"""What an experiment of a given size can find, computed before it is run.

All depends on how often exactly one of two arms gets a task right (discordance), which
nobody knows beforehand; it is assumed, and said so.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import msgspec
import numpy as np

from cogtrace.corpora.statistics.arrays import Array
from cogtrace.experiments.exact import log_choose

ALPHA: Final = 0.05
POWER: Final = 0.8
DISCORDANCE: Final = 0.25  # assumed unless somebody knows better

_EXACT: Final = 2_000  # questions up to which power is computed exactly
_NEGLIGIBLE: Final = 1e-9
_HALVINGS: Final = 24


class Forecast(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an experiment can find."""

    questions: int
    comparisons: int  # arms that are compared with the same other one
    alpha: float  # of all comparisons together
    discordance: float  # assumed share of questions that exactly one of two arms gets right
    power: float
    detectable: float | None  # least difference found with that power; None: not even the largest


def forecast(
    questions: int, comparisons: int, discordance: float = DISCORDANCE, alpha: float = ALPHA
) -> Forecast:
    """Return what an experiment can find, at the level of Holm's first and strictest step."""
    return Forecast(
        questions=questions,
        comparisons=comparisons,
        alpha=alpha,
        discordance=discordance,
        power=POWER,
        detectable=detectable(questions, discordance, alpha / max(1, comparisons)),
    )


def detectable(
    questions: int, discordance: float, alpha: float = ALPHA, wanted: float = POWER
) -> float | None:
    """Return the least difference of accuracy that McNemar's test finds with a power.

    None, where it finds not even that all discordant questions go to one side.
    """
    if power(questions, discordance, discordance, alpha) < wanted:
        return None
    low, high = 0.0, discordance
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if power(questions, discordance, middle, alpha) < wanted:
            low = middle
        else:
            high = middle
    return high


def power(questions: int, discordance: float, difference: float, alpha: float = ALPHA) -> float:
    """Return the probability that McNemar's exact test finds a difference of accuracy.

    Exact up to 2,000 questions; beyond, Connor's normal approximation (1987).

    Raises:
        ValueError: the difference is more than the discordance, which cannot be.
    """
    if not 0 <= abs(difference) <= discordance <= 1:
        raise ValueError(f"{difference=} of {discordance=} cannot be")
    if questions < 1 or discordance == 0:
        return 0.0
    if questions > _EXACT:
        return _connor(questions, discordance, abs(difference), alpha)
    share = (1 + difference / discordance) / 2
    total = 0.0
    for count, probability in enumerate(_binomial(questions, discordance)):
        if probability > _NEGLIGIBLE:
            total += probability * _rejects(count, share, alpha)
    return total


def _rejects(count: int, share: float, alpha: float) -> float:
    """Return how often a number of discordant questions, of which a share is won, is enough."""
    tails = np.cumsum(_binomial(count, 0.5))  # P(at most so many)
    low = int(np.searchsorted(tails, alpha / 2 * (1 + 1e-12), side="right"))
    if not low:
        return 0.0
    there = _binomial(count, share)
    return float(there[:low].sum() + there[len(there) - low :].sum())


def _binomial(n: int, share: float) -> Array:
    if share in (0.0, 1.0):
        sure = np.zeros(n + 1)
        sure[n if share else 0] = 1
        return sure
    k = np.arange(n + 1)
    found: Array = np.exp(log_choose(n) + k * math.log(share) + (n - k) * math.log1p(-share))
    return found


def _connor(questions: int, discordance: float, difference: float, alpha: float) -> float:
    normal = NormalDist()
    bound = -normal.inv_cdf(alpha / 2) * math.sqrt(discordance)
    spread = math.sqrt(max(discordance - difference**2, 1e-12))
    reach = difference * math.sqrt(questions)
    return normal.cdf((reach - bound) / spread) + normal.cdf((-reach - bound) / spread)
