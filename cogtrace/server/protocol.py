"""uvicorn's HTTP, with a bound on how long and how large the head of a request may be.

uvicorn waits for ever for the head of a first request, and with httptools takes a head of
any size. Here a connection is closed whose next head is not whole in time, or has far more
bytes than it may (what is only somewhat too large gets its 431 later).
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from cogtrace.server.settings import Limits

_Base: Any = AutoHTTPProtocol  # httptools' where that is installed, else h11's


class Guarded(_Base):  # type: ignore[misc]  # which one it is depends on what is installed
    """Counts the bytes and seconds of a head.

    Importable by name, for worker processes; they set ``limits``.
    """

    limits: ClassVar[Limits] = Limits()
    _size = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes, of a head or of a body."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before or not (before is None or before.response_complete):
            self._size = 0
            self._stop()
            return
        self._size += len(data)
        if self._size > 4 * self.limits.header_bytes:
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
