"""Guidance jobs for tests: rows of tasks, a plan of small plugins, a job run in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from guidance_kinds import answering, kind, user_text

from cogtrace.engines import Engine, Request
from cogtrace.plugins.guidance import GuidanceKind, TaskRun, Verdict
from cogtrace.plugins.job import GuideFolder, GuidePlan, Manifest, run_guide_job
from cogtrace.plugins.pipeline import make_plan
from cogtrace.records import Quarantined, SourceRow, Trace


def task_row(number: int, **fields: Any) -> SourceRow:
    """Return a row that asks for a sum, with the right answer."""
    given = {
        "trace_id": f"t{number}",
        "text": f"What is {number} + 1?",
        "reference_answer": str(number + 1),
    }
    return SourceRow(file="tasks.jsonl", line=number + 1, value=Trace(**given | fields))


def bad_row(number: int) -> SourceRow:
    """Return a row that is no task."""
    value = Quarantined.of("tasks.jsonl", number + 1, "bad-json", "no JSON", None, "{")
    return SourceRow(file="tasks.jsonl", line=number + 1, value=value)


def adds(request: Request) -> str:
    """Answer a sum; anything else gets a few words."""
    last = user_text(request).rsplit("What is ", 1)[-1]
    first = last.split(" ", 1)[0]
    return f"Answer: {int(first) + 1}" if first.isdecimal() else "Some words."


async def _restated(run: TaskRun) -> str:
    (reply,) = await run.ask(f"In your own words ({run.task.task_id}), please.")
    return f"Perhaps: {reply.text}"


async def _checked(run: TaskRun, candidates: Sequence[Any]) -> list[Verdict]:
    await asyncio.gather(*(run.ask(f"Is {c.id} of {run.task.task_id} right?") for c in candidates))
    return [Verdict(candidate=c.id, reason="checked") for c in candidates]


PLUGINS = (kind("restate", scaffolds=_restated), kind("check", judge=_checked))
CALLS = 3  # per task, with both of them


def run_job(
    folder: Path,
    rows: Iterable[SourceRow],
    *,
    engine: Engine | None = None,
    plugins: Sequence[GuidanceKind] = PLUGINS,
    **more: Any,
) -> Manifest:
    """Run a job, or go on with one."""
    plan = GuidePlan(
        folder=GuideFolder(folder),
        plan=make_plan(plugins),
        engine=engine or answering(adds),
        resume=True,
        **{"part_tasks": 8, **more},
    )
    return run_guide_job(plan, rows)
