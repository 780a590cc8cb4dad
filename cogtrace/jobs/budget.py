"""What a job may cost, and what it has cost so far."""

from __future__ import annotations

import math
import time

import msgspec

from cogtrace.errors import OptionError
from cogtrace.records import Usage


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tokens cost, per million, in any one currency."""

    input: float
    output: float
    cached: float | None = None  # prompt tokens from a cache; None: as input

    def cost(self, usage: Usage) -> float:
        """Return the price of what was used."""
        cached = self.input if self.cached is None else self.cached
        # Servers may say what they like; more cached than sent must not pay for the rest.
        computed = max(0, usage.prompt_tokens - usage.cached_tokens)
        return (
            computed * self.input
            + usage.cached_tokens * cached
            + usage.completion_tokens * self.output
        ) / 1e6


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a job stops. Tokens and cost count over all its runs, minutes over one."""

    max_tokens_total: int | None = None  # of prompts and answers together
    max_cost: float | None = None
    max_minutes: float | None = None


class Meter:
    """Counts what requests cost, and says when to stop.

    Raises:
        OptionError: a limit on the cost, but no prices; or a limit or price that is no
            number, which nothing would ever reach.
    """

    def __init__(self, limits: Limits, prices: Prices | None, spent: Usage) -> None:
        if limits.max_cost is not None and prices is None:
            raise OptionError(
                "--max-cost: needs prices; give --price-in and --price-out, or --prices"
            )
        for given in (limits, prices):
            for name, value in ({} if given is None else msgspec.structs.asdict(given)).items():
                if value is not None and math.isnan(value):
                    raise OptionError(f"{name.replace('_', '-')}: {value} is no amount")
        self._limits = limits
        self._prices = prices
        self._began = time.monotonic()
        self._in_flight = 0
        self._reached: str | None = None
        self.usage = spent

    @property
    def cost(self) -> float | None:
        """What has been used so far, in money; None without prices."""
        return None if self._prices is None else self._prices.cost(self.usage)

    def sent(self) -> None:
        """Count a request that is on its way."""
        self._in_flight += 1

    def came(self) -> None:
        """Count a request as back, whatever came of it."""
        self._in_flight -= 1

    def add(self, usage: Usage) -> None:
        """Count the cost of a request."""
        self.usage = added(self.usage, usage)

    def exhausted(self) -> str | None:
        """Return which limit has been reached, or None; once reached, it stays so.

        Requests in flight count as dear as the average so far, so that many of them at a
        time do not overshoot a limit by much.
        """
        # Kept, for the estimate may fall again below a limit that has stopped others.
        self._reached = self._reached or self._over()
        return self._reached

    def _over(self) -> str | None:
        limits = self._limits
        coming = 1 + self._in_flight / self.usage.requests if self.usage.requests else 1.0
        tokens = (self.usage.prompt_tokens + self.usage.completion_tokens) * coming
        if limits.max_tokens_total is not None and tokens >= limits.max_tokens_total:
            return f"--max-tokens-total {limits.max_tokens_total:,} reached"
        if limits.max_cost is not None and (self.cost or 0.0) * coming >= limits.max_cost:
            return f"--max-cost {limits.max_cost:g} reached"
        minutes = (time.monotonic() - self._began) / 60
        if limits.max_minutes is not None and minutes >= limits.max_minutes:
            return f"--max-minutes {limits.max_minutes:g} reached"
        return None


def added(one: Usage, other: Usage) -> Usage:
    """Return the sum of two costs."""
    return Usage(
        requests=one.requests + other.requests,
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        seconds=round(one.seconds + other.seconds, 6),
    )
