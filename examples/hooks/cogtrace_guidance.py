"""Register a guidance plugin, with an option: a reminder that stands after each question."""

from __future__ import annotations

from typing import Any

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import GuidanceKind, Scaffold

OPTIONS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "text": {
            "description": "What to remind of.",
            "type": "string",
            "minLength": 1,
            "default": "Check the units before you answer.",
        }
    },
}


class Reminder:
    """Says the same to every task; asks no model."""

    def __init__(self, text: str) -> None:
        self._block = Scaffold(text=text, position="after")

    @hookimpl
    def cogtrace_scaffolds(self) -> Scaffold:
        """Return the reminder."""
        return self._block


def build(options: dict[str, Any]) -> Reminder:
    """Build the plugin from its options, which are checked and whole."""
    return Reminder(options["text"])


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the plugin."""
    return [
        GuidanceKind(
            name="reminder",
            summary="a reminder after each question",
            build=build,
            api_version=1,
            options=OPTIONS,
            raises=("verification",),
            calls=0,
        )
    ]
