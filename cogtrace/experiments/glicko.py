"""Glicko-2: ratings of players from games between them, with how sure they are.

After Glickman, "Example of the Glicko-2 system" (2012 revision), whose steps and symbols
these are. Arms do not grow stronger while they are compared, so nothing here depends much
on the volatility.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SCALE: Final = 173.7178
MIDDLE: Final = 1500.0
TAU: Final = 0.5  # how fast volatility may change
_CLOSE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Player:
    """A player's rating, on Glicko-2's own scale."""

    mu: float = 0.0
    phi: float = 350 / SCALE
    sigma: float = 0.06

    @classmethod
    def of(cls, rating: float, deviation: float, volatility: float = 0.06) -> Player:
        """Return a player rated as people read ratings, about 1500."""
        return cls((rating - MIDDLE) / SCALE, deviation / SCALE, volatility)

    @property
    def rating(self) -> float:
        """The rating, about 1500."""
        return self.mu * SCALE + MIDDLE

    @property
    def deviation(self) -> float:
        """The standard deviation of the rating."""
        return self.phi * SCALE


Game = tuple[Player, float]  # the opponent, and the score: 1 won, 0 lost, 0.5 a tie


def after(player: Player, games: Sequence[Game]) -> Player:
    """Return a player after a rating period.

    >>> games = [(Player.of(1400, 30), 1), (Player.of(1550, 100), 0), (Player.of(1700, 300), 0)]
    >>> found = after(Player.of(1500, 200), games)
    >>> round(found.rating, 2), round(found.deviation, 2), round(found.sigma, 5)
    (1464.05, 151.52, 0.06)
    """
    if not games:
        return Player(player.mu, math.hypot(player.phi, player.sigma), player.sigma)
    terms = [(_g(other.phi), _expected(player, other), score) for other, score in games]
    v = 1 / sum(g * g * e * (1 - e) for g, e, _ in terms)
    gain = sum(g * (score - e) for g, e, score in terms)
    sigma = _volatility(player, v, v * gain)
    before = math.hypot(player.phi, sigma)
    phi = 1 / math.sqrt(1 / before**2 + 1 / v)
    return Player(player.mu + phi**2 * gain, phi, sigma)


def _g(phi: float) -> float:
    return 1 / math.sqrt(1 + 3 * phi**2 / math.pi**2)


def _expected(player: Player, other: Player) -> float:
    return 1 / (1 + math.exp(-_g(other.phi) * (player.mu - other.mu)))


def _volatility(player: Player, v: float, delta: float) -> float:
    """Return the new volatility: step 5, by the Illinois algorithm."""
    first = math.log(player.sigma**2)
    known = player.phi**2 + v

    def slope(x: float) -> float:
        grown = math.exp(x)
        return (
            grown * (delta**2 - known - grown) / (2 * (known + grown) ** 2) - (x - first) / TAU**2
        )

    a = first
    if delta**2 > known:
        b = math.log(delta**2 - known)
    else:
        steps = 1
        while slope(first - steps * TAU) < 0:
            steps += 1
        b = first - steps * TAU
    at_a, at_b = slope(a), slope(b)
    while abs(b - a) > _CLOSE:
        c = a + (a - b) * at_a / (at_b - at_a)
        at_c = slope(c)
        if at_c * at_b <= 0:
            a, at_a = b, at_b
        else:
            at_a /= 2
        b, at_b = c, at_c
    return math.exp(a / 2)
