"""When to try again, how long to wait, and when to stop trying at all.

Three small parts, all of one event loop: `RetryPolicy` says how long a request waits
before its next try, `Hold` lets one answer hold back all requests, and `Breaker` ends the
work of an engine that fails at everything.
"""

from __future__ import annotations

import asyncio
import email.utils
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cogtrace.engines.base import Failure

# Failures in a row, without one success, that end the work. A request that failed on its
# way has by then been tried many times, over more than half a minute; 20 of these leave
# no doubt. One trace that a server refuses to read can alone bring dozens of refusals in
# a row, so these need more.
_LOST_LIMIT: Final = 20
_REFUSED_LIMIT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and after what pauses a request is tried again.

    With the defaults the pauses add up to 36 to 72 seconds: a server that is gone for 20
    seconds costs no request.
    """

    retries: int = 8  # further tries after passing failures
    bad_answers: int = 2  # of these, after answers that are none: they cost the server work
    first: float = 0.5  # seconds before the second try; each later pause is twice as long
    longest: float = 20.0
    patience: float = 300.0  # a server that asks for a longer wait is not waited for

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after the try number ``attempt`` (from 1).

        The second half of the pause is random, so that requests which failed together
        do not come back together.
        """
        whole = min(self.longest, self.first * 2.0 ** min(attempt - 1, 32))
        return whole * random.uniform(0.5, 1.0)

    def again(self, failure: Failure, attempt: int) -> bool:
        """Say whether there is a try after the one that failed so."""
        allowed = self.retries
        if failure.kind == "bad-answer":
            allowed = min(allowed, self.bad_answers)
        return failure.passing and attempt <= allowed


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer's headers ask to wait, or None.

    Understands ``retry-after-ms``, and ``retry-after`` in seconds or as an HTTP date.
    """
    try:
        return _sane(float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass  # no such header, or none that means anything: the standard one counts
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return _sane(float(value))
    except ValueError:
        date = email.utils.parsedate_tz(value)
        return None if date is None else _sane(email.utils.mktime_tz(date) - time.time())


def _sane(seconds: float) -> float | None:
    return max(0.0, seconds) if seconds == seconds else None  # NaN is no wish


class Hold:
    """Holds back all requests of an engine while its server asks to be left alone."""

    def __init__(self) -> None:
        self._until = 0.0

    def extend(self, seconds: float) -> None:
        """Let nothing through for the next ``seconds``."""
        self._until = max(self._until, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds still to wait; 0 if the way is free."""
        return max(0.0, self._until - time.monotonic())


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row and, when there are too many, says so for good.

    Attributes:
        trouble: why nothing more is tried, and what to do; None while all is well.
    """

    concurrency: int
    trouble: str | None = None
    last: Failure | None = None
    _in_a_row: int = 0
    _tripped: asyncio.Event = field(default_factory=asyncio.Event)

    def succeeded(self) -> None:
        """Note that a request was answered."""
        self._in_a_row = 0

    def failed(self, failure: Failure, *, refused: bool) -> None:
        """Note that a request has failed for good.

        ``refused`` says that the server took exception to this very request. A prompt
        that is too long says nothing about the server and is not counted.
        """
        if failure.kind == "too-long" or self.trouble is not None:
            return
        self._in_a_row += 1
        self.last = failure
        if self._in_a_row >= self.limit(refused=refused):
            self.trouble = (
                f"{self._in_a_row} requests in a row failed and none succeeded; "
                f"the last one: {failure.message}"
            )
            self._tripped.set()

    def limit(self, *, refused: bool) -> int:
        """Return how many failures in a row are too many."""
        return max(_REFUSED_LIMIT, 3 * self.concurrency) if refused else _LOST_LIMIT

    def failure(self) -> Failure:
        """Return what becomes of requests that are not tried any more."""
        assert self.last is not None, "only an engine in trouble fails without a try"
        return Failure(kind=self.last.kind, message=f"not tried: {self.trouble}")

    async def pause(self, seconds: float) -> None:
        """Sleep, but wake up at once when there is no point in waiting."""
        try:
            async with asyncio.timeout(seconds):
                await self._tripped.wait()
        except TimeoutError:
            pass  # the pause is over
