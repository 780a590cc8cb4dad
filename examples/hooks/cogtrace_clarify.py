"""Ask back: a question after a length that names no unit."""

from __future__ import annotations

import re
from typing import Any

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import Clarification, GuidanceKind, TaskRun

_ASKS = re.compile(r"\bhow (far|wide|high)\b", re.IGNORECASE)
_UNIT = re.compile(r"\b(mm|cm|m|km|metres?|feet|miles?)\b", re.IGNORECASE)


class AsksForUnits:
    """Stays silent unless the unit of the answer is open."""

    @hookimpl
    def cogtrace_clarify(self, run: TaskRun) -> Clarification | None:
        """Return the question back, or None."""
        text = f"{run.task.context or ''} {run.task.question}"
        if _ASKS.search(text) and not _UNIT.search(text):
            return Clarification(question="In which unit?", flaw="no unit")
        return None


def build(options: dict[str, Any]) -> AsksForUnits:
    """Build the plugin."""
    return AsksForUnits()


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the plugin."""
    return [
        GuidanceKind(
            name="units",
            summary="asks for the unit of a length",
            build=build,
            api_version=1,
            calls=0,
        )
    ]
