"""Telling a client that waits for a stream what goes on, in comments that it skips."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from cogtrace.server import streams
from cogtrace.server.account import Account
from cogtrace.server.exchange import Exchange
from cogtrace.server.replying import Headers

_LOOK_EVERY: Final = 0.25  # seconds
_REPEAT_EVERY: Final = 10.0  # seconds; keeps connections from being taken for dead

T = TypeVar("T")


class Progress:
    """Begins a stream when its answer takes a while.

    Until then errors still come with their own status.
    """

    def __init__(self, exchange: Exchange, account: Account, after: float) -> None:
        self._exchange = exchange
        self._account = account
        self._after = after

    async def during(self, work: Coroutine[Any, Any, T], headers: Headers) -> T:
        """Return what the work comes to, telling of it meanwhile."""
        task = asyncio.get_running_loop().create_task(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._after)
            if not done:
                await self._tell(task, headers)
            return await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})

    async def _tell(self, task: asyncio.Task[Any], headers: Headers) -> None:
        exchange, account = self._exchange, self._account
        await exchange.begin(200, [*streams.HEADERS, *headers])
        loop = asyncio.get_running_loop()
        began = told = loop.time()
        step = ""
        while not task.done():
            now = loop.time()
            if account.step != step or now - told >= _REPEAT_EVERY:
                step, told = account.step, now
                seconds = f" {now - began:.0f} s" if now - began >= 1 else ""
                await exchange.write(streams.comment(f"{step or 'plugins'} …{seconds}"))
            await asyncio.wait({task}, timeout=_LOOK_EVERY)
