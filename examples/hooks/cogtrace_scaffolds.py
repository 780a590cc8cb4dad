"""Place a block of text: what the model itself says is given and asked."""

from __future__ import annotations

from typing import Any

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import BoundReached, GuidanceKind, Scaffold, TaskRun

PROMPT = "Do not solve this yet. Say in two lines what is given and what is asked.\n\n"


class GivenAndAsked:
    """One call to the model for each task."""

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold | None:
        """Return the block; None where there is nothing to place."""
        try:
            (reply,) = await run.ask(PROMPT + run.task.question, max_tokens=200)
        except BoundReached:
            return None
        return Scaffold(text=reply.text) if reply.finish == "stop" else None


def build(options: dict[str, Any]) -> GivenAndAsked:
    """Build the plugin."""
    return GivenAndAsked()


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the plugin."""
    return [
        GuidanceKind(
            name="given", summary="what is given and what is asked", build=build, api_version=1
        )
    ]
