"""How sure a share can be that was counted on a sample.

A share found on a few pairs says little without its interval. The functions here need
nothing beyond the standard library.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import msgspec

Interval = tuple[float, float]

_HALVINGS: Final = 60  # of an interval of length 1: more than a float can tell apart
_TINY: Final = 1e-300
_CLOSE: Final = 1e-15


class Missed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was lost by not asking about the pairs that a screen ruled out.

    The shares are of all ruled-out pairs that would have been shown; the numbers are of
    pairs that were never asked about, since what the audit found is in the results.
    """

    estimate: float | None  # share; None if no pair was audited
    low: float  # share, between 0 and 1
    high: float
    pairs_low: int  # missed pairs, whole numbers rounded outwards
    pairs_high: int


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Return the score interval after Wilson for a share counted on ``n`` cases.

    Right on average over all shares; near 0 and 1 it may be too narrow, for which there
    is `clopper_pearson`. With no case at all nothing is known: (0, 1).

    >>> low, high = wilson(19, 20)
    >>> round(low, 3), round(high, 3)
    (0.764, 0.991)
    """
    _check(successes, n, level)
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / n
    middle = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    scale = 1 + z * z / n
    # Both ends are exact where the share is; rounding must not move them.
    low = 0.0 if successes == 0 else max(0.0, (middle - reach) / scale)
    high = 1.0 if successes == n else min(1.0, (middle + reach) / scale)
    return low, high


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Return the exact interval for a share counted on ``n`` independent cases.

    It holds the true share with at least the probability ``level``, whatever that share
    is; the price is that it is a little wide. With no case at all: (0, 1).

    >>> low, high = clopper_pearson(0, 100)
    >>> low, round(high, 4)
    (0.0, 0.0362)
    """
    _check(successes, n, level)
    tail = (1 - level) / 2
    low, high = 0.0, 1.0
    if successes > 0:
        low = _quantile(tail, successes, n - successes + 1)
    if successes < n:
        high = _quantile(1 - tail, successes + 1, n - successes)
    return low, high


def missed(audited: int, shown: int, ruled_out: int, level: float = 0.95) -> Missed:
    """Return how many of the ruled-out pairs would have been shown.

    ``ruled_out`` counts all pairs that the screen ruled out, ``audited`` those among them
    that were drawn at random and asked about all the same, ``shown`` those of the audited
    that turned out to score above 0. The interval takes pairs as independent; pairs of
    one trace are not quite, so treat it as the least width.

    Raises:
        ValueError: the counts contradict each other.
    """
    if not 0 <= shown <= audited <= ruled_out:
        raise ValueError(f"{shown=} of {audited=} of {ruled_out=} cannot be")
    low, high = clopper_pearson(shown, audited, level)
    unasked = ruled_out - audited
    return Missed(
        estimate=shown / audited if audited else None,
        low=low,
        high=high,
        pairs_low=math.floor(low * unasked),
        pairs_high=math.ceil(high * unasked),
    )


def _check(successes: int, n: int, level: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} cannot be")
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, which {level} does not")


def _quantile(probability: float, a: int, b: int) -> float:
    """Return where the beta distribution with parameters ``a`` and ``b`` reaches a probability."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta(x: float, a: int, b: int) -> float:
    """Return the regularised incomplete beta function for 0 < x < 1."""
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    # The fraction converges fast on one side of the mean; the other mirrors it.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: int, b: int) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method."""
    above = 1.0
    below = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = below
    for m in range(1, 200 + 10 * math.isqrt(a + b)):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            below = 1 / _away_from_zero(1 + term * below)
            above = _away_from_zero(1 + term / above)
            step = below * above
            value *= step
        if abs(step - 1) < _CLOSE:
            return value
    raise ArithmeticError(f"no convergence for {x=}, {a=}, {b=}")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
