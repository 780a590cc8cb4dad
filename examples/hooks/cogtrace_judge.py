"""Judge candidates: where a number is asked for, drop the answers that hold none."""

from __future__ import annotations

from typing import Any

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import Candidate, GuidanceKind, TaskRun, Verdict


class NumbersOnly:
    """Asks no model."""

    @hookimpl
    def cogtrace_judge(
        self, run: TaskRun, candidates: tuple[Candidate, ...]
    ) -> list[Verdict] | None:
        """Return a verdict for each candidate that is out."""
        if "how many" not in run.task.question.lower():
            return None
        return [
            Verdict(candidate=candidate.id, verdict="drop", reason="holds no number")
            for candidate in candidates
            if not any(letter.isdigit() for letter in candidate.answer or "")
        ]


def build(options: dict[str, Any]) -> NumbersOnly:
    """Build the plugin."""
    return NumbersOnly()


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the plugin."""
    return [
        GuidanceKind(
            name="numbers",
            summary="a number where one is asked",
            build=build,
            api_version=1,
            calls=0,
        )
    ]
