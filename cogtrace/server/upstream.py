"""The server behind the proxy: one pool of connections to it, and what goes wrong there.

aiohttp rather than httpx: it takes a fraction of the processor time per request
(`benchmarks/bench_proxy.py --clients`).
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final, Protocol

from cogtrace.engines.server import base_url, without_password
from cogtrace.server.errors import ProxyError
from cogtrace.server.metrics import Metrics
from cogtrace.server.settings import ProxySettings

if TYPE_CHECKING:
    import aiohttp

# Shorter than the five seconds after which common servers close an idle connection, so
# that no request is sent into one that is just being closed.
_IDLE_SECONDS: Final = 4.0
_LARGE: Final = 1 << 20  # aiohttp warns of larger bodies unless they are streams
_LONGEST_FIELD: Final = 64 << 10  # of the headers of an answer
_READY_SECONDS: Final = 5.0  # for which the answer to "is it there?" holds
_READY_TIMEOUT: Final = 3.0


class Clock(Protocol):
    """Counts the time that is spent waiting for the upstream."""

    def waiting(self) -> AbstractContextManager[None]:
        """Count the time in here."""


class Upstream:
    """Sends requests to the server and hands back its responses, whatever their status."""

    def __init__(self, settings: ProxySettings, metrics: Metrics) -> None:
        self._limits = settings.limits
        self._metrics = metrics
        url, self._basic, password = without_password(base_url(settings.upstream))
        self.url = url
        self._key = settings.upstream_key
        secrets = (settings.upstream_key, password)
        self._secrets = [secret.encode() for secret in secrets if secret and len(secret) >= 8]
        self._forwards = settings.forward_auth
        self._session: aiohttp.ClientSession | None = None
        self._ready: tuple[float, bool] = (-1.0, False)
        self._asking = asyncio.Lock()

    async def open(self) -> None:
        """Make the pool; no connection yet."""
        import aiohttp

        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.connect_timeout, sock_read=limits.timeout
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            max_line_size=_LONGEST_FIELD,
            max_field_size=_LONGEST_FIELD,
            read_bufsize=256 << 10,
        )

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def authorization(self, client: bytes | None) -> str | None:
        """Return the Authorization header to show, given the client's own."""
        if self._forwards:
            return client.decode("latin-1") if client else None
        return self._basic or (f"Bearer {self._key}" if self._key else None)

    async def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> aiohttp.ClientResponse:
        """Send a request; ``path`` begins after ``/v1`` and may have a query.

        Raises:
            ProxyError: there is no answer.
        """
        import aiohttp
        from yarl import URL

        assert self._session is not None, "open() comes first"
        data = body if body is None or len(body) < _LARGE else io.BytesIO(body)
        try:
            return await self._session.request(
                method,
                URL(self.url + path, encoded=True),
                data=data,
                headers=headers,
                allow_redirects=False,
            )
        except aiohttp.ConnectionTimeoutError as error:
            raise self._gone(error) from error
        except TimeoutError as error:
            raise self.late() from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._gone(error) from error

    async def read(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the whole body of a response; where it repeats our key, stars instead.

        Raises:
            ProxyError: it is cut off, too slow or too large.
        """
        body = await self._whole(response)
        if response.status >= 400:
            for secret in self._secrets:
                body = body.replace(secret, b"*" * len(secret))
        return body

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the whole body of a response as it is.

        Raises:
            ProxyError: it is cut off, too slow or too large.
        """
        import aiohttp

        pieces: list[bytes] = []
        size = 0
        try:
            if (response.content_length or self._limits.answer_bytes) < _LARGE:
                return await response.read()
            async for piece in response.content.iter_any():
                size += len(piece)
                if size > self._limits.answer_bytes:
                    response.close()
                    self.failed("too-large")
                    raise ProxyError(
                        502, "the upstream's answer is too large", "upstream_bad_answer"
                    )
                pieces.append(piece)
        except TimeoutError as error:
            raise self.late() from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._gone(error) from error
        finally:
            response.release()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def pieces(
        self, response: aiohttp.ClientResponse, clock: Clock
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a response as they come.

        Raises:
            ProxyError: they stop before the end.
        """
        import aiohttp

        coming = response.content.iter_any().__aiter__()
        while True:
            try:
                with clock.waiting():
                    piece = await anext(coming, None)
            except TimeoutError as error:
                raise self.late() from error
            except (aiohttp.ClientError, OSError) as error:
                self.failed("cut")
                raise ProxyError(
                    502, "the upstream stopped in the middle of the answer", "upstream_cut"
                ) from error
            if piece is None:
                return
            yield piece

    async def is_ready(self) -> bool:
        """Say whether the server answers; asked at most once in five seconds."""
        async with self._asking:
            until, ready = self._ready
            if time.monotonic() < until:
                return ready
            ready = await self._answers()
            self._ready = (time.monotonic() + _READY_SECONDS, ready)
            return ready

    async def _answers(self) -> bool:
        shown = self.authorization(None)
        headers = {} if shown is None else {"Authorization": shown}
        try:
            async with asyncio.timeout(_READY_TIMEOUT):
                response = await self.send("GET", "/models", headers)
                response.close()
        except (ProxyError, TimeoutError):
            return False
        return response.status < 500

    def failed(self, kind: str) -> None:
        """Count a failure of the server's."""
        self._metrics.add("cogtrace_upstream_failures_total", (("kind", kind),))

    def late(self) -> ProxyError:
        """Return the error for a server that says nothing for too long."""
        self.failed("timeout")
        seconds = f"{self._limits.timeout:g}"
        return ProxyError(
            504, f"the upstream sent nothing for {seconds} seconds", "upstream_timeout"
        )

    def _gone(self, error: Exception) -> ProxyError:
        import aiohttp

        self.failed("unreachable")
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return ProxyError(502, "the upstream cannot be reached", "upstream_unreachable")
        return ProxyError(502, "the connection to the upstream broke", "upstream_unreachable")
