"""The default way to an answer: the most votes of candidates that say the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from cogtrace.grading import AnswerKind, alike, maths_note
from cogtrace.plugins.guidance import Candidate, Choice, Verdict

_MOST: Final = 1e300  # weights multiply; infinity times nothing would be no number


def vote(
    candidates: Sequence[Candidate],
    verdicts: Iterable[Verdict],
    kind: AnswerKind | None = None,
) -> Choice:
    """Return the answer with the greatest sum of weights; of equals, the one given first.

    Answers that are the same as answers of ``kind`` count together. The answer is taken
    from the weightiest candidate that gives it, of equals the first. Candidates without an
    answer have no vote; where none has one, the text of the weightiest candidate is the
    result.
    """
    weights = {candidate.id: 1.0 for candidate in candidates}
    for verdict in verdicts:
        if verdict.verdict == "weight" and verdict.candidate in weights:
            weights[verdict.candidate] = min(weights[verdict.candidate] * verdict.weight, _MOST)
    voters = [candidate for candidate in candidates if candidate.answer is not None]
    if not voters:
        best = max(candidates, key=lambda c: weights[c.id], default=None)
        return Choice(
            answer=None,
            candidate=best.id if best else None,
            reason=_without_answer(candidates) if best else "no candidate was kept",
        )
    groups = alike([candidate.answer or "" for candidate in voters], kind)
    sums = [math.fsum(weights[voters[place].id] for place in group) for group in groups]
    won = max(range(len(groups)), key=lambda n: sums[n])
    best = max((voters[place] for place in groups[won]), key=lambda c: weights[c.id])
    reason = f"{sums[won]:g} of {math.fsum(sums):g} votes"
    if kind == "maths" and (missing := maths_note()) is not None:
        reason += f"; {missing}"
    return Choice(answer=best.answer, candidate=best.id, reason=reason)


def _without_answer(candidates: Sequence[Candidate]) -> str:
    cut = sum(candidate.finish == "length" for candidate in candidates)
    more = f"; {cut} of {len(candidates)} were cut off, see max_tokens" if cut else ""
    return f"no candidate has an answer{more}"
