"""Guidance plugins for tests of the proxy, as a package would register them."""

from __future__ import annotations

import asyncio
from importlib.metadata import EntryPoint
from typing import Any

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import (
    Candidate,
    Clarification,
    Event,
    GuidanceKind,
    Scaffold,
    TaskRun,
    Verdict,
)
from cogtrace.plugins.manager import Extensions, load

SECRET = "what-the-user-wrote"  # in the message of an exception
seen: list[Event] = []  # by the plugin "watch"
histories: list[Any] = []  # of the tasks that "say" saw


class _Plugin:
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options


class Say(_Plugin):
    """Asks the model once."""

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> str:
        histories.append(run.task.history)
        (reply,) = await run.ask(f"In your own words: {run.task.question}")
        return f"In other words: {reply.text}"


class Frame(_Plugin):
    """Places a block everywhere; a plain hook."""

    @hookimpl
    def cogtrace_scaffolds(self) -> list[Scaffold]:
        return [
            Scaffold(text="BEFORE"),
            Scaffold(text="AFTER", position="after"),
            Scaffold(text="SYSTEM", position="system"),
        ]


class Debate(_Plugin):
    """Solves in its own way."""

    @hookimpl
    async def cogtrace_solve(self, run: TaskRun) -> list[Candidate]:
        for_, against = await run.ask("Argue!", samples=2)
        text = f"{for_.text} {against.text} Answer: 7"
        return [Candidate(id="d", text=text, reasoning="hm")]


class Drop(_Plugin):
    """Drops what is bad."""

    @hookimpl
    def cogtrace_judge(self, candidates: tuple[Candidate, ...]) -> list[Verdict]:
        return [Verdict(candidate=c.id, verdict="drop") for c in candidates if "bad" in c.text]


class AskBack(_Plugin):
    """Asks which one is meant."""

    @hookimpl
    def cogtrace_clarify(self, run: TaskRun) -> Clarification | None:
        if "which" in run.task.question:
            return Clarification(question="Which one do you mean?")
        return None


class Broken(_Plugin):
    """Fails."""

    @hookimpl
    def cogtrace_scaffolds(self) -> None:
        raise RuntimeError(SECRET)


class Watch(_Plugin):
    """Sees all events."""

    @hookimpl
    def cogtrace_observe(self, event: Event) -> None:
        seen.append(event)


class Ponder(_Plugin):
    """Takes its time."""

    @hookimpl
    async def cogtrace_scaffolds(self) -> str:
        await asyncio.sleep(0.6)
        return "PONDERED"


_FILED = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "notes": {"type": "string", "description": "A file with notes.", "default": ""},
        "k": {"type": "integer", "minimum": 1, "default": 1},
    },
}
_BUILDS: dict[str, tuple[type[_Plugin], int]] = {
    "say": (Say, 1),
    "frame": (Frame, 0),
    "debate": (Debate, 2),
    "drop": (Drop, 0),
    "ask-back": (AskBack, 0),
    "broken": (Broken, 0),
    "watch": (Watch, 0),
    "ponder": (Ponder, 0),
    "greedy": (Say, 1_000),
    "filed": (Frame, 0),
}


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register them."""
    return [
        GuidanceKind(
            name=name,
            summary="for a test",
            build=build,
            api_version=1,
            calls=calls,
            options=_FILED if name == "filed" else {"type": "object"},
        )
        for name, (build, calls) in _BUILDS.items()
    ]


def found() -> Extensions:
    """Return them beside the built-ins."""
    return load([EntryPoint("proxy_plugins", "proxy_plugins", "cogtrace")])
