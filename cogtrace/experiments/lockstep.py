"""Keeping the arms of an experiment in step: one engine, the same tasks at the same time.

What else goes on (a busy server, an engine that warms up, a model that is replaced) then
falls on all arms alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cogtrace.engines import Engine, EngineInfo, Request, Result
from cogtrace.jobs.budget import Limits, Meter, Prices, added
from cogtrace.plugins.job import Turns
from cogtrace.plugins.pipeline.records import GuidanceRun
from cogtrace.records import Usage

FEWEST_AHEAD: Final = 64  # tasks that an arm may be ahead of the slowest one, at least


class Lockstep:
    """Lets no arm be far ahead of another, and control arms follow those they spend like.

    ``places`` says which task is where in the order that all arms keep.
    """

    def __init__(self, places: Mapping[str, int], arms: Sequence[str]) -> None:
        self._places = places
        self._done = {arm: bytearray(len(places)) for arm in arms}
        self._first = dict.fromkeys(arms, 0)  # place of the first task that is not done
        self._waiting: set[asyncio.Future[None]] = set()
        self.ahead = FEWEST_AHEAD
        self.spent: dict[str, dict[str, int]] = {arm: {} for arm in arms}  # tokens by task

    def turns(self, arm: str, after: Sequence[str] = ()) -> Turns:
        """Return the turns of an arm, whose tasks begin only when ``after`` have done them."""
        return _ArmTurns(self, arm, after)

    def ended(self, arm: str) -> None:
        """Take note that an arm has nothing more to do, so that nobody waits for it."""
        self._first[arm] = len(self._places)
        self._wake()

    def done(self, arm: str, run: GuidanceRun) -> None:
        """Take note of a task that an arm has done."""
        usage = run.usage
        self.known(arm, run.task_id, usage.prompt_tokens + usage.completion_tokens)

    def known(self, arm: str, task_id: str, tokens: int) -> None:
        """Take note of what a task that an arm has done has cost."""
        self.spent[arm][task_id] = tokens
        place = self._places.get(task_id)
        if place is None:
            return
        done = self._done[arm]
        done[place] = 1
        first = self._first[arm]
        while first < len(done) and done[first]:
            first += 1
        self._first[arm] = first
        self._wake()

    async def begin(self, arm: str, task_id: str, after: Sequence[str]) -> None:
        """Return when an arm may begin a task."""
        place = self._places.get(task_id, 0)
        while not self._may_begin(place, task_id, after):
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            try:
                await waiting
            finally:
                self._waiting.discard(waiting)

    def _may_begin(self, place: int, task_id: str, after: Sequence[str]) -> bool:
        if any(task_id not in self.spent[arm] for arm in after):
            return False
        return place <= min(self._first.values()) + self.ahead

    def _wake(self) -> None:
        for waiting in list(self._waiting):
            if not waiting.done():
                waiting.set_result(None)


class _ArmTurns:
    """The turns of one arm."""

    def __init__(self, lockstep: Lockstep, arm: str, after: Sequence[str]) -> None:
        self._lockstep, self._arm, self._after = lockstep, arm, after

    async def begin(self, task_id: str) -> None:
        await self._lockstep.begin(self._arm, task_id, self._after)

    def done(self, run: GuidanceRun) -> None:
        self._lockstep.done(self._arm, run)


class SharedEngine:
    """An engine that several jobs of one event loop use, each a share of its places.

    It is started once, and closed by `finish`. Limits count over all jobs together.
    """

    def __init__(
        self,
        engine: Engine,
        jobs: int,
        *,
        limits: Limits | None = None,
        prices: Prices | None = None,
        started: Callable[[EngineInfo], None] | None = None,
    ) -> None:
        self._engine = engine
        self._jobs = jobs
        self._started = started
        self._info: EngineInfo | None = None
        self._gate = asyncio.Lock()
        self._by_job: dict[str, Usage] = {}
        self._meter = Meter(limits or Limits(), prices, Usage())

    async def start(self) -> EngineInfo:
        """Start the engine, the first time; return what is known of a job's share of it."""
        from msgspec.structs import replace

        async with self._gate:
            if self._info is None:
                self._info = await self._engine.start()
                if self._started is not None:
                    self._started(self._info)
        return replace(self._info, concurrency=max(1, self._info.concurrency // self._jobs))

    @property
    def trouble(self) -> str | None:
        """Why nothing more is to be asked, or None."""
        return self._engine.trouble or self._meter.exhausted()

    @property
    def usage(self) -> Usage:
        """What all jobs have cost."""
        return self._meter.usage

    @property
    def cost(self) -> float | None:
        """The same in money; None without prices."""
        return self._meter.cost

    def spent(self, job: str, usage: Usage) -> None:
        """Take note of what a job has cost in all its runs."""
        self._by_job[job] = usage
        total = Usage()
        for one in self._by_job.values():
            total = added(total, one)
        self._meter.usage = total

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer requests."""
        for _ in requests:
            self._meter.sent()
        try:
            return await self._engine.complete(requests)
        finally:
            for _ in requests:
                self._meter.came()

    def count_tokens(self, text: str) -> int | None:
        """Return how many tokens a text has, where that is known."""
        return self._engine.count_tokens(text)

    async def close(self) -> None:
        """Do nothing: others may use it still."""

    async def finish(self) -> None:
        """Let go of the engine."""
        await self._engine.close()
