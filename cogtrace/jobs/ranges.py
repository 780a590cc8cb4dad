"""A figure with its bounds."""

from __future__ import annotations

import msgspec


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """What is thought of a figure: ``low <= expected <= high``."""

    low: float
    expected: float
    high: float

    @classmethod
    def of(cls, value: float, factors: tuple[float, float, float]) -> Range:
        """Return a value times each of three factors."""
        return cls(low=value * factors[0], expected=value * factors[1], high=value * factors[2])

    def times(self, factor: float) -> Range:
        """Return all three, multiplied."""
        return Range.of(factor, (self.low, self.expected, self.high))

    def at_most(self, limit: float) -> Range:
        """Return all three, none above a limit."""
        return Range(
            low=min(self.low, limit),
            expected=min(self.expected, limit),
            high=min(self.high, limit),
        )

    def rounded(self) -> Range:
        """Return all three as whole numbers."""
        return Range(low=round(self.low), expected=round(self.expected), high=round(self.high))

    def covered_by(self, limit: float) -> Range:
        """Return which share of what is needed a limit allows; the dearest gives the low one."""

        def share(need: float) -> float:
            return min(1.0, limit / need) if need > 0 else 1.0

        return Range(low=share(self.high), expected=share(self.expected), high=share(self.low))
