"""The guidance plugins that come with cogtrace, registered as anybody's are."""

from __future__ import annotations

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import GuidanceKind


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the guidance plugins."""
    return []
