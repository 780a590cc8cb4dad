"""Voting: several answers are drawn, and the one given most often wins (self-consistency).

The vote itself is the pipeline's own (`cogtrace.plugins.voting.vote`); this plugin draws the
samples and says of what kind the answers are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from cogtrace.extensions import hookimpl
from cogtrace.grading import AnswerKind, extract_answer
from cogtrace.plugins.guidance import Candidate, Choice, GuidanceKind, Reply, TaskRun, Verdict
from cogtrace.plugins.prompting import load_options
from cogtrace.plugins.voting import vote


class Voter:
    """Chooses by vote among candidates that others give."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._kind: AnswerKind | None = None if options["kind"] == "auto" else options["kind"]

    @hookimpl
    def cogtrace_choose(
        self, candidates: tuple[Candidate, ...], verdicts: tuple[Verdict, ...]
    ) -> Choice | None:
        """Return the answer with the greatest sum of weights; of equals, the one given first.

        Without a kind of its own this is what the pipeline does itself, and left to it.
        """
        if self._kind is None:
            return None
        return vote(self.reread(candidates), verdicts, self._kind)

    def reread(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Return candidates with answers of the kind, where their texts tell them."""
        if self._kind not in ("choice", "json"):
            return list(candidates)
        return [
            msgspec.structs.replace(c, answer=answer or c.answer)
            for c in candidates
            for answer in [extract_answer(c.text, self._kind, cut=c.finish != "stop")]
        ]

    def candidates_of(self, replies: Iterable[Reply]) -> list[Candidate]:
        """Return what the model answered as candidates; the pipeline finds the short answers."""
        return [
            Candidate(
                id=f"s{number}",
                text=reply.text,
                reasoning=reply.reasoning,
                source=f"sample {number}",
                finish=reply.finish,
            )
            for number, reply in enumerate(replies, start=1)
        ]


class SamplingVoter(Voter):
    """Draws the candidates, too."""

    @hookimpl
    async def cogtrace_solve(self, run: TaskRun) -> list[Candidate]:
        """Return the samples."""
        replies = await run.ask(
            run.messages(),
            samples=self._options["samples"],
            temperature=self._options["temperature"],
        )
        return self.candidates_of(replies)


def build(options: dict[str, Any]) -> Voter:
    """Build the plugin."""
    return SamplingVoter(options) if options["samples"] else Voter(options)


def calls(options: dict[str, Any]) -> int:
    """Return how many calls per task the plugin makes."""
    return int(options["samples"])


KIND: Final = GuidanceKind(
    name="vote",
    summary="several answers, and the one given most often (self-consistency)",
    build=build,
    api_version=1,
    options=load_options(__package__),
    calls=calls,
    source="self-consistency, arXiv 2203.11171",
)
