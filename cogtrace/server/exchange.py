"""One request and its answer on the way: what was sent, how long it took, who still waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from cogtrace.server.errors import Cut
from cogtrace.server.replying import Event, Headers, Receive, Scope, Send

_KEY: Final = "cogtrace.exchange"
# A client is looked after only from then on; most requests are answered before.
_WATCH_AFTER: Final = 0.05  # seconds


class Exchange:
    """A request being answered.

    Attributes:
        route: where it went, for metrics and logs.
        status: of the answer; 0 as long as there is none, 499 if the client went away.
        waited: seconds spent waiting for the upstream.
        plugins, calls, tokens: of guided requests.
        skipped: why it was not guided although it should have been.
        gone: the client went away.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, patience: float) -> None:
        self.scope = scope
        self.receive = receive
        self.began = time.perf_counter()
        self.route = "other"
        self.status = 0
        self.finished = False
        self.waited = 0.0
        self.plugins: list[str] = []
        self.calls = 0
        self.tokens = 0
        self.skipped = ""
        self.gone = False
        self._send = send
        self._patience = patience
        self._watcher: asyncio.Task[None] | None = None
        scope[_KEY] = self

    async def send(self, event: Event) -> None:
        """Send a piece of the answer."""
        if event["type"] == "http.response.start":
            self.status = event["status"]
        else:
            self.finished = not event.get("more_body", False)
        await self._send(event)

    async def begin(self, status: int, headers: Headers) -> None:
        """Begin an answer."""
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Send a piece of the body.

        Raises:
            Cut: the client does not take it.
        """
        try:
            async with asyncio.timeout(self._patience):
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            raise Cut("the client takes nothing") from None

    async def end(self, data: bytes = b"") -> None:
        """Send the last piece of the body."""
        await self.send({"type": "http.response.body", "body": data})

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time in here as time of the upstream's."""
        since = time.perf_counter()
        try:
            yield
        finally:
            self.waited += time.perf_counter() - since

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Cancel this task if the client goes away in here; the whole body must be read."""
        work = asyncio.current_task()
        assert work is not None
        handle = asyncio.get_running_loop().call_later(_WATCH_AFTER, self._begin_watching, work)
        try:
            yield
        finally:
            handle.cancel()
            if self._watcher is not None:
                self._watcher.cancel()
                self._watcher = None

    def _begin_watching(self, work: asyncio.Task[Any]) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch(work))

    async def _watch(self, work: asyncio.Task[Any]) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        work.cancel()


def exchange_of(scope: Scope) -> Exchange:
    """Return the exchange that a request belongs to."""
    found = scope[_KEY]
    assert isinstance(found, Exchange)
    return found
