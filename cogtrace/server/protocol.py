"""uvicorn's HTTP, with a bound on how long and how large the head of a request may be.

uvicorn waits for ever for the head of a first request, and with httptools takes a head of
any size. Here a connection is closed whose next head is not whole in time, or has far more
bytes than it may (what is only somewhat too large gets its 431 later). A request may be
answered before its body has arrived (413, 401): what is left of the body is taken in and
dropped, so that the client gets to read its answer and can ask again.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cogtrace.server.settings import Limits

_Base: Any = HttpToolsProtocol  # its callbacks have no types


class Guarded(_Base):  # type: ignore[misc]  # see above
    """Counts the bytes and seconds of a head, and of a body that nobody waits for.

    Importable by name, for worker processes; they set ``limits``.
    """

    limits: ClassVar[Limits] = Limits()
    _head = 0  # bytes since the last request
    _rest = 0  # bytes of its body since it was answered
    _in_body = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def on_headers_complete(self) -> None:
        """Begin a request."""
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request, answered or not."""
        self._in_body = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Take bytes, of a head or of a body."""
        before, in_body = self.cycle, self._in_body
        super().data_received(data)
        if self.cycle is not before or not (before is None or before.response_complete):
            self._head = self._rest = 0
            self._stop()
            return
        if in_body:
            self._rest += len(data)
        else:
            self._head += len(data)
        if self._head > 4 * self.limits.header_bytes or self._rest > 2 * self.limits.body_bytes:
            self.transport.close()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.limits.receive_timeout, self.transport.close)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def guarded(limits: Limits) -> type[asyncio.Protocol]:
    """Return the protocol of one server of this process."""
    made: type[asyncio.Protocol] = type("Guarded", (Guarded,), {"limits": limits})
    return made
