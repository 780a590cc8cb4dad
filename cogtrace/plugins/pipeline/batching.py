"""Calls made at the same time, for any task, go to the engine together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from cogtrace.engines import Engine, Request, Result
from cogtrace.errors import CogtraceError, EngineError


class Halted(Exception):
    """No more requests are to be sent; the task is to be done again another time."""


class Memory(Protocol):
    """Answers kept from an earlier run, so that nothing is paid for twice."""

    def recall(self, request: Request) -> Result | None:
        """Return the answer that is known for a request, or None."""

    def keep(self, request: Request, result: Result) -> None:
        """Keep what came of a request, also a failure: it may have cost something."""


_CLOSED: Final = "the pipeline is closed"
_Waiting = tuple[Request, asyncio.Future[Result]]


class Caller:
    """Sends requests in batches: all that are made before the event loop turns, as far as they go.

    A request waits for the slowest one of its batch, so a batch is at most half of what the
    engine works on at a time, and about twice of that is on its way, which keeps it busy.
    The others wait here, where ``halted`` can still stop them; it says why, if so. ``sent``
    and ``came`` are told of each request; ``most`` is the size of a batch where it is given.
    """

    def __init__(
        self,
        engine: Engine,
        concurrency: int,
        *,
        halted: Callable[[], str | None] | None = None,
        sent: Callable[[Request], None] | None = None,
        came: Callable[[Request, Result], None] | None = None,
        memory: Memory | None = None,
        most: int | None = None,
    ) -> None:
        self._engine = engine
        self._most = most or max(1, concurrency // 2)  # in a batch
        self._room = 2 * max(1, concurrency)  # for requests on their way
        self._halted = halted
        self._sent = sent
        self._came = came
        self._memory = memory
        self._waiting: deque[_Waiting] = deque()
        self._batches: set[asyncio.Task[None]] = set()
        self._closed = False
        self._called = False  # whether the loop has been asked to send what waits
        self.sizes: deque[int] = deque(maxlen=10_000)  # of the batches sent last
        self.broken: Exception | None = None  # why nothing can be asked any more

    def complete(self, request: Request) -> asyncio.Future[Result]:
        """Return a future of the result of a request; it raises `Halted` if none is to be sent."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        known = self._memory.recall(request) if self._memory is not None else None
        if known is not None:
            future.set_result(known)
            return future
        self._waiting.append((request, future))
        self._soon()
        return future

    async def close(self) -> None:
        """End the batches in flight; what waits, or is asked from now on, is turned away."""
        self._closed = True
        self._turn_away(_CLOSED)
        for batch in self._batches:
            batch.cancel()
        await asyncio.gather(*self._batches, return_exceptions=True)

    def _soon(self) -> None:
        if not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Send what waits, as far as there is room for it."""
        self._called = False
        while self._waiting and self._room > 0:
            if (reason := self._stopped()) is not None:
                self._turn_away(reason)
                return
            if batch := self._next_batch():
                self._room -= len(batch)
                self.sizes.append(len(batch))
                task = asyncio.get_running_loop().create_task(self._send(batch))
                self._batches.add(task)
                task.add_done_callback(self._batches.discard)

    def _stopped(self) -> str | None:
        if self.broken is not None:
            return _words(self.broken)
        if self._closed:
            return _CLOSED
        return self._halted() if self._halted is not None else None

    def _turn_away(self, reason: str) -> None:
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(Halted(reason))

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < min(self._most, self._room):
            request, future = self._waiting.popleft()
            if future.done():
                continue  # whoever has given up in the meantime has cancelled it
            if self._sent is not None:
                self._sent(request)
            batch.append((request, future))
        return batch

    async def _send(self, batch: list[_Waiting]) -> None:
        try:
            await self._answered(batch)
        finally:
            self._room += len(batch)
            self._soon()

    async def _answered(self, batch: list[_Waiting]) -> None:
        try:
            results = await self._engine.complete([request for request, _ in batch])
            if len(results) != len(batch):
                raise EngineError(f"the engine gave {len(results)} results for {len(batch)}")
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:  # nothing of this batch, and of none to come, has an answer
            self.broken = error
            for _, future in batch:
                if not future.done():
                    future.set_exception(Halted(_words(error)))
            return
        for (request, future), result in zip(batch, results, strict=True):
            self._received(request, future, result)

    def _received(self, request: Request, future: asyncio.Future[Result], result: Result) -> None:
        """Count, keep and hand on a result, also where nobody waits any more: it was paid for."""
        if self._came is not None:
            self._came(request, result)
        try:
            if self._memory is not None:
                self._memory.keep(request, result)
        except Exception as error:  # a full disk: what cannot be kept must not be asked
            self.broken = error
        if future.done():
            return
        if self.broken is None:
            future.set_result(result)
        else:
            future.set_exception(Halted(_words(self.broken)))


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, CogtraceError) else f"{type(error).__name__}: {error}"
