"""A forecast as a table for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cogtrace.annotator.llm.planning import Covered, Forecast
    from cogtrace.jobs.pace import Probed
    from cogtrace.jobs.ranges import Range

_NAME = 20
_CELL = 15


def table(found: Forecast, limits: Sequence[Covered], *, hourly: bool) -> Iterator[str]:
    """Yield the lines; ``hourly``: time costs money."""
    yield from _heading(found)
    yield " " * _NAME + "".join(f"{name:>{_CELL}}" for name in ("low", "expected", "high"))
    yield _row("requests", found.requests)
    yield _row("prompt tokens", found.prompt_tokens)
    yield _row("  of these cached", found.cached_share.times(100), "{:,.0f}%")
    yield _row("completion tokens", found.completion_tokens)
    yield _time(found.seconds)
    yield _cost(found, hourly=hourly)
    for limit in limits:
        yield _covered(limit)
    if found.probe is not None:
        yield from _probe(found, found.probe)


def _heading(found: Forecast) -> Iterator[str]:
    traces = found.rows - found.unreadable
    sampled = "" if found.sampled == traces else f" ({found.sampled:,} sampled)"
    limited = f"; --limit {found.limit:,} rows of {found.rows:,}" if found.limit else ""
    copies = f", {found.copies:,} of them copies that cost nothing" if found.copies else ""
    yield f"{traces:,} traces{sampled}{copies}{limited}"
    share = "" if found.asked_share > 0.9999 else f", about {found.asked_share:.1%} of all pairs"
    several = found.several_windows
    more = f"; {several:,} sampled traces need several" if several else ""
    yield (
        f"{found.questions} questions per trace and window{share}; windows of "
        f"{found.window_tokens:,} tokens{more}"
    )


def _time(seconds: Range | None) -> str:
    if seconds is None:
        return f"{'time':{_NAME}}unknown; measure it with --probe 8"
    if seconds.expected >= 7_200:
        return _row("hours", seconds.times(1 / 3_600), "{:,.1f}")
    if seconds.expected >= 120:
        return _row("minutes", seconds.times(1 / 60), "{:,.1f}")
    return _row("seconds", seconds, "{:,.1f}")


def _cost(found: Forecast, *, hourly: bool) -> str:
    if found.cost is not None:
        return _row("cost", found.cost, f"{{:,.{_decimals(found.cost.expected)}f}}")
    remedy = "measure the time with --probe 8" if hourly else "give --price-in and --price-out"
    return f"{'cost':{_NAME}}unknown; {remedy}"


def _decimals(amount: float) -> int:
    """Return how many decimals show at least two digits of an amount."""
    return 2 if amount >= 0.1 or amount <= 0 else min(9, 1 - math.floor(math.log10(amount)))


def _covered(limit: Covered) -> str:
    share = limit.share
    if share is None:
        return f"{limit.limit}: how far that goes is as unknown as what it limits"
    if share.low >= 1:
        return f"{limit.limit} is enough for the whole job"
    bounds = f"{share.low:.0%} to {share.high:.0%}"
    if share.expected >= 1:
        return f"{limit.limit} is likely enough for the whole job ({bounds} of it)"
    return f"{limit.limit} stops the job at about {share.expected:.0%} ({bounds}); it can go on"


def _probe(found: Forecast, probe: Probed) -> Iterator[str]:
    usage = probe.usage
    yield (
        f"probe: {probe.traces:,} traces took {usage.requests:,} requests, "
        f"{usage.prompt_tokens:,} prompt tokens ({usage.cached_tokens:,} cached), "
        f"{usage.completion_tokens:,} completion tokens, {probe.seconds:,.1f} s; "
        f"{probe.repairs:,} answers were asked for again, {probe.unusable:,} pairs got no "
        "usable one"
    )
    if 1 <= probe.in_flight < probe.concurrency / 2 and found.sampled > probe.traces:
        enough = math.ceil(probe.traces * probe.concurrency / probe.in_flight)
        yield (
            f"it had about {probe.in_flight:,.0f} requests in flight, the job will have "
            f"{probe.concurrency:,}: --probe {min(enough, found.sampled)} tells more"
        )


def _row(name: str, figures: Range, form: str = "{:,.0f}") -> str:
    cells = (form.format(value) for value in (figures.low, figures.expected, figures.high))
    return f"{name:{_NAME}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)
