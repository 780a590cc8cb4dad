"""What a worker does with a batch: annotate it and write its tables."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES, JobFolder
from cogtrace.annotator.job.tables import (
    ANNOTATION_COLUMNS,
    annotation_frame,
    parquet,
    trace_frame,
)
from cogtrace.errors import CogtraceError, JobDamaged, Stopped
from cogtrace.jobs.batches import Batch
from cogtrace.jobs.damage import UNREADABLE
from cogtrace.jobs.files import temporary
from cogtrace.jobs.ledger import FileRef, describe
from cogtrace.records import Annotation, Annotator, Quarantined, Trace


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """A batch after annotation: its tables lie under temporary names."""

    batch: Batch
    process: int  # that wrote the files, part of their temporary names
    files: tuple[FileRef, ...]
    failed: list[Quarantined]  # whole traces
    unanswered: list[Quarantined]  # some elements of a trace
    tally: dict[str, int]
    traces: int
    sentences: int
    spans: int
    text_bytes: int
    seconds: float
    stopped: str | None  # why the annotator did not go through the whole batch


@dataclass(slots=True)
class _Outcome:
    """What the annotator made of a batch."""

    traces: list[Trace] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    failed: list[Quarantined] = field(default_factory=list)
    unanswered: list[Quarantined] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)

    def take(self, trace: Trace, place: tuple[str, int], annotation: Annotation) -> None:
        """Sort what came of a trace into its place."""
        self.tally.update(annotation.tally)
        if annotation.unanswered and not annotation.elements:
            first = annotation.unanswered[0]
            self.fail(trace, place, first.reason, first.message)
            return
        self.traces.append(trace)
        self.annotations.append(annotation)
        self.unanswered += [
            Quarantined.of(
                *place, lost.reason, lost.message, trace.trace_id, lost.raw, lost.elements
            )
            for lost in annotation.unanswered
        ]

    def fail(self, trace: Trace, place: tuple[str, int], reason: str, message: str) -> None:
        """Set a whole trace aside."""
        self.failed.append(Quarantined.of(*place, reason, message, trace.trace_id, trace.text))


class Worker:
    """Annotates batches for one job. Lives in the process that does the work."""

    def __init__(self, annotator: Annotator, folder: Path, provenance: dict[str, str]) -> None:
        self._annotator = annotator
        self._folder = JobFolder(folder)
        self._provenance = provenance
        self._columns = _columns(self._folder)

    def __call__(self, batch: Batch) -> WrittenPart:
        """Annotate a batch and write its tables."""
        began = time.perf_counter()
        stopped = None
        try:
            outcome = self._annotate(batch)
        except Stopped as stop:
            stopped = stop.reason
            batch = batch.cut(len(stop.done))
            outcome = _sorted_out(batch, stop.done)
        traces = outcome.traces
        files = self._write(batch.part, traces, outcome.annotations) if traces else ()
        return WrittenPart(
            batch=Batch(
                part=batch.part,
                quarantined=batch.quarantined,
                duplicates=batch.duplicates,
                rows=batch.rows,
                rows_sha256=batch.rows_sha256,
            ),
            process=os.getpid(),
            files=files,
            failed=outcome.failed,
            unanswered=outcome.unanswered,
            tally=dict(outcome.tally),
            traces=len(traces),
            sentences=sum(a.sentences for a in outcome.annotations),
            spans=sum(len(e.spans) for a in outcome.annotations for e in a.elements),
            text_bytes=(
                sum(len(t.text.encode()) for t in traces) if outcome.failed else batch.text_bytes
            ),
            seconds=round(time.perf_counter() - began, 4),
            stopped=stopped,
        )

    def _write(
        self, part: int, traces: list[Trace], annotations: list[Annotation]
    ) -> tuple[FileRef, ...]:
        """Write the tables of a part under temporary names."""
        files = []
        for table, frame in (
            (TRACES, trace_frame(traces, annotations)),
            (ANNOTATIONS, annotation_frame(annotations).select(self._columns)),
        ):
            path = self._folder.part(table, part)
            path.parent.mkdir(exist_ok=True)
            content = parquet(frame, self._provenance)
            # Written here and not by polars, so that a full disk is an OSError.
            temporary(path).write_bytes(content)
            files.append(describe(content, table, path.name, frame.height))
        return tuple(files)

    def _annotate(self, batch: Batch) -> _Outcome:
        try:
            return _sorted_out(batch, self._annotator.annotate(batch.traces))
        except (CogtraceError, OSError):
            raise  # not the fault of a trace
        except Exception:
            # Whatever a trace does to an annotator must not cost the others: one by
            # one, the culprit is found and set aside with the reason.
            return self._one_by_one(batch)

    def _one_by_one(self, batch: Batch) -> _Outcome:
        outcome = _Outcome()
        for trace, place in zip(batch.traces, batch.places, strict=True):
            try:
                (annotation,) = self._annotator.annotate([trace])
            except Stopped as stop:
                # Its ``done`` is about this trace, not about the first ones of the batch.
                raise Stopped(stop.reason) from stop
            except (CogtraceError, OSError):
                raise
            except Exception as error:
                message = f"{type(error).__name__}: {error}"
                outcome.fail(trace, place, "annotator-failed", message)
            else:
                outcome.take(trace, place, annotation)
        return outcome


def _sorted_out(batch: Batch, annotations: list[Annotation]) -> _Outcome:
    outcome = _Outcome()
    for trace, place, annotation in zip(batch.traces, batch.places, annotations, strict=True):
        outcome.take(trace, place, annotation)
    return outcome


def _columns(folder: JobFolder) -> Sequence[str]:
    """Return the columns of annotations: those that the job was begun with.

    An older job lacks some, and polars does not read files together that differ in that.
    """
    begun = folder.parts(ANNOTATIONS)
    if not begun:
        return list(ANNOTATION_COLUMNS)
    try:
        return list(pl.read_parquet_schema(begun[0]))
    except UNREADABLE as error:
        raise JobDamaged(f"{begun[0]}: cannot be read ({error}); see cogtrace verify") from error
