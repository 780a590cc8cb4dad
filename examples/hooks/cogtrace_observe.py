"""Watch: log the calls whose replies were cut off."""

from __future__ import annotations

import logging
from typing import Any

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import Event, GuidanceKind, TaskRun

log = logging.getLogger(__name__)


class LogsCuts:
    """Changes nothing."""

    @hookimpl
    def cogtrace_observe(self, run: TaskRun, event: Event) -> None:
        """Log a call that ended at its limit of tokens."""
        if event.kind == "call" and event.value.finish_reason == "length":
            log.info("task %s: a reply to %s was cut off", run.task.task_id, event.plugin)


def build(options: dict[str, Any]) -> LogsCuts:
    """Build the plugin."""
    return LogsCuts()


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the plugin."""
    return [
        GuidanceKind(
            name="log-cuts", summary="logs replies cut off", build=build, api_version=1, calls=0
        )
    ]
