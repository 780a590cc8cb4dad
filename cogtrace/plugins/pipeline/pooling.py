"""Doing something with each of very many items, a bounded number at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from cogtrace.errors import Stopped
from cogtrace.plugins.pipeline.batching import Halted

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


async def each(
    items: Iterable[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], limit: int
) -> AsyncGenerator[tuple[ItemT, ResultT]]:
    """Yield each item with what became of it, as they finish.

    At most ``limit`` are worked on at a time; items are taken only as fast as results are.
    Close the iterator (`aclosing`) to end what is in flight.

    Raises:
        Stopped: the work halted; everything that could still be finished was yielded before.
        Exception: whatever ``work`` or the items raise.
    """
    pool = _Pool(items, work, limit)
    try:
        async for pair in pool.results():
            yield pair
    finally:
        await pool.close()


class _Pool(Generic[ItemT, ResultT]):
    def __init__(
        self, items: Iterable[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], limit: int
    ) -> None:
        self._items = iter(items)
        self._work = work
        self._results: asyncio.Queue[tuple[ItemT, ResultT] | None] = asyncio.Queue(limit)
        self._halted: Halted | None = None
        self._failed: BaseException | None = None
        self._ended = 0
        self._limit = limit
        self._workers: list[asyncio.Task[None]] = []

    async def results(self) -> AsyncIterator[tuple[ItemT, ResultT]]:
        self._workers = [asyncio.create_task(self._run()) for _ in range(self._limit)]
        while self._ended < len(self._workers) or not self._results.empty():
            pair = await self._results.get()
            if self._failed is not None:
                raise self._failed
            if pair is not None:
                yield pair
        if self._failed is not None:
            raise self._failed
        if self._halted is not None:
            raise Stopped(str(self._halted)) from self._halted

    async def close(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._halted is None and self._failed is None:
                try:
                    item = next(self._items)
                except StopIteration:
                    break
                result = await self._work(item)
                await self._results.put((item, result))
        except Halted as error:
            self._halted = self._halted or error
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # handed on to whoever takes the results
            self._failed = self._failed or error
        self._ended += 1
        await self._results.put(None)
