"""Requests that go through as they are: bytes in, bytes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogtrace.server.errors import Cut, ProxyError
from cogtrace.server.exchange import Exchange
from cogtrace.server.gate import KEY_HEADER
from cogtrace.server.replying import Headers
from cogtrace.server.upstream import Upstream

if TYPE_CHECKING:
    import aiohttp

# What belongs to one connection, or to the proxy itself.
_HOP: Final = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)
_NOT_SENT: Final = _HOP | {
    b"authorization",
    b"content-length",
    b"cookie",
    b"expect",
    b"host",
    b"origin",
    b"referer",
    KEY_HEADER,
}
_NOT_RETURNED: Final = _HOP | {b"date", b"server", b"set-cookie"}
_SMALL: Final = 256 << 10  # bytes of an answer that are sent in one piece


class Passing:
    """Passes requests on to the upstream."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def pass_on(
        self, exchange: Exchange, path: str, body: bytes | None, more: Headers | None = None
    ) -> None:
        """Pass a request on, and its answer back; ``more`` are further headers of that.

        Raises:
            ProxyError: there is no answer.
            Cut: there is no end of it.
        """
        scope = exchange.scope
        query = scope["query_string"].decode("latin-1")
        path = f"{path}?{query}" if query else path
        headers = sent_headers(exchange, self._upstream)
        with exchange.watched():
            with exchange.waiting():
                response = await self._upstream.send(scope["method"], path, headers, body)
            try:
                await self._back(exchange, response, more or [])
            except BaseException:
                response.close()
                raise
            response.release()

    async def _back(
        self, exchange: Exchange, response: aiohttp.ClientResponse, more: Headers
    ) -> None:
        headers = returned_headers(response)
        length = response.content_length
        if length is not None and length <= _SMALL:
            with exchange.waiting():
                body = await self._upstream.read(response)
            await exchange.begin(response.status, [*headers, *more])
            await exchange.end(body)
            return
        await exchange.begin(response.status, [*headers, *more])
        try:
            async for piece in self._upstream.pieces(response, exchange):
                await exchange.write(piece)
        except ProxyError as error:
            raise Cut(str(error)) from error
        await exchange.end()


def sent_headers(exchange: Exchange, upstream: Upstream) -> dict[str, str]:
    """Return the headers of a request that the upstream is to see."""
    found: dict[str, str] = {}
    own: bytes | None = None
    for name, value in exchange.scope["headers"]:
        if name == b"authorization":
            own = value
        if name not in _NOT_SENT:
            found[name.decode("latin-1")] = value.decode("latin-1")
    shown = upstream.authorization(own)
    if shown is not None:
        found["authorization"] = shown
    return found


def returned_headers(response: aiohttp.ClientResponse) -> Headers:
    """Return the headers of an answer that the client is to see."""
    lower = ((name.lower(), value) for name, value in response.raw_headers)
    return [(name, value) for name, value in lower if name not in _NOT_RETURNED]
