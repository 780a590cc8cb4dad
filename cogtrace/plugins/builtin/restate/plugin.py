"""Restating: the model says the problem in its own words before it solves it.

After MetaLadder (arXiv 2503.14891), whose largest loss came from leaving the restating out.
The original stands last and verbatim, as the pipeline sees to.
"""

from __future__ import annotations

from typing import Any, Final

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import GuidanceKind, Scaffold, TaskRun
from cogtrace.plugins.prompting import Prompts, conversation, fenced, load_options, usable


class Restate:
    """Asks for a restatement and places it before the question."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._prompts = Prompts(__package__)

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold | None:
        """Return the restatement; None if the model's reply is of no use."""
        question = self._prompts.fill("ask", problem=fenced(run), words=self._options["words"])
        (reply,) = await run.ask(
            conversation(run, self._prompts.fill("system"), question),
            temperature=self._options["temperature"],
            max_tokens=self._options["reply_tokens"],
        )
        restatement = usable(reply)
        if restatement is None:
            return None
        return Scaffold(text=self._prompts.fill("block", restatement=restatement))


def build(options: dict[str, Any]) -> Restate:
    """Build the plugin."""
    return Restate(options)


KIND: Final = GuidanceKind(
    name="restate",
    summary="the model puts the problem into its own words before it solves it",
    build=build,
    api_version=1,
    options=load_options(__package__),
    raises=("representational-restructuring", "goal-management", "selective-attention"),
    calls=1,
    source="MetaLadder, arXiv 2503.14891: the restating of its sequence alone, as a prompt",
)
