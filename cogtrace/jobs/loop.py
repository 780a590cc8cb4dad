"""An event loop in a thread of its own, for callers that are not asynchronous."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from cogtrace.errors import Stopped

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads, several at a time."""

    def __init__(self) -> None:
        self._loop = new_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="cogtrace-engine", daemon=True
        )
        self._thread.start()
        self._gate = threading.Lock()
        self.closed = False

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns; its exceptions pass through.

        Raises:
            Stopped: the loop was closed before the coroutine was done.
        """
        # Whatever passes here before the loop closes is among what close() ends; a
        # coroutine handed over later would never be run, and its caller wait for ever.
        with self._gate:
            if self.closed:
                coroutine.close()
                raise Stopped("closed")
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError as error:
            raise Stopped("closed") from error

    def close(self) -> None:
        """End what still runs, and the thread."""
        with self._gate:
            if self.closed:
                return
            self.closed = True
        asyncio.run_coroutine_threadsafe(_end_all(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def new_loop() -> asyncio.AbstractEventLoop:
    """Return the fastest event loop there is: uvloop's, where it is installed."""
    try:
        import uvloop
    except ImportError:  # not on Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _end_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
