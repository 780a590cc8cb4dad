"""What an extension registers: engines and annotators by name, and the hook marker.

A package extends cogtrace by an entry point in the group ``cogtrace`` whose object
implements hooks of `cogtrace.plugins.hookspecs`::

    from cogtrace.extensions import EngineKind, hookimpl

    @hookimpl
    def cogtrace_engines():
        return [EngineKind(name="mine", summary="my own server", build=MyEngine)]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import pluggy

from cogtrace.engines.base import EngineSettings
from cogtrace.engines.kinds import EngineKind
from cogtrace.records import Annotator, Usage
from cogtrace.taxonomy import Taxonomy

__all__ = ["GROUP", "AnnotatorKind", "AnnotatorSetup", "EngineKind", "Watch", "hookimpl"]

GROUP: Final = "cogtrace"
hookimpl = pluggy.HookimplMarker(GROUP)


class Watch(Protocol):
    """Who waits for a job: may ask it to stop, and is told how far it is."""

    def stop_reason(self) -> str | None:
        """Return why to stop as soon as possible, or None to go on."""

    def progressed(self, traces: int, usage: Usage, cost: float | None) -> None:
        """Take note: traces finished in this run, and what the whole job has cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorSetup:
    """What an annotator is built from. Can be pickled, for worker processes."""

    taxonomy: Taxonomy
    uncut: Taxonomy | None = None  # where ``taxonomy`` is only some elements of another one
    folder: Path | None = None  # of the job; None outside a job
    engine: EngineKind | None = None
    engine_settings: EngineSettings = field(default_factory=EngineSettings)
    options: dict[str, Any] = field(default_factory=dict)  # the annotator's own
    watch: Watch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorKind:
    """An annotator as it is registered. ``build`` must be importable by name."""

    name: str
    summary: str
    build: Callable[[AnnotatorSetup], Annotator]
    needs_engine: bool = False
