"""Calling hooks: plain ones in a thread, async ones in the loop, each only for so long.

A plain function could hold up every other task, and nothing can end it; in a thread it
holds up nobody. The plain hooks of one plugin run in one thread, one after the other, so
an author need not think of threads. One that takes too long is left behind, and the next
task gets a new thread; a plugin with too many left behind is called no more.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from cogtrace.plugins.pipeline.hooks import Hook

MOST_LEFT_BEHIND: Final = 8
_LOOK_EVERY: Final = 0.05  # seconds between looks at the plain hook that runs


class HookTimeout(Exception):
    """A hook took longer than it may."""


class Clock:
    """Time that a hook has left. It stands still while the hook waits for the model."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._timeout: asyncio.Timeout | None = None
        self._waits = 0
        self._since = 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Stop the clock."""
        loop = asyncio.get_running_loop()
        self._waits += 1
        if self._waits == 1 and self._timeout is not None and not self._timeout.expired():
            self._left -= loop.time() - self._since
            self._timeout.reschedule(None)
        try:
            yield
        finally:
            self._waits -= 1
            if self._waits == 0 and self._timeout is not None and not self._timeout.expired():
                self._since = loop.time()
                self._timeout.reschedule(self._since + max(0.0, self._left))

    async def run(self, awaitable: Any) -> Any:
        """Await something, if it takes no longer than is left.

        Raises:
            HookTimeout: it took longer.
        """
        self._since = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(self._since + self._left) as self._timeout:
                return await awaitable
        except TimeoutError:
            if self._timeout is not None and self._timeout.expired():
                raise HookTimeout from None
            raise  # one of the plugin's own
        finally:
            self._timeout = None


class PlainThread:
    """Runs the plain hooks of one plugin, one after the other, in a thread."""

    def __init__(self, name: str, seconds: float) -> None:
        self._name = name
        self._seconds = seconds
        self._worker: _Worker | None = None
        self._left_behind: list[_Worker] = []

    async def run(self, function: Callable[[], Any]) -> Any:
        """Return what a function returns; its exceptions pass through.

        Raises:
            HookTimeout: it took too long, or too many before it still do.
        """
        loop = asyncio.get_running_loop()
        worker = self._worker
        if worker is None or worker.loop is not loop:
            worker = self._begin(loop)
        future: asyncio.Future[Any] = loop.create_future()
        worker.put(future, function)
        return await future

    def close(self) -> None:
        """Let the thread end; one that hangs is left to the end of the process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _begin(self, loop: asyncio.AbstractEventLoop) -> _Worker:
        self._left_behind = [worker for worker in self._left_behind if worker.is_busy()]
        if len(self._left_behind) >= MOST_LEFT_BEHIND:
            raise HookTimeout(f"not called: {MOST_LEFT_BEHIND} calls of it hang already")
        self._worker = _Worker(loop, f"cogtrace-{self._name}", self._seconds, self._late)
        return self._worker

    def _late(self, worker: _Worker) -> None:
        """Leave a worker behind that hangs; what waits in its queue goes to a new one."""
        self._left_behind.append(worker)
        waiting = worker.abandon()
        self._worker = None
        for future, function in waiting:
            try:
                (self._worker or self._begin(worker.loop)).put(future, function)
            except HookTimeout as error:
                if not future.done():
                    future.set_exception(error)


_Job = tuple[asyncio.Future[Any], Callable[[], Any]]


class _Worker:
    """A thread with a queue. Everything but `_work` runs in the event loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        name: str,
        seconds: float,
        late: Callable[[_Worker], None],
    ) -> None:
        self.loop = loop
        self._seconds = seconds
        self._late = late
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._told = False  # whether the loop has been asked to look at ``_done``
        self._open = 0  # jobs without a result
        self._running: tuple[_Job, float] | None = None  # and since when
        self._gone = False
        self._watch: asyncio.TimerHandle | None = None
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def put(self, future: asyncio.Future[Any], function: Callable[[], Any]) -> None:
        self._open += 1
        self._jobs.put((future, function))
        if self._watch is None:
            self._watch = self.loop.call_later(self._pause(), self._look)

    def is_busy(self) -> bool:
        return self._running is not None

    def close(self) -> None:
        self._gone = True
        self._jobs.put(None)
        if self._watch is not None:
            self._watch.cancel()

    def abandon(self) -> list[_Job]:
        """End the job that hangs as too late; return those that have not begun."""
        self.close()
        waiting: list[_Job] = []
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is not None:
                waiting.append(job)
        self._jobs.put(None)
        running = self._running
        if running is not None and not running[0][0].done():
            running[0][0].set_exception(HookTimeout())
        return waiting

    def _pause(self) -> float:
        return max(0.001, min(_LOOK_EVERY, self._seconds / 4))

    def _look(self) -> None:
        self._watch = None
        if self._gone or not self._open:
            return
        running = self._running
        if running is not None and time.monotonic() - running[1] > self._seconds:
            self._late(self)
            return
        self._watch = self.loop.call_later(self._pause(), self._look)

    def _deliver(self) -> None:
        self._told = False
        while self._done:
            future, value, error = self._done.popleft()
            self._open -= 1
            if future.done():
                continue  # cancelled, or too late
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, function = job
            self._running = (job, time.monotonic())
            value: Any = None
            error: BaseException | None = None
            try:
                if not future.cancelled():
                    value = function()
            except StopIteration as raised:  # which a future cannot hold
                error = RuntimeError(f"StopIteration: {raised}")
            except BaseException as raised:  # handed on to whoever waits
                error = raised
            self._running = None
            self._done.append((future, value, error))
            if not self._told:
                self._told = True
                try:
                    self.loop.call_soon_threadsafe(self._deliver)
                except RuntimeError:  # the loop is closed; nobody waits
                    return
            if self._gone:
                return


async def call_hook(hook: Hook, values: dict[str, Any], clock: Clock, plain: PlainThread) -> Any:
    """Return what a hook returns.

    Raises:
        HookTimeout: it took too long.
        Exception: whatever it raises.
    """
    if hook.is_async:
        return await clock.run(hook.call(values))
    result = await plain.run(lambda: hook.call(values))
    if inspect.isawaitable(result):  # a plain function may hand on a coroutine
        return await clock.run(result)
    return result
