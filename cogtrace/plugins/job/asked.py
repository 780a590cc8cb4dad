"""What a guidance job is asked to do, and whether a folder is fit for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from cogtrace.engines import Engine, EngineInfo
from cogtrace.errors import JobError
from cogtrace.extensions import Watch
from cogtrace.grading import AnswerKind
from cogtrace.jobs.budget import Limits, Prices
from cogtrace.jobs.provenance import InputRef, Order, here, now
from cogtrace.plugins.guidance import Sampling
from cogtrace.plugins.job.differing import difference, edited_files
from cogtrace.plugins.job.folder import GuideFolder
from cogtrace.plugins.job.manifest import Manifest, read_manifest
from cogtrace.plugins.pipeline.plan import Plan
from cogtrace.plugins.pipeline.records import GuidanceRun, ModelRef, PlanStep
from cogtrace.plugins.pipeline.stages import Answers

PART_TASKS: Final = 1_024


class Turns(Protocol):
    """Keeps several jobs in step that run side by side on the same tasks."""

    async def begin(self, task_id: str) -> None:
        """Return when the task may begin."""

    def done(self, run: GuidanceRun) -> None:
        """Take note of a task that is done, in this run or in an earlier one of the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidePlan:
    """What a guidance job is to do."""

    folder: GuideFolder
    plan: Plan
    engine: Engine
    sampling: Sampling = field(default_factory=Sampling)
    answers: Answers | None = None
    answer_kind: AnswerKind | None = None  # as which short answers are compared
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    prices: Prices | None = None
    inputs: tuple[InputRef, ...] = ()
    limit: int | None = None  # rows to read, from the first one of the order
    resume: bool = False
    reuse: Path | None = None  # folder of another job; what went well there is taken over
    part_tasks: int = PART_TASKS
    order: Order = field(default_factory=Order)
    rows_in_input: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    watch: Watch | None = None
    turns: Turns | None = None


def require_fit(plan: GuidePlan) -> None:
    """Raise JobError if the folder is not fit for the job."""
    if not (plan.resume and plan.folder.is_job()):
        plan.folder.require_free()


def part_tasks(plan: GuidePlan) -> int:
    """Return how large parts are: as the job was begun, for what is kept of one goes by part."""
    if plan.folder.is_job():
        before = read_manifest(plan.folder).options.get("part_tasks")
        if isinstance(before, int) and before >= 1:
            return before
    return plan.part_tasks


def opened(plan: GuidePlan, info: EngineInfo) -> Manifest:
    """Return the manifest to work under: the one in the folder, or a new one."""
    options = {**plan.options, "part_tasks": part_tasks(plan)}
    manifest = Manifest(
        created=now(),
        updated=now(),
        inputs=plan.inputs,
        plan=tuple(msgspec.convert(step, PlanStep) for step in plan.plan.shown()),
        sampling=plan.sampling,
        model=ModelRef(engine=info.engine, model=info.model, version=info.version),
        answer_kind=plan.answer_kind,
        seed=plan.seed,
        options=options,
        order=plan.order,
        rows_in_input=plan.rows_in_input,
        platform=here(),
    )
    if not plan.folder.is_job():
        return manifest
    found = read_manifest(plan.folder)
    if edited := edited_files(found.plan, manifest.plan):
        raise JobError(
            f"{plan.folder.path}: {', '.join(edited)} is not what it was when the job was begun; "
            "resume with the same content, or choose another --out"
        )
    for what in ("plan", "sampling", "model", "answer_kind", "seed", "order"):
        before, wanted = getattr(found, what), getattr(manifest, what)
        if before != wanted:
            raise JobError(
                f"{plan.folder.path}: the job was begun with another {what} "
                f"({difference(before, wanted)}); resume with the same, or choose another --out"
            )
    if plan.limit is not None and plan.limit <= found.counts.rows:
        return found  # nothing more will be read under this limit
    return msgspec.structs.replace(
        found, options=options, rows_in_input=plan.rows_in_input or found.rows_in_input
    )


def provenance(manifest: Manifest) -> dict[str, Any]:
    """Return what each file says of its own origin."""
    return {
        "kind": manifest.kind,
        "format": manifest.format,
        "cogtrace": manifest.cogtrace,
        "model": msgspec.to_builtins(manifest.model),
        "plan": msgspec.to_builtins(manifest.plan),
        "sampling": msgspec.to_builtins(manifest.sampling),
    }
