"""Proving the folder of a guidance job: every row done, quarantined or pending, none twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from cogtrace.errors import CogtraceError
from cogtrace.jobs.ledger import describe
from cogtrace.plugins.job.folder import RUNS, GuideFolder
from cogtrace.plugins.job.reading import RunReader
from cogtrace.plugins.job.tables import RUN_COLUMNS
from cogtrace.plugins.pipeline.course import PIPELINE
from cogtrace.plugins.pipeline.records import GuidanceRun


@dataclass(slots=True)
class Report:
    """What the proof found; the job is sound exactly if there are no problems."""

    status: str
    rows: int = 0
    runs: int = 0
    duplicates: int = 0
    quarantined: int = 0
    failed: int = 0
    calls: int = 0
    uncommitted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def verify_runs(folder: GuideFolder) -> Report:
    """Check every committed file and record of the folder of a guidance job.

    Raises:
        JobError: there is no job in the folder, or its ledger cannot be read.
    """
    reader = RunReader(folder)
    report = Report(status=reader.manifest.status)
    _check_parts(reader, report)
    if not report.problems:
        _check_runs(reader, report)
        _check_quarantine(reader, report)
    committed = set(reader.files())
    report.uncommitted = [str(path) for path in folder.parts(RUNS) if path not in committed]
    if report.uncommitted and report.status == "finished":
        report.problems.append(f"{len(report.uncommitted)} parts are in no ledger line")
    return report


def _check_parts(reader: RunReader, report: Report) -> None:
    """Compare each file with what the ledger says of it."""
    previous = 0
    for entry in reader.entries:
        dealt_with = entry.runs + entry.duplicates + entry.quarantined
        if entry.rows - previous != dealt_with:
            report.problems.append(
                f"part {entry.part}: {entry.rows - previous} rows read, {dealt_with} dealt with"
            )
        previous = report.rows = entry.rows
        report.runs += entry.runs
        report.duplicates += entry.duplicates
        report.quarantined += entry.quarantined
        report.failed += entry.outcomes.get("failed", 0)
        for ref in entry.files:
            path = reader.folder.path / ref.table / ref.name
            if not path.is_file():
                report.problems.append(f"{path}: missing")
            elif describe(path.read_bytes(), ref.table, ref.name, ref.rows) != ref:
                report.problems.append(f"{path}: changed since it was committed")
            elif dict(pl.read_parquet_schema(path)) != RUN_COLUMNS:
                report.problems.append(f"{path}: not the columns of the table {ref.table!r}")
    counts = reader.manifest.counts
    if report.status == "finished" and (counts.rows, counts.runs) != (report.rows, report.runs):
        report.problems.append("the manifest's counts are not those of the ledger")


def _check_runs(reader: RunReader, report: Report) -> None:
    """Check each record against itself, and that no task is there twice."""
    seen: set[str] = set()
    outcomes: Counter[str] = Counter()
    try:
        for run in reader.runs():
            if run.task_id in seen:
                report.problems.append(f"task {run.task_id!r} is there more than once")
            seen.add(run.task_id)
            outcomes[run.outcome] += 1
            report.calls += len(run.calls)
            report.problems += [f"task {run.task_id!r}: {fault}" for fault in _faults(run)]
    except CogtraceError as error:
        report.problems.append(str(error))
        return
    noted: Counter[str] = Counter()
    for entry in reader.entries:
        noted.update(entry.outcomes)
    if outcomes != noted:
        report.problems.append(
            f"outcomes {dict(outcomes)} in the table, {dict(noted)} in the ledger"
        )


def _faults(run: GuidanceRun) -> list[str]:
    """Return in which ways a record contradicts itself."""
    faults = []
    for call in run.calls:
        if call.plugin == PIPELINE and run.question not in call.messages[-1].content:
            faults.append("the question was not put to the model as it was given")
    ids = {candidate.id for candidate in run.candidates}
    if run.choice is not None and run.choice.candidate not in ids | {None}:
        faults.append(f"the choice {run.choice.candidate!r} is no candidate")
    if any(verdict.candidate not in ids for verdict in run.verdicts):
        faults.append("a verdict is about no candidate")
    if (run.outcome == "answered") != (run.answer is not None):
        faults.append(f"outcome {run.outcome!r} with answer {run.answer!r:.40}")
    spent = sum(usage.requests for usage in run.usage_by_plugin.values())
    if spent != len(run.calls):
        faults.append(f"{len(run.calls)} calls, {spent} counted")
    return faults


def _check_quarantine(reader: RunReader, report: Report) -> None:
    rows = failed = 0
    places: set[tuple[str, int]] = set()
    try:
        for row in reader.quarantined():
            rows += 1
            failed += row.reason.startswith("guidance-")
            places.add((row.file, row.line))
    except CogtraceError as error:
        report.problems.append(str(error))
        return
    if (rows - failed, failed) != (report.quarantined, report.failed):
        report.problems.append(
            f"{rows - failed} rows and {failed} failed tasks in quarantine, "
            f"{report.quarantined} and {report.failed} in the ledger"
        )
    if len(places) != rows:
        report.problems.append("a row is in quarantine more than once")
