"""What answers at each path."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from cogtrace.server.errors import ProxyError
from cogtrace.server.exchange import Exchange, exchange_of
from cogtrace.server.guided import Guided
from cogtrace.server.metrics import CONTENT_TYPE, Metrics
from cogtrace.server.openapi import description
from cogtrace.server.passing import Passing, sent_headers
from cogtrace.server.plans import Plans
from cogtrace.server.replying import JSON, Receive, Scope, Send, header, read_body, reply
from cogtrace.server.settings import ProxySettings
from cogtrace.server.upstream import Upstream
from cogtrace.server.wishes import read_wish


class ChatRoute:
    """POST /v1/chat/completions."""

    def __init__(self, settings: ProxySettings, plans: Plans, guided: Guided) -> None:
        self._settings = settings
        self._plans = plans
        self._guided = guided

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a chat."""
        exchange = exchange_of(scope)
        exchange.route = "chat"
        limits = self._settings.limits
        if header(scope, b"content-encoding") not in (None, b"identity"):
            raise ProxyError(415, "send the body as it is, not compressed", "compressed_body")
        body = await read_body(scope, receive, limits)
        wish = read_wish(body, depth=limits.depth, suffixes=self._settings.suffixes)
        async with self._plans.of(wish) as guidance:
            if guidance is None:
                await self._guided.pass_on(exchange, body, wish)
            else:
                await self._guided.answer(exchange, body, wish, guidance)


class PassedRoute:
    """A path whose requests go through as they are."""

    def __init__(self, name: str, path: str, settings: ProxySettings, passing: Passing) -> None:
        self._name = name
        self._path = path
        self._limits = settings.limits
        self._passing = passing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        exchange = exchange_of(scope)
        exchange.route = self._name
        body = await read_body(scope, receive, self._limits)
        await self._passing.pass_on(exchange, self._path, body)


class ModelsRoute:
    """GET /v1/models: the upstream's, and those with a suffix that the server was told to list."""

    def __init__(self, settings: ProxySettings, upstream: Upstream, passing: Passing) -> None:
        self._listed = settings.listed
        self._limits = settings.limits
        self._upstream = upstream
        self._passing = passing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the models."""
        exchange = exchange_of(scope)
        exchange.route = "models"
        await read_body(scope, receive, self._limits)
        if not self._listed:
            await self._passing.pass_on(exchange, "/models", None)
            return
        headers = sent_headers(exchange, self._upstream) | {"accept-encoding": "identity"}
        with exchange.watched(), exchange.waiting():
            response = await self._upstream.send("GET", "/models", headers)
            body = await self._upstream.read(response)
        if response.status == 200:
            body = _with_suffixes(body, self._listed)
        await reply(send, response.status, body)


class ModelRoute:
    """GET /v1/models/NAME: the upstream's model, whatever guidance its name has behind it."""

    def __init__(self, settings: ProxySettings, passing: Passing) -> None:
        self._settings = settings
        self._passing = passing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the model."""
        exchange = exchange_of(scope)
        exchange.route = "models"
        await read_body(scope, receive, self._settings.limits)
        name = scope["path_params"]["name"]
        if self._settings.suffixes:
            name = name.partition("+")[0]
        await self._passing.pass_on(exchange, f"/models/{quote(name)}", None)


def _with_suffixes(body: bytes, suffixes: tuple[str, ...]) -> bytes:
    """Return a list of models with further ones after each."""
    try:
        listing = msgspec.json.decode(body, type=dict[str, Any])
        models = msgspec.convert(listing.get("data", []), list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProxyError(
            502, "the upstream's list of models cannot be read", "upstream_bad_answer"
        ) from None
    listing["data"] = [
        model | {"id": f"{model.get('id', '')}{suffix}"}
        for model in models
        for suffix in ("", *(f"+{name}" for name in suffixes))
    ]
    return msgspec.json.encode(listing)


class HealthRoute:
    """GET /health: 200 if the upstream answers, else 503."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer whether requests can be served."""
        exchange_of(scope).route = "health"
        ready = await self._upstream.is_ready()
        body = {"status": "ready" if ready else "the upstream does not answer"}
        await reply(send, 200 if ready else 503, msgspec.json.encode(body))


class MetricsRoute:
    """GET /metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with all figures."""
        exchange_of(scope).route = "metrics"
        await reply(send, 200, self._metrics.text(), [(b"content-type", CONTENT_TYPE)])


class OpenApiRoute:
    """GET /openapi.json."""

    def __init__(self) -> None:
        self._body = msgspec.json.encode(description())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the description of all routes."""
        exchange_of(scope).route = "openapi"
        await reply(send, 200, self._body, [JSON])


def not_there(exchange: Exchange, status: int, headers: dict[str, str] | None) -> ProxyError:
    """Return the error for a path or method that there is none of."""
    method = exchange.scope["method"]
    if status == 405:
        allowed = headers or {}
        return ProxyError(
            405, f"{method[:20]} is not possible here", "wrong_method", headers=allowed
        )
    return ProxyError(404, "there is nothing at this path; see /openapi.json", "wrong_path")
