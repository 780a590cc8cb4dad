"""Job folders made of annotations that a test brings along, by the tables' own writer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES, JobFolder
from cogtrace.annotator.job.ledger import Entry, Ledger
from cogtrace.annotator.job.manifest import Manifest
from cogtrace.annotator.job.tables import annotation_frame, parquet, trace_frame
from cogtrace.jobs.files import write_atomically
from cogtrace.jobs.ledger import describe
from cogtrace.jobs.provenance import Status, here, now
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    Span,
    TaxonomyRef,
    Trace,
    text_sha256,
)

TAXONOMY = TaxonomyRef(id="test", version="1.0.0", sha256="0" * 64)
ANNOTATOR = AnnotatorRef(name="test", version="1.0.0", fingerprint="0" * 16)

# What a trace shows: the score of each element, and the bounds of its spans.
Shown = dict[str, tuple[int, Sequence[tuple[int, int]]]]


def annotated(trace: Trace, shown: Shown) -> tuple[Trace, Annotation]:
    """Return a trace with an annotation; spans are cut out of its text as it is."""
    elements = tuple(
        ElementAnnotation(
            element=element,
            score=score,
            spans=tuple(
                Span(
                    start=start,
                    end=end,
                    quote=trace.text[start:end],
                    first_sentence=1,
                    last_sentence=1,
                    anchor="exact",
                    source="test",
                )
                for start, end in spans
            ),
        )
        for element, (score, spans) in shown.items()
    )
    return trace, Annotation(
        trace_id=trace.trace_id,
        text_sha256=text_sha256(trace.text),
        sentences=1,
        taxonomy=TAXONOMY,
        annotator=ANNOTATOR,
        elements=elements,
    )


def write_job(
    path: Path,
    pairs: Iterable[tuple[Trace, Annotation]],
    part_traces: int = 1000,
    status: Status = "finished",
) -> Path:
    """Write traces and annotations as a job folder, and return its path."""
    folder = JobFolder(path)
    rest = iter(pairs)
    entries: list[Entry] = []
    for table in (TRACES, ANNOTATIONS):
        (path / table).mkdir(parents=True)
    while part := list(islice(rest, part_traces)):
        entries.append(_part(folder, len(entries), part, entries[-1].rows if entries else 0))
    for entry in entries:
        Ledger(folder.ledger).append(entry)
    manifest = Manifest(
        created=now(),
        updated=now(),
        inputs=(),
        taxonomy=TAXONOMY,
        annotator=ANNOTATOR,
        elements=(),
        options={},
        platform=here(),
    )
    write_atomically(folder.taxonomy, b"{}\n")
    manifest.progressed(status, entries).write(folder)
    return path


def _part(
    folder: JobFolder, number: int, pairs: list[tuple[Trace, Annotation]], before: int
) -> Entry:
    traces, annotations = [trace for trace, _ in pairs], [found for _, found in pairs]
    frames = {TRACES: trace_frame(traces, annotations), ANNOTATIONS: annotation_frame(annotations)}
    files = []
    for table, frame in frames.items():
        target = folder.part(table, number)
        content = parquet(frame, {})
        target.write_bytes(content)
        files.append(describe(content, table, target.name, frame.height))
    return Entry(
        part=number,
        rows=before + len(pairs),
        rows_sha256="0" * 64,
        quarantine_bytes=0,
        files=tuple(files),
        traces=len(pairs),
        duplicates=0,
        quarantined=0,
        sentences=len(pairs),
        spans=sum(len(entry.spans) for found in annotations for entry in found.elements),
        text_bytes=sum(len(trace.text.encode()) for trace in traces),
        seconds=0.0,
    )
