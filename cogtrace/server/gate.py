"""The gate in front of all routes: who may come in, how many at once, and what is noted.

Every request leaves through here too, with an answer in OpenAI's form whatever happened.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from typing import Any, Final

from cogtrace.server.errors import Cut, ProxyError
from cogtrace.server.exchange import Exchange
from cogtrace.server.logs import note, note_bug
from cogtrace.server.metrics import Metrics
from cogtrace.server.replying import ClientGone, Receive, Scope, Send, header, reply_error
from cogtrace.server.settings import LOOPBACK, ProxySettings

KEY_HEADER: Final = b"x-cogtrace-key"
_OPEN_PATHS: Final = frozenset({"/health"})  # for whoever watches over the server
CLIENT_GONE: Final = 499


class Gate:
    """ASGI middleware around everything."""

    def __init__(self, app: Any, settings: ProxySettings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._limits = settings.limits
        self._key = settings.api_key.encode() if settings.api_key else None
        self._hosts = {*LOOPBACK, "[::1]", *settings.hosts} if settings.on_loopback else None
        self._busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or not."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._limits.timeout)
        self._busy += 1
        self._metrics.add("cogtrace_in_flight")
        try:
            await self._let_in(exchange)
        finally:
            self._busy -= 1
            self._metrics.add("cogtrace_in_flight", amount=-1.0)
            self._note(exchange)

    async def _let_in(self, exchange: Exchange) -> None:
        scope = exchange.scope
        try:
            self._check(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except ProxyError as error:
            await self._refuse(exchange, error)
        except (Cut, ClientGone):
            exchange.status = exchange.status or CLIENT_GONE
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not exchange.gone or task is None:
                ending = ProxyError(503, "the proxy is shutting down", "shutting_down")
                await self._refuse(exchange, ending)
                raise
            task.uncancel()  # it was the client that ended it
            exchange.status = exchange.status or CLIENT_GONE
        except Exception as error:
            note_bug(error)
            await self._refuse(
                exchange, ProxyError(500, "the proxy failed; its log says where", "internal")
            )

    async def _refuse(self, exchange: Exchange, error: ProxyError) -> None:
        """Answer with an error; an answer that has begun is left unfinished, so it is cut."""
        if exchange.status == 0:
            await reply_error(exchange.send, error)

    def _check(self, scope: Scope) -> None:
        """Raise ProxyError for a request that may not come in."""
        size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
        if size > self._limits.header_bytes:
            raise ProxyError(431, "the headers are too large", "headers_too_large")
        if self._hosts is not None:
            self._check_host(scope)
        self._check_origin(scope)
        if self._key is not None and scope["path"] not in _OPEN_PATHS:
            self._check_key(scope, self._key)
        if self._busy > self._limits.concurrent and scope["path"].startswith("/v1/"):
            raise ProxyError(
                503, "too many requests at a time", "overloaded", headers={"Retry-After": "1"}
            )

    def _check_host(self, scope: Scope) -> None:
        """Refuse requests to other names: a page whose name leads here is not to read this."""
        named = (header(scope, b"host") or b"").decode("latin-1")
        host = named.rpartition(":")[0] if not named.endswith("]") and ":" in named else named
        if host.lower() not in (self._hosts or ()):
            raise ProxyError(
                421, "the Host header names another server (--allow-host NAME)", "wrong_host"
            )

    def _check_origin(self, scope: Scope) -> None:
        """Refuse requests that web pages of others make, even where they see no answer."""
        origin = header(scope, b"origin")
        if origin is None or origin.decode("latin-1") in self._settings.origins:
            return
        host = header(scope, b"host") or b""
        if "*" not in self._settings.origins and origin.partition(b"://")[2] != host:
            raise ProxyError(
                403,
                "web pages of this origin may not use the proxy (--cors ORIGIN)",
                "wrong_origin",
            )

    def _check_key(self, scope: Scope, key: bytes) -> None:
        shown = header(scope, KEY_HEADER)
        if shown is None and not self._settings.forward_auth:
            scheme, _, shown = (header(scope, b"authorization") or b"").partition(b" ")
            shown = shown.strip() if scheme.lower() == b"bearer" else b""
        if not hmac.compare_digest(shown or b"", key):
            raise ProxyError(
                401,
                "a wrong key, or none",
                "invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _note(self, exchange: Exchange) -> None:
        took = time.perf_counter() - exchange.began
        labels = (("route", exchange.route), ("status", str(exchange.status)))
        self._metrics.add("cogtrace_requests_total", labels)
        if exchange.status == 200:
            overhead = max(0.0, took - exchange.waited)
            self._metrics.observe(overhead, (("route", exchange.route),))
        if self._settings.log:
            note(exchange, took)
