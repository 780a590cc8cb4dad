"""Step-back prompting: the model names the principle behind a task before it solves it."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any, Literal

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import BoundReached, GuidanceKind, Scaffold, TaskRun

Position = Literal["before", "after", "system"]
_TOKENS_PER_SENTENCE = 60


class StepBack:
    """Asks for the principle and places it beside the question."""

    def __init__(self, sentences: int, position: Position) -> None:
        self._prompt = _text("prompts/v1/principle.txt").replace("{sentences}", str(sentences))
        self._max_tokens = sentences * _TOKENS_PER_SENTENCE
        self._position = position

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold | None:
        """Return the principle that the model names; nothing if it names none."""
        context = f"{run.task.context}\n\n" if run.task.context else ""
        # The task comes last, so that all tasks share the beginning of their prompts.
        prompt = self._prompt + context + run.task.question
        try:
            (reply,) = await run.ask(prompt, temperature=0.0, max_tokens=self._max_tokens)
        except BoundReached:
            return None  # the task is solved without
        principle = reply.text.strip()
        if not principle or reply.finish == "length":
            return None  # half a principle may mean its opposite
        return Scaffold(text=f"A principle that applies:\n{principle}", position=self._position)


def build(options: dict[str, Any]) -> StepBack:
    """Build the plugin from its options."""
    return StepBack(options["sentences"], options["position"])


@functools.cache
def _text(name: str) -> str:
    return files("cogtrace_stepback").joinpath(name).read_text(encoding="utf-8")


KIND = GuidanceKind(
    name="stepback",
    summary="asks for the principle behind a task before it is solved",
    build=build,
    api_version=1,  # of the hooks that it is written for
    options=json.loads(_text("options.json")),
    raises=("conceptual-processing", "abstraction"),
    calls=1,
    source="Zheng et al., Take a Step Back (arXiv 2310.06117)",
)


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the plugin."""
    return [KIND]
