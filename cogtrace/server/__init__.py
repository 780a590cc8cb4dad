"""An OpenAI-compatible proxy that puts guidance between clients and a language model.

`cogtrace serve` runs it; `create_app` returns it as an ASGI application. See docs/proxy.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cogtrace.server.settings import Limits, ProxySettings

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from cogtrace.plugins.manager import Extensions

__all__ = ["Limits", "ProxySettings", "create_app"]


def create_app(settings: ProxySettings, found: Extensions | None = None) -> Starlette:
    """Return the proxy as an ASGI application; see `cogtrace.server.app.create_app`."""
    from cogtrace.server import app

    made: Any = app.create_app(settings, found)
    return made  # type: ignore[no-any-return]
