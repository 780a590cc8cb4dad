"""Short answers: found in a text, compared, voted on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from cogtrace.plugins.guidance import Candidate, Choice, Verdict


def extract(text: str) -> str | None:
    """Return the short answer that a text ends in, or None."""
    last = text.strip().rsplit("\n", 1)[-1].strip()
    return last if last and len(last) <= 200 else None


def same(one: str, other: str) -> bool:
    """Say whether two short answers are the same."""
    return one.strip().casefold() == other.strip().casefold()


def is_correct(answer: str | None, reference: str | None) -> bool | None:
    """Return whether an answer is the right one; None where nothing tells."""
    if reference is None:
        return None
    return answer is not None and same(answer, reference)


def vote(candidates: Sequence[Candidate], verdicts: Iterable[Verdict]) -> Choice:
    """Return the answer with the greatest sum of weights; of equals, the one given first.

    Candidates without an answer have no vote. Where none has one, the text of the weightiest
    candidate is the result.
    """
    weights = {candidate.id: 1.0 for candidate in candidates}
    for verdict in verdicts:
        if verdict.verdict == "weight" and verdict.candidate in weights:
            weights[verdict.candidate] *= verdict.weight
    groups: list[list[Candidate]] = []
    for candidate in candidates:
        if candidate.answer is None:
            continue
        alike = (g for g in groups if g[0].answer and same(candidate.answer, g[0].answer))
        group = next(alike, None)
        if group is None:
            groups.append([candidate])
        else:
            group.append(candidate)
    if not groups:
        best = max(candidates, key=lambda c: weights[c.id], default=None)
        return Choice(
            answer=None,
            candidate=best.id if best else None,
            reason="no candidate has an answer" if best else "no candidate was kept",
        )
    sums = [math.fsum(weights[c.id] for c in group) for group in groups]
    won = max(range(len(groups)), key=lambda n: sums[n])
    best = max(groups[won], key=lambda c: weights[c.id])
    reason = f"{sums[won]:g} of {math.fsum(sums):g} votes"
    return Choice(answer=best.answer, candidate=best.id, reason=reason)
