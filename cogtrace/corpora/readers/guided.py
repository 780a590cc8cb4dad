"""Reading the records of `cogtrace guide` as traces: one per candidate of each task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cogtrace.corpora.readers.raw import RawRow
from cogtrace.errors import InputError, JobError
from cogtrace.plugins.pipeline.records import CandidateRecord, GuidanceRun


def guided_rows(path: str) -> Iterator[RawRow]:
    """Yield a row for each candidate; tasks without one have none.

    Raises:
        InputError: the folder is that of no guidance job, or damaged.
    """
    from cogtrace.plugins.job import RunReader

    try:
        line = 0
        for run in RunReader(path).runs():
            for candidate in run.candidates:
                line += 1
                yield RawRow(line, _row(run, candidate))
    except JobError as error:
        raise InputError(f"{path}: {error}") from error


def _row(run: GuidanceRun, candidate: CandidateRecord) -> dict[str, Any]:
    """Return a candidate as a trace: what the model thought, then what it said."""
    thought = candidate.reasoning or ""
    text = "\n\n".join(part for part in (thought, candidate.text) if part.strip())
    chosen = run.choice is not None and run.choice.candidate == candidate.id
    return {
        "trace_id": f"{run.task_id}/{candidate.id}",
        "text": text,
        "question": run.question,
        "model": None if run.model is None else run.model.model,
        "task": run.meta.get("task"),
        "problem_type": run.problem_type,
        "correct": candidate.correct,
        "answer": candidate.answer,
        "reference_answer": run.reference_answer,
        "meta": {
            "plan": ",".join(step.plugin for step in run.plan),
            "task_id": run.task_id,
            "candidate": candidate.id,
            "source": candidate.source,
            "chosen": chosen,
            "outcome": run.outcome,
        },
    }
