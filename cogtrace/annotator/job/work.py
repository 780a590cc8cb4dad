"""What a worker does with a batch: annotate it and write its tables."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from cogtrace.annotator.job.batches import Batch
from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES, JobFolder, temporary
from cogtrace.annotator.job.ledger import FileRef
from cogtrace.annotator.job.tables import annotation_frame, parquet, trace_frame
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.records import Annotation, Annotator, Quarantined, Trace


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """A batch after annotation: its tables lie under temporary names."""

    batch: Batch
    process: int  # that wrote the files, part of their temporary names
    files: tuple[FileRef, ...]
    failed: list[Quarantined]
    traces: int
    sentences: int
    spans: int
    text_bytes: int
    seconds: float


class Worker:
    """Annotates batches for one job. Lives in the process that does the work."""

    def __init__(self, spec: AnnotatorSpec, folder: Path, provenance: dict[str, str]) -> None:
        self._annotator: Annotator = spec.build()
        self._folder = JobFolder(folder)
        self._provenance = provenance

    def __call__(self, batch: Batch) -> WrittenPart:
        """Annotate a batch and write its tables."""
        began = time.perf_counter()
        traces, annotations, failed = self._annotate(batch)
        files = self._write(batch.part, traces, annotations) if traces else ()
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
            failed=failed,
            traces=len(traces),
            sentences=sum(a.sentences for a in annotations),
            spans=sum(len(e.spans) for a in annotations for e in a.elements),
            text_bytes=sum(len(t.text.encode()) for t in traces) if failed else batch.text_bytes,
            seconds=round(time.perf_counter() - began, 4),
        )

    def _write(
        self, part: int, traces: list[Trace], annotations: list[Annotation]
    ) -> tuple[FileRef, ...]:
        """Write the tables of a part under temporary names."""
        files = []
        for table, frame in (
            (TRACES, trace_frame(traces, annotations)),
            (ANNOTATIONS, annotation_frame(annotations)),
        ):
            path = self._folder.part(table, part)
            path.parent.mkdir(exist_ok=True)
            content = parquet(frame, self._provenance)
            # Written here and not by polars, so that a full disk is an OSError.
            temporary(path).write_bytes(content)
            files.append(describe(content, table, path.name, frame.height))
        return tuple(files)

    def _annotate(self, batch: Batch) -> tuple[list[Trace], list[Annotation], list[Quarantined]]:
        try:
            return batch.traces, self._annotator.annotate(batch.traces), []
        except Exception:
            # Whatever a trace does to an annotator must not cost the others: one by
            # one, the culprit is found and set aside with the reason.
            return self._one_by_one(batch)

    def _one_by_one(self, batch: Batch) -> tuple[list[Trace], list[Annotation], list[Quarantined]]:
        traces, annotations, failed = [], [], []
        for trace, (file, line) in zip(batch.traces, batch.places, strict=True):
            try:
                annotations += self._annotator.annotate([trace])
                traces.append(trace)
            except Exception as error:
                message = f"{type(error).__name__}: {error}"
                failed.append(
                    Quarantined.of(
                        file, line, "annotator-failed", message, trace.trace_id, trace.text
                    )
                )
        return traces, annotations, failed


def describe(content: bytes, table: str, name: str, rows: int) -> FileRef:
    """Return what the ledger keeps of a file."""
    digest = hashlib.sha256(content).hexdigest()
    return FileRef(table=table, name=name, rows=rows, bytes=len(content), sha256=digest)
