"""The proxy as an ASGI application, to be served or to be mounted in another one.

from cogtrace.server import ProxySettings, create_app

app = create_app(ProxySettings(upstream="http://127.0.0.1:8001/v1", with_=("restate",)))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from cogtrace.server.engine import UpstreamEngine
from cogtrace.server.exchange import exchange_of
from cogtrace.server.gate import Gate
from cogtrace.server.guided import Guided
from cogtrace.server.metrics import Metrics
from cogtrace.server.passing import Passing
from cogtrace.server.plans import Plans
from cogtrace.server.recorder import Recorder
from cogtrace.server.routes import (
    ChatRoute,
    HealthRoute,
    MetricsRoute,
    ModelRoute,
    ModelsRoute,
    OpenApiRoute,
    PassedRoute,
    not_there,
)
from cogtrace.server.settings import ProxySettings
from cogtrace.server.upstream import Upstream

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

    from cogtrace.plugins.manager import Extensions

_SHARE_EVERY: Final = 1.0  # seconds


def create_app(settings: ProxySettings, found: Extensions | None = None) -> Starlette:
    """Return the proxy; ``found`` are the plugins there are, by default those installed.

    Raises:
        OptionError: settings that are not safe, or that name unknown plugins or options.
        PluginError: a plugin that is broken.
    """
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware
    from starlette.routing import Route

    settings.require_safe()
    metrics = Metrics(settings.shared_metrics)
    upstream = Upstream(settings, metrics)
    engine = UpstreamEngine(upstream)
    plans = Plans(settings, engine, found)
    recorder = None
    if settings.record is not None:
        recorder = Recorder(settings.record, settings.record_bytes, metrics)
        recorder.make_folder()
    guided = Guided(settings, upstream, engine, plans, metrics, recorder)
    passing = Passing(upstream)

    async def refuse(request: Request, error: Exception) -> Any:
        assert isinstance(error, HTTPException)
        headers = None if error.headers is None else dict(error.headers)
        raise not_there(exchange_of(request.scope), error.status_code, headers)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await upstream.open()
        await plans.open()
        sharing = asyncio.create_task(_share(metrics)) if settings.shared_metrics else None
        try:
            yield
        finally:
            if sharing is not None:
                sharing.cancel()
                with suppress(asyncio.CancelledError):
                    await sharing
                metrics.share()
            await plans.close()
            await upstream.close()
            if recorder is not None:
                recorder.close()

    def passed(name: str) -> PassedRoute:
        return PassedRoute(name, f"/{name}", settings, passing)

    middleware = [Middleware(Gate, settings=settings, metrics=metrics)]
    if settings.origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["x-cogtrace-*"],
        )
        middleware.insert(0, cors)
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", ChatRoute(settings, plans, guided), methods=["POST"]),
            Route("/v1/completions", passed("completions"), methods=["POST"]),
            Route("/v1/embeddings", passed("embeddings"), methods=["POST"]),
            Route("/v1/models", ModelsRoute(settings, upstream, passing), methods=["GET"]),
            Route("/v1/models/{name:path}", ModelRoute(settings, passing), methods=["GET"]),
            Route("/health", HealthRoute(upstream), methods=["GET"]),
            Route("/metrics", MetricsRoute(metrics), methods=["GET"]),
            Route("/openapi.json", OpenApiRoute(), methods=["GET"]),
        ],
        middleware=middleware,
        exception_handlers={HTTPException: refuse},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # another path is another path
    return app


async def _share(metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(_SHARE_EVERY)
        metrics.share()
