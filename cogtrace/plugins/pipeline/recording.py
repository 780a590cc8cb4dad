"""From what has happened to a task to its record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from cogtrace.plugins.pipeline.course import Course
from cogtrace.plugins.pipeline.grader import Grader
from cogtrace.plugins.pipeline.records import (
    CandidateRecord,
    ChoiceRecord,
    GuidanceRun,
    ModelRef,
    Outcome,
    PlacedScaffold,
    PlanStep,
    VerdictRecord,
)


def recorded(
    course: Course,
    plan: Sequence[dict[str, Any]],
    model: ModelRef | None,
    reference_answer: str | None,
    grader: Grader,
) -> GuidanceRun:
    """Return the record of a task that has ended."""
    task = course.task
    outcome = _outcome(course)
    answer = course.choice[1].answer if course.choice and outcome == "answered" else None
    graded = outcome in ("answered", "unanswered")
    return GuidanceRun(
        task_id=task.task_id,
        question=task.question,
        problem_type=task.problem_type,
        context=task.context,
        outcome=outcome,
        answer=answer,
        reference_answer=reference_answer,
        correct=grader.is_correct(answer, reference_answer) if graded else None,
        model=model,
        sampling=course.sampling,
        plan=tuple(msgspec.convert(step, PlanStep) for step in plan),
        clarification=course.asked_back,
        scaffolds=tuple(
            PlacedScaffold(plugin=plugin, position=block.position, text=block.text)
            for plugin, block in course.scaffolds
        ),
        calls=tuple(course.calls),
        candidates=tuple(
            CandidateRecord(
                id=c.id,
                text=c.text,
                answer=c.answer,
                plugin=course.makers[c.id],
                reasoning=c.reasoning,
                confidence=c.confidence,
                source=c.source,
                finish=c.finish,
                correct=grader.is_correct(c.answer, reference_answer),
            )
            for c in course.candidates
        ),
        verdicts=tuple(
            VerdictRecord(
                plugin=plugin,
                candidate=v.candidate,
                verdict=v.verdict,
                weight=v.weight,
                reason=v.reason,
            )
            for plugin, v in course.verdicts
        ),
        choice=None
        if course.choice is None
        else ChoiceRecord(
            plugin=course.choice[0],
            candidate=course.choice[1].candidate,
            reason=course.choice[1].reason,
        ),
        usage_by_plugin=dict(course.usage),
        errors=tuple(course.errors),
        seconds=round(time.monotonic() - course.began, 4),
        meta=task.meta,
    )


def _outcome(course: Course) -> Outcome:
    if any(error.kind != "observer" for error in course.errors):
        return "failed"
    if course.asked_back is not None and course.asked_back.answer is None:
        return "clarification"
    if course.choice is None or course.choice[1].answer is None:
        return "unanswered"
    return "answered"
