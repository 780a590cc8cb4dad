"""How an engine is registered by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cogtrace.engines.base import Engine, EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineKind:
    """An engine as it is registered. ``build`` must be importable by name."""

    name: str
    summary: str  # one line, for lists
    build: Callable[[EngineSettings], Engine]
    extra: str | None = None  # extra of cogtrace to install, e.g. "llm"
