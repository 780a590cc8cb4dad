"""How long a job takes, judged by a probe of a few traces."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from cogtrace.jobs.ranges import Range
from cogtrace.records import Usage

# A long run is not quite as even as a probe, and may meet a busier server.
_SLOWER: Final = 1.25
_FASTER: Final = 0.8


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What asking about some traces for real has taken."""

    traces: int
    seconds: float  # from the first request to the last answer
    usage: Usage
    concurrency: int  # requests that a job would have in flight
    repairs: int = 0  # of the requests, that asked once more
    unusable: int = 0  # pairs of trace and element without a usable answer

    @property
    def in_flight(self) -> float:
        """Requests in flight at a time, on average; below 1 if the engine hardly mattered."""
        return self.usage.seconds / self.seconds if self.seconds else 0.0


def seconds_for(requests: Range, probe: Probed) -> Range | None:
    """Return the time that requests take; None if the probe made none.

    A few traces seldom fill all places of an engine. At best each answer takes as long
    when they are full, as with a large service; at worst nothing gets faster, as with
    a machine that is busy already. What is expected lies between, in proportion.
    """
    if not probe.usage.requests or not probe.seconds:
        return None
    worst = probe.seconds / probe.usage.requests
    best = worst
    if probe.in_flight >= 1:
        best = worst * min(1.0, probe.in_flight / probe.concurrency)
    return Range(
        low=_FASTER * best * requests.low,
        expected=math.sqrt(best) * math.sqrt(worst) * requests.expected,
        high=_SLOWER * worst * requests.high,
    )
