"""Choose the answer: the one of the most confident candidate, where any says how sure it is."""

from __future__ import annotations

from typing import Any

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import Candidate, Choice, GuidanceKind


class MostConfident:
    """Leaves it to the vote where no candidate has a confidence."""

    @hookimpl
    def cogtrace_choose(self, candidates: tuple[Candidate, ...]) -> Choice | None:
        """Return the choice, or None."""
        sure = [c for c in candidates if c.confidence is not None and c.answer is not None]
        if not sure:
            return None
        best = max(sure, key=lambda c: c.confidence or 0.0)
        return Choice(answer=best.answer, candidate=best.id, reason=f"{best.confidence:.2f} sure")


def build(options: dict[str, Any]) -> MostConfident:
    """Build the plugin."""
    return MostConfident()


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the plugin."""
    return [
        GuidanceKind(
            name="surest", summary="the most confident answer", build=build, api_version=1, calls=0
        )
    ]
