"""Running a guidance job, from its first task or from where it stopped."""

from __future__ import annotations

import asyncio
import gc
import math
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from typing import Any, Final, TypeVar

import msgspec

from cogtrace.engines import EngineInfo
from cogtrace.errors import JobStopped, Stopped
from cogtrace.jobs.batches import Intake, batches
from cogtrace.jobs.budget import Meter, added
from cogtrace.jobs.files import truncate
from cogtrace.jobs.loop import new_loop
from cogtrace.jobs.provenance import Status
from cogtrace.jobs.resuming import explaining, skip_done
from cogtrace.plugins.job.asked import (
    GuidePlan,
    opened,
    part_tasks,
    provenance,
    require_fit,
)
from cogtrace.plugins.job.folder import PENDING, RUNS
from cogtrace.plugins.job.ledger import Entry, Ledger
from cogtrace.plugins.job.manifest import Manifest
from cogtrace.plugins.job.parts import Parts, Todo, commit
from cogtrace.plugins.job.pending import sync_and_close
from cogtrace.plugins.job.reading import RunReader
from cogtrace.plugins.job.reusing import Reused
from cogtrace.plugins.pipeline.course import usage_of
from cogtrace.plugins.pipeline.pipeline import Pipeline
from cogtrace.plugins.pipeline.pooling import each
from cogtrace.plugins.pipeline.records import GuidanceRun
from cogtrace.records import SourceRow, Usage

_WATCH_S: Final = 0.2  # how often to look whether to stop
_SYNC_S: Final = 1.0  # how often the disk is made to take what was written
T = TypeVar("T")
# Objects made before Python looks for cycles among them; with thousands of tasks in
# flight, all of them alive, looking every 700 objects would take a fifth of the time.
_COLLECT_EVERY: Final = 50_000


def run_guide_job(plan: GuidePlan, rows: Iterable[SourceRow]) -> Manifest:
    """Carry the tasks of ``rows`` through a plan, into its folder; return the manifest.

    ``rows`` are all rows of the input, also when a job is resumed: those already dealt
    with are recognised and skipped.

    Raises:
        JobError: the folder is not fit for the job; nothing was touched.
        JobLocked: another process works in the folder.
        JobStopped: the job could not go on (a full disk, a spent budget, an engine that is
            gone); it can be resumed.
        KeyboardInterrupt: passed on after the manifest says "interrupted".
    """
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_EVERY, *before[1:])
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(guide_job(plan, rows))
    finally:
        gc.set_threshold(*before)


async def guide_job(plan: GuidePlan, rows: Iterable[SourceRow]) -> Manifest:
    """Do what `run_guide_job` does, in an event loop that several jobs may share."""
    folder = plan.folder
    require_fit(plan)
    entries: list[Entry] = []
    with folder.locked(), explaining(folder, entries):
        require_fit(plan)
        return await _Job(plan, entries).run(rows)


class _Job:
    """A job at work. Everything happens in one event loop."""

    def __init__(self, plan: GuidePlan, entries: list[Entry]) -> None:
        self._plan = plan
        self._folder = plan.folder
        self._entries = entries
        self._ledger = Ledger(plan.folder.ledger)
        self._done = 0  # tasks, in this run
        self._broken: OSError | None = None  # why the disk did not take what was written
        self._next = asyncio.Condition()

    async def run(self, rows: Iterable[SourceRow]) -> Manifest:
        plan = self._plan
        self._entries += self._ledger.read()
        intake = Intake()
        remaining = skip_done(self._folder, rows, plan.limit, intake, self._entries)
        spent = Usage()
        for entry in self._entries:
            spent = added(spent, entry.usage)
        self._meter = Meter(plan.limits, plan.prices, spent)
        self._part_tasks = part_tasks(plan)
        todo = batches(remaining, intake, len(self._entries), self._part_tasks)
        self._reused = None if plan.reuse is None else Reused(RunReader(plan.reuse))
        known = None if plan.turns is None else plan.turns.done
        self._parts = Parts(self._folder, todo, self._meter.add, self._reused, known)
        self._pipeline = Pipeline(
            plan.plan,
            plan.engine,
            sampling=plan.sampling,
            answers=plan.answers,
            answer_kind=plan.answer_kind,
            seed=plan.seed,
            halted=self._halted,
            sent=lambda _: self._meter.sent(),
            came=lambda _, result: self._came(usage_of(result)),
            memory=self._parts,
        )
        try:
            return await self._run(await self._pipeline.start())
        finally:
            await self._pipeline.close()
            self._parts.close()

    async def _run(self, info: EngineInfo) -> Manifest:
        manifest = opened(self._plan, info)
        if self._reused is not None:
            self._reused.require_same(manifest)
        self._clean()
        try:
            self._now(manifest, "running").write(self._folder)
            await self._work(manifest)
            done = self._now(manifest, "finished")
            done.write(self._folder)
        except BaseException as error:
            self._leave(manifest, error)
            raise
        with suppress(OSError):  # somebody looks into it; it is empty
            (self._folder.path / PENDING).rmdir()
        return done

    async def _work(self, manifest: Manifest) -> None:
        current = asyncio.current_task()
        watcher = asyncio.create_task(self._look(current))
        ahead = 2 + math.ceil(self._pipeline.in_flight / self._part_tasks)
        origin = provenance(manifest)

        async def work(todo: Todo) -> GuidanceRun:
            async with self._next:  # a task that takes long must not let parts pile up
                await self._next.wait_for(lambda: todo.part < len(self._entries) + ahead)
            given = todo.given
            if self._plan.turns is not None:
                await self._plan.turns.begin(given.task.task_id)
            return await self._pipeline.run(given.task, reference_answer=given.reference_answer)

        try:
            pairs = each(self._parts.todo(), work, self._pipeline.in_flight)
            async with aclosing(pairs):
                async for todo, run in pairs:
                    self._parts.finished(todo, run)
                    self._done += 1
                    self._tell()
                    if self._plan.turns is not None:
                        self._plan.turns.done(run)
                    await self._commit(origin)
            await self._commit(origin)
        except Stopped as stop:
            if isinstance(self._pipeline.broken, OSError):
                raise self._pipeline.broken from stop
            raise self._stopped(stop.reason) from stop
        except asyncio.CancelledError:
            if self._broken is not None:
                raise self._broken from None
            reason = self._stop_reason()
            if reason is None:
                raise
            raise self._stopped(reason) from None
        finally:
            watcher.cancel()

    async def _commit(self, origin: dict[str, Any]) -> None:
        """Commit the parts that are whole, in order."""
        while (part := self._parts.whole(len(self._entries))) is not None:
            size = self._entries[-1].quarantine_bytes if self._entries else 0
            entry = await _to_its_end(commit, self._folder, part, origin, size)
            self._ledger.append(entry)
            self._entries.append(entry)
            self._parts.committed(entry.part)
            async with self._next:
                self._next.notify_all()

    async def _look(self, job: asyncio.Task[Any] | None) -> None:
        """End what is in flight when someone waits for the end; sync now and then."""
        since = 0.0
        while True:
            await asyncio.sleep(_WATCH_S)
            if self._stop_reason() is not None and job is not None:
                job.cancel()
                return
            since += _WATCH_S
            if since >= _SYNC_S:
                since = 0.0
                try:
                    await _to_its_end(_sync, self._parts.unsynced())
                except OSError as error:
                    self._broken = error
                    if job is not None:
                        job.cancel()
                    return

    def _stop_reason(self) -> str | None:
        return self._plan.watch.stop_reason() if self._plan.watch is not None else None

    def _halted(self) -> str | None:
        return self._plan.engine.trouble or self._meter.exhausted()

    def _came(self, usage: Usage) -> None:
        self._meter.came()
        self._meter.add(usage)
        self._tell()

    def _tell(self) -> None:
        if self._plan.watch is not None:
            self._plan.watch.progressed(self._done, self._meter.usage, self._meter.cost)

    def _stopped(self, reason: str) -> JobStopped:
        safe = f"{len(self._entries)} parts and {self._done:,} tasks of this run are safe"
        return JobStopped(f"{reason}; {safe}. Continue with --resume", reason)

    def _now(self, manifest: Manifest, status: Status, stopped: str | None = None) -> Manifest:
        current = manifest.progressed(status, self._entries)
        return msgspec.structs.replace(current, usage=self._meter.usage, stopped=stopped)

    def _clean(self) -> None:
        """Remove what a crash left behind beyond the last committed part."""
        self._ledger.trim()
        done = {self._folder.part(RUNS, entry.part) for entry in self._entries if entry.files}
        self._folder.remove_uncommitted(done)
        for entry in self._entries:
            self._folder.pending(entry.part).unlink(missing_ok=True)
        size = self._entries[-1].quarantine_bytes if self._entries else 0
        truncate(self._folder.quarantine, size)

    def _leave(self, manifest: Manifest, error: BaseException) -> None:
        """Write down that the job stopped, and why, if the disk allows."""
        reason = error.reason if isinstance(error, JobStopped) else str(error)
        if isinstance(error, asyncio.CancelledError):  # by a signal: the loop is at its end
            reason = self._stop_reason() or "terminated"
        try:
            stopped = reason or type(error).__name__
            self._now(manifest, "interrupted", stopped).write(self._folder)
        except OSError as failure:
            # The manifest still says "running", which readers take for a killed job; the
            # ledger alone decides what counts.
            error.add_note(f"the manifest could not be updated: {failure}")


async def _to_its_end(work: Callable[..., T], *arguments: Any) -> T:
    """Return what a function returns in a thread; cancelled, wait for its end nevertheless.

    A thread cannot be ended, and must not write to a folder that is given back already.
    """
    thread = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait({thread})
        raise


def _sync(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        sync_and_close(descriptor)
