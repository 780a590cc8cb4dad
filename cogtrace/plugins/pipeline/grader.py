"""Short answers of one kind: found in texts, put to the vote, graded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from cogtrace.grading import AnswerKind, extract_answer, is_correct
from cogtrace.plugins.guidance import Candidate, Choice, Verdict
from cogtrace.plugins.voting import vote

T = TypeVar("T")


class Grader:
    """Finds and compares answers of one kind; None takes the first kind that fits."""

    def __init__(self, kind: AnswerKind | None = None) -> None:
        self.kind = kind

    async def apart(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns; mathematics may take seconds, and then goes in a thread."""
        return await asyncio.to_thread(work) if self.kind == "maths" else work()

    def filled(self, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
        """Return candidates; the short answers that they lack are looked for in their texts."""
        return tuple(
            c if c.answer is not None else msgspec.structs.replace(c, answer=self._found(c))
            for c in candidates
        )

    def _found(self, candidate: Candidate) -> str | None:
        return extract_answer(candidate.text, self.kind, cut=candidate.finish != "stop")

    def is_correct(self, answer: str | None, reference: str | None) -> bool | None:
        """Return whether an answer is the right one; None where nothing tells."""
        return is_correct(answer, reference, self.kind)

    def vote(self, candidates: Sequence[Candidate], verdicts: Iterable[Verdict]) -> Choice:
        """Return the answer with the most votes."""
        return vote(candidates, verdicts, self.kind)
