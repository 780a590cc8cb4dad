"""Running the arms of an experiment side by side, from the beginning or from where they stopped."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import msgspec

from cogtrace.engines import Engine, EngineInfo
from cogtrace.errors import JobStopped
from cogtrace.experiments.arms import ArmSpec
from cogtrace.experiments.control import ControlSpec
from cogtrace.experiments.folder import ExperimentFolder
from cogtrace.experiments.lockstep import FEWEST_AHEAD, Lockstep, SharedEngine
from cogtrace.experiments.outcomes import read_arm
from cogtrace.extensions import Watch
from cogtrace.grading import AnswerKind
from cogtrace.jobs.budget import Limits, Prices
from cogtrace.jobs.loop import new_loop
from cogtrace.jobs.ordering import ShuffledRows
from cogtrace.jobs.provenance import InputRef, Order
from cogtrace.plugins.guidance import Sampling
from cogtrace.plugins.job import GuideFolder, GuidePlan, Manifest, guide_job
from cogtrace.plugins.job.manifest import read_manifest
from cogtrace.plugins.pipeline import Plan
from cogtrace.plugins.pipeline.stages import Answers
from cogtrace.records import SourceRow, Trace, Usage

_COLLECT_EVERY: Final = 50_000  # as in guidance jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPlan:
    """What an experiment is to do."""

    folder: ExperimentFolder
    arms: Sequence[ArmSpec]
    controls: Sequence[ControlSpec]
    engine: Engine
    sampling: Sampling = field(default_factory=Sampling)
    answers: Answers | None = None
    answer_kind: AnswerKind | None = None
    seed: int = 0
    limits: Limits = field(default_factory=Limits)  # of all arms together
    prices: Prices | None = None
    inputs: tuple[InputRef, ...] = ()
    limit: int | None = None
    part_tasks: int = 1_024
    options: dict[str, Any] = field(default_factory=dict)
    watch: Watch | None = None

    @property
    def specs(self) -> list[ArmSpec | ControlSpec]:
        """All arms, those that control for cost last."""
        return [*self.arms, *self.controls]


def run_arms(plan: ExperimentPlan, rows: ShuffledRows) -> dict[str, Manifest]:
    """Carry the tasks of ``rows`` through every arm; return the arms' manifests by name.

    Each arm is a guidance job of its own in the experiment's folder; all share one engine
    and one event loop, and none gets far ahead. What was done before is not done again.

    Raises:
        JobError: a folder is not fit for its arm.
        JobStopped: it could not go on; it can be resumed.
    """
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_EVERY, *before[1:])
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(_run(plan, rows))
    finally:
        gc.set_threshold(*before)


def repeated(rows: Iterable[SourceRow], times: int) -> Iterator[SourceRow]:
    """Yield each row so many times, under ids of their own; runs of a question are a cluster."""
    for row in rows:
        if times == 1 or not isinstance(row.value, Trace):
            yield row
            continue
        for number in range(1, times + 1):
            again = msgspec.structs.replace(row.value, trace_id=f"{row.value.trace_id}#{number}")
            yield SourceRow(file=row.file, line=row.line, value=again)


def places_of(rows: Iterable[SourceRow]) -> dict[str, int]:
    """Return the place of each task in the order of the rows."""
    places: dict[str, int] = {}
    for row in rows:
        if isinstance(row.value, Trace):
            places.setdefault(row.value.trace_id, len(places))
    return places


async def _run(plan: ExperimentPlan, rows: ShuffledRows) -> dict[str, Manifest]:
    names = [arm.name for arm in plan.specs]
    lockstep = Lockstep(places_of(islice(rows, plan.limit)), names)

    def started(info: EngineInfo) -> None:
        lockstep.ahead = max(FEWEST_AHEAD, info.concurrency)

    engine = SharedEngine(
        plan.engine, len(names), limits=plan.limits, prices=plan.prices, started=started
    )
    _recall(plan, lockstep, engine)
    watch = _Watch(plan.watch, engine)
    tasks: dict[str, asyncio.Task[Manifest]] = {}
    try:
        with _one_error():
            async with asyncio.TaskGroup() as group:
                for spec in plan.specs:
                    job = _job(plan, spec, engine, lockstep, watch, len(rows))
                    tasks[spec.name] = group.create_task(_arm(job, rows, lockstep, spec.name))
    finally:
        await engine.finish()
    return {name: task.result() for name, task in tasks.items()}


async def _arm(job: GuidePlan, rows: ShuffledRows, lockstep: Lockstep, name: str) -> Manifest:
    manifest = await guide_job(job, rows)
    lockstep.ended(name)
    return manifest


def _job(
    plan: ExperimentPlan,
    spec: ArmSpec | ControlSpec,
    engine: SharedEngine,
    lockstep: Lockstep,
    watch: _Watch,
    total: int,
) -> GuidePlan:
    return GuidePlan(
        folder=GuideFolder(plan.folder.arm(spec.folder)),
        plan=_plan(spec, lockstep.spent),
        engine=engine,
        sampling=plan.sampling,
        answers=plan.answers,
        answer_kind=plan.answer_kind,
        seed=plan.seed,
        prices=plan.prices,
        inputs=plan.inputs,
        limit=plan.limit,
        resume=True,
        part_tasks=plan.part_tasks,
        order=Order(kind="random", seed=plan.seed),
        rows_in_input=total,
        options=plan.options,
        watch=watch.of(spec.name),
        turns=lockstep.turns(spec.name, spec.like if isinstance(spec, ControlSpec) else ()),
    )


def _plan(spec: ArmSpec | ControlSpec, spent: Mapping[str, Mapping[str, int]]) -> Plan:
    return spec.plan(spent) if isinstance(spec, ControlSpec) else spec.plan


def _recall(plan: ExperimentPlan, lockstep: Lockstep, engine: SharedEngine) -> None:
    """Take note of what earlier runs of the arms did and spent."""
    for spec in plan.specs:
        folder = GuideFolder(plan.folder.arm(spec.folder))
        if not folder.is_job():
            continue
        engine.spent(spec.name, read_manifest(folder).usage)
        frame = read_arm(spec.name, folder.path).frame
        for task_id, tokens in frame.select("task_id", "tokens").iter_rows():
            lockstep.known(spec.name, task_id, tokens)


class _Watch:
    """Adds up what the arms tell."""

    def __init__(self, watch: Watch | None, engine: SharedEngine) -> None:
        self._watch = watch
        self._engine = engine
        self._done: dict[str, int] = {}

    def of(self, arm: str) -> Watch:
        return _ArmWatch(self, arm)

    def stop_reason(self) -> str | None:
        return self._watch.stop_reason() if self._watch is not None else None

    def progressed(self, arm: str, tasks: int, usage: Usage) -> None:
        self._engine.spent(arm, usage)
        self._done[arm] = tasks
        if self._watch is not None:
            done = sum(self._done.values())
            self._watch.progressed(done, self._engine.usage, self._engine.cost)


class _ArmWatch:
    def __init__(self, watch: _Watch, arm: str) -> None:
        self._watch, self._arm = watch, arm

    def stop_reason(self) -> str | None:
        return self._watch.stop_reason()

    def progressed(self, traces: int, usage: Usage, cost: float | None) -> None:
        self._watch.progressed(self._arm, traces, usage)


@contextmanager
def _one_error() -> Iterator[None]:
    """Raise what ended one of several jobs, as if it had been the only one."""
    try:
        yield
    except BaseExceptionGroup as group:
        errors = list(_flat(group))
        stopped = next((error for error in errors if isinstance(error, JobStopped)), None)
        raise (stopped or errors[0]) from group


def _flat(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error)
        else:
            yield error
