"""Calls made at the same time, for any task, go to the engine together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

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


class Caller:
    """Sends requests in batches: all that are made before the event loop turns.

    A batch holds at most ``limit`` requests, what the engine works on at a time, for a
    request waits for the slowest one of its batch; several batches are on their way at
    once. ``halted`` says whether to stop sending; ``count`` is told of each result.
    """

    def __init__(
        self,
        engine: Engine,
        limit: int,
        *,
        halted: Callable[[], str | None] | None = None,
        sent: Callable[[Request], None] | None = None,
        came: Callable[[Request, Result], None] | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._engine = engine
        self._limit = max(1, limit)
        self._halted = halted
        self._sent = sent
        self._came = came
        self._memory = memory
        self._waiting: list[tuple[Request, asyncio.Future[Result]]] = []
        self._batches: set[asyncio.Task[None]] = set()
        self.sizes: deque[int] = deque(maxlen=10_000)  # of the batches sent last
        self.broken: Exception | None = None  # why nothing can be asked any more

    def complete(self, request: Request) -> asyncio.Future[Result]:
        """Return a future of the result of a request.

        Raises:
            Halted: no more requests are to be sent.
        """
        if self.broken is not None:
            raise Halted(str(self.broken))
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        known = self._memory.recall(request) if self._memory is not None else None
        if known is not None:
            future.set_result(known)
            return future
        if self._halted is not None and (reason := self._halted()):
            raise Halted(reason)
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((request, future))
        return future

    async def close(self) -> None:
        """End the batches in flight."""
        for batch in self._batches:
            batch.cancel()
        await asyncio.gather(*self._batches, return_exceptions=True)

    def _flush(self) -> None:
        # Whoever has given up in the meantime has cancelled its future.
        waiting = [pair for pair in self._waiting if not pair[1].done()]
        self._waiting.clear()
        if self._sent is not None:
            for request, _ in waiting:
                self._sent(request)
        for begin in range(0, len(waiting), self._limit):
            some = waiting[begin : begin + self._limit]
            self.sizes.append(len(some))
            task = asyncio.get_running_loop().create_task(self._send(some))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    async def _send(self, batch: list[tuple[Request, asyncio.Future[Result]]]) -> None:
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
