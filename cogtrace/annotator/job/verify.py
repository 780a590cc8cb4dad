"""Proving a job folder: every row done, quarantined or pending, and none twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES, JobFolder
from cogtrace.annotator.job.ledger import Entry
from cogtrace.annotator.job.reading import JobReader
from cogtrace.annotator.job.tables import ANNOTATION_COLUMNS, BOUNDS, OLDER_COLUMNS, TRACE_COLUMNS
from cogtrace.errors import CogtraceError
from cogtrace.jobs.damage import UNREADABLE
from cogtrace.jobs.ledger import describe
from cogtrace.records import text_sha256

_SCHEMAS: Final = {
    TRACES: (TRACE_COLUMNS,),
    ANNOTATIONS: (ANNOTATION_COLUMNS, OLDER_COLUMNS),
}


@dataclass(slots=True)
class Report:
    """What the proof found; the job is sound exactly if there are no problems."""

    status: str
    rows: int = 0
    traces: int = 0
    units: int = 0  # pairs of trace and element
    duplicates: int = 0
    quarantined: int = 0
    unanswered: int = 0  # rows of the quarantine that hold some elements of a trace
    spans: int = 0
    uncommitted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def verify_job(folder: JobFolder) -> Report:
    """Check every committed file, row and span of a job folder.

    Raises:
        JobError: there is no job in the folder, or its ledger cannot be read.
    """
    reader = JobReader(folder)
    report = Report(status=reader.manifest.status)
    _check_parts(reader, report)
    if report.problems:
        return report
    _check_once(reader, report)
    _check_rows(reader, report)
    _check_bounds(reader, report)
    _check_quarantine(reader, report)
    committed = {p for table in (TRACES, ANNOTATIONS) for p in reader.files(table)}
    on_disk = [*folder.parts(TRACES), *folder.parts(ANNOTATIONS)]
    report.uncommitted = [str(p) for p in on_disk if p not in committed]
    if report.uncommitted and report.status == "finished":
        report.problems.append(f"{len(report.uncommitted)} parts are in no ledger line")
    return report


def _check_parts(reader: JobReader, report: Report) -> None:
    """Compare each file with what the ledger says of it."""
    previous = 0
    for entry in reader.entries:
        dealt_with = entry.traces + entry.duplicates + entry.quarantined
        if entry.rows - previous != dealt_with:
            report.problems.append(
                f"part {entry.part}: {entry.rows - previous} rows read, {dealt_with} dealt with"
            )
        previous = entry.rows
        _check_files(reader, entry, report)
        report.rows = entry.rows
        report.traces += entry.traces
        report.duplicates += entry.duplicates
        report.quarantined += entry.quarantined
        report.unanswered += entry.unanswered
        report.spans += entry.spans
    counts = reader.manifest.counts
    if report.status == "finished" and (counts.rows, counts.traces) != (report.rows, report.traces):
        report.problems.append("the manifest's counts are not those of the ledger")


def _check_files(reader: JobReader, entry: Entry, report: Report) -> None:
    for ref in entry.files:
        path = reader.folder.path / ref.table / ref.name
        if not path.is_file():
            report.problems.append(f"{path}: missing")
            continue
        if describe(path.read_bytes(), ref.table, ref.name, ref.rows) != ref:
            report.problems.append(f"{path}: changed since it was committed")
            continue
        schema = dict(pl.read_parquet_schema(path))
        if schema not in _SCHEMAS[ref.table]:
            report.problems.append(f"{path}: not the columns of the table {ref.table!r}")


def _check_once(reader: JobReader, report: Report) -> None:
    """Check that no trace and no unit is there twice."""
    if not reader.entries or not reader.files(TRACES):
        return
    ids = pl.scan_parquet(reader.files(TRACES)).select("trace_id").collect()
    twice = ids.filter(ids["trace_id"].is_duplicated())["trace_id"].unique().sort()
    report.problems += [f"trace {name!r} is there more than once" for name in twice[:10]]
    if ids.height != report.traces:
        report.problems.append(f"{ids.height} traces in the table, {report.traces} in the ledger")


def _check_rows(reader: JobReader, report: Report) -> None:
    """Check that each trace has each element once, and each span its quote."""
    expected = reader.manifest.elements
    spans = 0
    try:
        for trace, annotation in reader.pairs():
            found = tuple(entry.element for entry in annotation.elements)
            lost = [name for row in annotation.unanswered for name in row.elements]
            # Each element once: answered, in its place, or in quarantine.
            dealt_with = sorted([*found, *lost]) == sorted(expected)
            if not dealt_with or found != tuple(n for n in expected if n in found):
                report.problems.append(f"trace {trace.trace_id!r}: not the elements asked about")
            if annotation.text_sha256 != text_sha256(trace.text):
                report.problems.append(f"trace {trace.trace_id!r}: not the text annotated")
            for entry in annotation.elements:
                spans += len(entry.spans)
                if (entry.score > 0) != bool(entry.spans) or entry.score not in (0, 1, 2):
                    report.problems.append(
                        f"trace {trace.trace_id!r}, {entry.element}: score {entry.score} with "
                        f"{len(entry.spans)} spans"
                    )
            report.units += len(found)
    except CogtraceError as error:
        report.problems.append(str(error))
        return
    if spans != report.spans:
        report.problems.append(f"{spans} spans in the table, {report.spans} in the ledger")


def _check_bounds(reader: JobReader, report: Report) -> None:
    """Check that the bounds in a column of their own are those of the spans."""
    place = pl.struct(pl.element().struct.field(name) for name in ("start", "end"))
    for path in reader.files(ANNOTATIONS):
        if BOUNDS not in pl.read_parquet_schema(path):
            continue
        table = pl.scan_parquet(path, glob=False)
        try:
            frame = table.select(BOUNDS, spans=pl.col("spans").list.eval(place)).collect()
        except UNREADABLE as error:
            report.problems.append(f"{path}: cannot be read ({error})")
            continue
        if not frame[BOUNDS].equals(frame["spans"], null_equal=True):
            report.problems.append(f"{path}: {BOUNDS} that are not those of the spans")


def _check_quarantine(reader: JobReader, report: Report) -> None:
    try:
        rows = list(reader.quarantined())
    except CogtraceError as error:
        report.problems.append(str(error))
        return
    whole = [(row.file, row.line) for row in rows if row.elements is None]
    if (len(whole), len(rows)) != (report.quarantined, report.quarantined + report.unanswered):
        report.problems.append(
            f"{len(whole)} rows and {len(rows) - len(whole)} times elements of a row in "
            f"quarantine, {report.quarantined} and {report.unanswered} in the ledger"
        )
    if len(set(whole)) != len(whole):
        report.problems.append("a row is in quarantine more than once")
