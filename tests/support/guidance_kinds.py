"""Small guidance plugins, made for a test, and an engine that answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cogtrace.engines import Request, Result
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import GuidanceKind

CALLS = 8  # that a plugin of `kind` may make per task


def plugin(**hooks: Callable[..., Any]) -> object:
    """Return an object with hooks given as functions: ``scaffolds=lambda run: "..."``."""
    members = {
        f"cogtrace_{name}": staticmethod(hookimpl(function)) for name, function in hooks.items()
    }
    return type("Plugin", (), members)()


def kind(
    name: str, *, calls: int = CALLS, options: Mapping[str, Any] | None = None, **hooks: Any
) -> GuidanceKind:
    """Return a guidance plugin with the hooks given; it need not be importable by name."""
    return GuidanceKind(
        name=name,
        summary="for a test",
        build=lambda _: plugin(**hooks),
        api_version=1,
        calls=calls,
        options=dict(options or {"type": "object"}),
    )


def answering(
    answer: str | Callable[[Request], str | Result | None] = "Answer: 41",
) -> ScriptedEngine:
    """Return an engine that says the same to everybody, or what a function says."""
    if callable(answer):
        return ScriptedEngine.from_function(answer)
    return ScriptedEngine.from_function(lambda _: answer)


def user_text(request: Request) -> str:
    """Return the last message of a request."""
    return request.messages[-1].content
