"""Clarifying: asking back where a task lacks something, means several things or cannot be done.

The four flaws, and asking freely or always, are those of "Hidden in Plain Sight" (arXiv
2506.00258), which studies tasks about images; one examination of the text before solving,
with evidence, is our own form of it.
"""

from __future__ import annotations

from typing import Any, Final

from cogtrace.extensions import hookimpl
from cogtrace.plugins.builtin.clarify.examining import Finding, read, schema, stands_in
from cogtrace.plugins.guidance import Clarification, GuidanceKind, Scaffold, TaskRun
from cogtrace.plugins.prompting import Prompts, conversation, fenced, load_options


class Clarify:
    """Examines a task in one call and asks back if it has a flaw."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._prompts = Prompts(__package__)
        self._cautious = options["persona"] == "cautious"

    @hookimpl
    async def cogtrace_clarify(self, run: TaskRun) -> Clarification | None:
        """Return the question back; None where the task is sound as far as can be told."""
        found = await self._examine(run)
        if self._options["mode"] == "forced":
            question = found.question if found is not None else ""
            return Clarification(
                question=question or self._prompts.fill("fallback"),
                flaw=found.flaw if found is not None else None,
            )
        if found is None or found.flaw is None or not found.question:
            return None
        if self._options["grounded"] and not _is_grounded(run, found):
            return None
        return Clarification(question=found.question, flaw=found.flaw)

    async def _examine(self, run: TaskRun) -> Finding | None:
        persona = self._prompts.fill("cautious") if self._cautious else ""
        (reply,) = await run.ask(
            conversation(
                run,
                self._prompts.fill("system", persona=persona),
                self._prompts.fill(
                    f"ask_{self._options['mode']}", problem=fenced(run, name="task")
                ),
            ),
            temperature=self._options["temperature"],
            max_tokens=self._options["reply_tokens"],
            schema=schema(),
        )
        return read(reply.text) if reply.finish == "stop" else None


class CautiousClarify(Clarify):
    """Tells the solver to be cautious, too."""

    @hookimpl
    def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold:
        """Return the persona."""
        return Scaffold(text=self._prompts.fill("solver"), position="system")


def _is_grounded(run: TaskRun, found: Finding) -> bool:
    task = run.task
    text = "\n".join([task.context or "", task.question, *(m.content for m in task.history)])
    return any(stands_in(quote, text) for quote in found.quotes)


def build(options: dict[str, Any]) -> Clarify:
    """Build the plugin."""
    return CautiousClarify(options) if options["persona"] == "cautious" else Clarify(options)


KIND: Final = GuidanceKind(
    name="clarify",
    summary="asks back where a task lacks something, is ambiguous, contradictory or infeasible",
    build=build,
    api_version=1,
    options=load_options(__package__),
    raises=("self-awareness", "context-awareness", "evaluation"),
    calls=1,
    source="Hidden in Plain Sight, arXiv 2506.00258: the flaws, free and forced asking, persona",
)
