"""A unit of work: one question about one trace, over all its windows and votes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cogtrace.annotator.llm.anchoring import to_annotation
from cogtrace.annotator.llm.asking import Answer, Asker
from cogtrace.annotator.llm.layout import Sheet
from cogtrace.annotator.llm.merging import merge_votes, merge_windows
from cogtrace.annotator.llm.model import LlmOptions, Problem, Question, Ranges
from cogtrace.annotator.llm.store import Outcome, Unit, without_quotes
from cogtrace.jobs.budget import added
from cogtrace.records import ElementAnnotation, Unanswered, Usage


async def ask_unit(
    asker: Asker,
    unit: Unit,
    question: Question,
    sheets: Sequence[Sheet],
    ranges: Ranges,
    options: LlmOptions,
    source: str,
) -> tuple[Outcome, bool]:
    """Return what came of a unit, and whether to keep it.

    What failed before the model answered is not to be kept: it may work another time.

    Raises:
        Halted: the job is to stop.
    """
    rows = await _answers(asker, unit, question, sheets, options.votes)
    # by_sheet[w][v]: the answers of vote v about sheet w, several if it had to be split
    by_sheet = [rows[at : at + options.votes] for at in range(0, len(rows), options.votes)]
    text = sheets[0].trace.text
    results = [
        _element(text, ranges, element.id, by_sheet, options.votes, source)
        for element in question.elements
    ]
    flat = [answer for row in rows for answer in row]
    outcome = Outcome(
        elements=without_quotes([r for r in results if isinstance(r, ElementAnnotation)]),
        unanswered=_grouped([r for r in results if isinstance(r, Unanswered)]),
        usage=_sum(flat),
        tally=_tally(flat, sheets),
    )
    return outcome, not any(answer.passing for answer in flat)


async def _answers(
    asker: Asker, unit: Unit, question: Question, sheets: Sequence[Sheet], votes: int
) -> list[list[Answer]]:
    """Return the answers of each vote about each sheet, sheet by sheet."""
    name = unit.key.hex()
    if votes == len(sheets) == 1:  # what nearly all are; spares a task
        return [await asker.ask(question, sheets[0], f"{name}/0/0")]
    found = await asyncio.gather(
        *(
            asker.ask(question, sheet, f"{name}/{number}/{vote}")
            for number, sheet in enumerate(sheets)
            for vote in range(votes)
        ),
        return_exceptions=True,
    )
    rows = []
    for answers in found:
        if isinstance(answers, BaseException):
            raise answers
        rows.append(answers)
    return rows


def _element(
    text: str,
    ranges: Ranges,
    element: str,
    by_sheet: list[list[list[Answer]]],
    votes: int,
    source: str,
) -> ElementAnnotation | Unanswered:
    """Return what the answers say of one element; all windows must have said something."""
    windows = []
    for sheet in by_sheet:
        voted = [_vote(text, ranges, element, answers, source) for answers in sheet]
        good = [entry for entry in voted if isinstance(entry, ElementAnnotation)]
        if 2 * len(good) <= votes:
            return next(entry for entry in voted if isinstance(entry, Unanswered))
        windows.append(merge_votes(text, ranges, good) if votes > 1 else good[0])
    return merge_windows(text, windows) if len(windows) > 1 else windows[0]


def _vote(
    text: str, ranges: Ranges, element: str, answers: list[Answer], source: str
) -> ElementAnnotation | Unanswered:
    """Return what one vote says of an element, over the pieces of a window."""
    pieces = []
    for answer in answers:
        problem: Problem | None = answer.reading.problems.get(element)
        if problem is not None:
            return Unanswered(
                elements=(element,),
                reason=problem.code,
                message=problem.message,
                raw=_storable(answer.raw),
            )
        verdict = answer.reading.verdicts[element]
        pieces.append(to_annotation(text, ranges, element, verdict, source))
    return merge_windows(text, pieces) if len(pieces) > 1 else pieces[0]


def _storable(raw: str | None) -> str | None:
    """Return an answer with half a surrogate pair, which UTF-8 cannot hold, made visible."""
    return None if raw is None else raw.encode("utf-8", "backslashreplace").decode("utf-8")


def _grouped(lost: list[Unanswered]) -> tuple[Unanswered, ...]:
    """Put elements that failed for the same reason, in the same answer, into one row."""
    groups: dict[tuple[str, str, str | None], list[str]] = {}
    for row in lost:
        groups.setdefault((row.reason, row.message, row.raw), []).extend(row.elements)
    return tuple(
        Unanswered(elements=tuple(names), reason=reason, message=message, raw=raw)
        for (reason, message, raw), names in groups.items()
    )


def _sum(answers: list[Answer]) -> Usage:
    usage = Usage()
    for answer in answers:
        usage = added(usage, answer.usage)
    return usage


def _tally(answers: list[Answer], sheets: Sequence[Sheet]) -> dict[str, int]:
    counts = {
        "questions": 1,
        "repairs": sum(answer.repairs for answer in answers),
        "windows": len(sheets),
        "look-alikes": sum(sheet.neutralised for sheet in sheets),
    }
    return {name: count for name, count in counts.items() if count}
