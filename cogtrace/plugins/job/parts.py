"""The parts that a guidance job has under way: what is known of each, and when it is whole."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cogtrace.engines import Request, Result
from cogtrace.jobs.batches import Batch
from cogtrace.jobs.files import append_durably, publish, temporary
from cogtrace.jobs.ledger import FileRef, describe
from cogtrace.plugins.job.folder import RUNS, GuideFolder
from cogtrace.plugins.job.ledger import Entry
from cogtrace.plugins.job.pending import Pending, task_of
from cogtrace.plugins.job.reusing import Reused
from cogtrace.plugins.job.tables import parquet, run_frame
from cogtrace.plugins.job.tasks import GivenTask, task_of_trace
from cogtrace.plugins.pipeline.records import GuidanceRun
from cogtrace.records import Quarantined, Usage


@dataclass(frozen=True, slots=True)
class Todo:
    """A task of a part that is to be run."""

    part: int
    place: int  # in the part
    given: GivenTask


@dataclass(slots=True)
class Part:
    """A part under way."""

    batch: Batch
    pending: Pending
    runs: list[GuidanceRun | None]
    left: int
    began: float = field(default_factory=time.monotonic)


class Parts:
    """Opens parts as they are needed; knows the answers that each holds already."""

    def __init__(
        self,
        folder: GuideFolder,
        batches: Iterable[Batch],
        spent: Callable[[Usage], None],
        reused: Reused | None = None,
        known: Callable[[GuidanceRun], None] | None = None,  # told of tasks that are done already
    ) -> None:
        self._folder = folder
        self._reused = reused
        self._known = known
        self._batches = batches
        self._spent = spent
        self._open: dict[int, Part] = {}
        self._owners: dict[str, Part] = {}  # by task id, of all parts under way

    def todo(self) -> Iterator[Todo]:
        """Yield the tasks to be run, opening part after part."""
        for batch in self._batches:
            part = self._opened(batch)
            for place, trace in enumerate(batch.traces):
                if part.runs[place] is None:
                    yield Todo(batch.part, place, task_of_trace(trace))

    def finished(self, todo: Todo, run: GuidanceRun) -> None:
        """Keep the record of a task."""
        part = self._open[todo.part]
        part.pending.finish(run)
        part.runs[todo.place] = run
        part.left -= 1

    def whole(self, number: int) -> Part | None:
        """Return a part if all its tasks are done."""
        part = self._open.get(number)
        return part if part is not None and not part.left else None

    def committed(self, number: int) -> None:
        """Forget a part; what was kept of it is no longer needed."""
        part = self._open.pop(number)
        for trace in part.batch.traces:
            self._owners.pop(trace.trace_id, None)
        part.pending.remove()

    def recall(self, request: Request) -> Result | None:
        """Return the answer that is known for a request, or None."""
        owner = self._owners.get(task_of(request))
        return owner.pending.recall(request) if owner is not None else None

    def keep(self, request: Request, result: Result) -> None:
        """Keep what came of a request."""
        owner = self._owners.get(task_of(request))
        if owner is not None:  # None: its task has ended, and its part is committed
            owner.pending.keep(request, result)

    def unsynced(self) -> list[int]:
        """Return descriptors to sync and close, perhaps in a thread."""
        found = (part.pending.unsynced() for part in self._open.values())
        return [descriptor for descriptor in found if descriptor is not None]

    def close(self) -> None:
        """Let go of all files; what is in them stays."""
        for part in self._open.values():
            part.pending.sync()
            part.pending.close()

    def _opened(self, batch: Batch) -> Part:
        pending = Pending(self._folder.pending(batch.part))
        known = dict(self._reused.of(batch.traces)) if self._reused is not None else {}
        known |= pending.runs
        pending.runs.clear()
        runs = [known.get(trace.trace_id) for trace in batch.traces]
        part = Part(batch, pending, runs, runs.count(None))
        self._open[batch.part] = part
        self._owners.update((trace.trace_id, part) for trace in batch.traces)
        self._spent(pending.usage)
        if self._known is not None:
            for run in runs:
                if run is not None:
                    self._known(run)
        return part


def commit(folder: GuideFolder, part: Part, provenance: dict[str, Any], size: int) -> Entry:
    """Write a part and its quarantine; return its ledger line, which makes it count."""
    runs = [run for run in part.runs if run is not None]
    number = part.batch.part
    files: tuple[FileRef, ...] = ()
    if runs:
        path = folder.part(RUNS, number)
        path.parent.mkdir(exist_ok=True)
        content = parquet(run_frame(runs), {"cogtrace": json.dumps(provenance)})
        temporary(path).write_bytes(content)
        publish(temporary(path), path)
        files = (describe(content, RUNS, path.name, len(runs)),)
    rejected = [*part.batch.quarantined, *_failed(part)]
    if rejected:
        rejected.sort(key=lambda row: (row.file, row.line))
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rejected)
        size = append_durably(folder.quarantine, lines)
    graded = [run.correct for run in runs if run.correct is not None]
    return Entry(
        part=number,
        rows=part.batch.rows,
        rows_sha256=part.batch.rows_sha256,
        quarantine_bytes=size,
        files=files,
        runs=len(runs),
        duplicates=part.batch.duplicates,
        quarantined=len(part.batch.quarantined),
        outcomes=dict(Counter(run.outcome for run in runs)),
        cut_off=sum(c.finish != "stop" for run in runs for c in run.candidates),
        graded=len(graded),
        correct=sum(graded),
        usage=part.pending.usage,
        seconds=round(time.monotonic() - part.began, 4),
    )


def _failed(part: Part) -> Iterator[Quarantined]:
    """Yield a row of the quarantine for each task that failed."""
    for run, place, trace in zip(part.runs, part.batch.places, part.batch.traces, strict=True):
        if run is None or run.outcome != "failed":
            continue
        first = next(error for error in run.errors if error.kind != "observer")
        message = f"{first.plugin}, {first.hook or 'before any hook'}: {first.message}"
        yield Quarantined.of(*place, f"guidance-{first.kind}", message, trace.trace_id, trace.text)
