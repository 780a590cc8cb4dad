"""Trying out a run without a model: prompts to read, calls to count."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cogtrace.engines import Request, Result
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.plugins.guidance import Sampling, Task
from cogtrace.plugins.pipeline.pipeline import Pipeline
from cogtrace.plugins.pipeline.plan import Plan
from cogtrace.plugins.pipeline.pooling import each
from cogtrace.plugins.pipeline.records import GuidanceRun
from cogtrace.records import Usage


async def rehearse(
    plan: Plan, tasks: Iterable[Task], sampling: Sampling, *, seed: int = 0, words: int = 0
) -> list[GuidanceRun]:
    """Return the records of tasks run with placeholders for all that a model would say.

    With ``words``, placeholders are so long; else they name the plugin that asks. Where an
    answer has to fit a schema, the smallest one that does stands for it.
    """

    def placeholder(request: Request) -> str | Result | None:
        if request.schema is not None:
            return None
        if words:
            return " ".join(["word"] * min(words, request.max_tokens))
        asker = request.key.rsplit("/", 2)[1]
        return f"⟦what the model answers to {asker}⟧"

    engine = ScriptedEngine.from_function(placeholder)
    found: dict[str, GuidanceRun] = {}
    order = []
    async with Pipeline(plan, engine, sampling=sampling, seed=seed) as pipeline:
        taken = []
        for number, task in enumerate(tasks):
            # Ids that nobody gave twice, whatever the input says.
            taken.append(msgspec.structs.replace(task, task_id=f"{number}:{task.task_id}"))
        order = [task.task_id for task in taken]
        async for task, run in each(taken, pipeline.run, pipeline.in_flight):
            found[task.task_id] = run
    return [found[name] for name in order]


def spent(runs: Iterable[GuidanceRun]) -> Usage:
    """Return what runs have cost, together."""
    from cogtrace.jobs.budget import added

    total = Usage()
    for run in runs:
        total = added(total, run.usage)
    return total
