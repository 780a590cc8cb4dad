"""Solve in a way of one's own: a draft, and a second version with the draft in view."""

from __future__ import annotations

from typing import Any

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import BoundReached, Candidate, GuidanceKind, Message, TaskRun

AGAIN = "Look at your solution again, correct what is wrong, and give the whole solution."


class TwoVersions:
    """Two calls to the model; both versions are candidates."""

    @hookimpl
    async def cogtrace_solve(self, run: TaskRun) -> list[Candidate]:
        """Return the draft and what became of it."""
        messages = list(run.messages())  # with the blocks of all plugins in their places
        found: list[Candidate] = []
        for source in ("draft", "second"):
            try:
                (reply,) = await run.ask(messages)
            except BoundReached:
                if not found:
                    raise  # there is nothing to go on with; the record says why
                break
            found.append(Candidate(id=source, text=reply.text, source=source, finish=reply.finish))
            messages += [
                Message(role="assistant", content=reply.text),
                Message(role="user", content=AGAIN),
            ]
        return found


def build(options: dict[str, Any]) -> TwoVersions:
    """Build the plugin."""
    return TwoVersions()


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the plugin."""
    return [
        GuidanceKind(
            name="two-versions", summary="a draft, corrected", build=build, api_version=1, calls=2
        )
    ]
