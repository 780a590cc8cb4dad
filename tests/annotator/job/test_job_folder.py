"""What a job folder guards against: other jobs, other inputs, a full disk, bad traces."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cogtrace.annotator.job import JobFolder, JobPlan, JobReader, run_job, verify_job
from cogtrace.annotator.job.tables import ANNOTATION_COLUMNS, OLDER_COLUMNS, TRACE_COLUMNS
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.errors import JobError, JobLocked, JobStopped
from cogtrace.records import Annotation, Quarantined, SourceRow, Trace
from cogtrace.taxonomy import load_taxonomy

Make = Callable[..., Any]
SPEC = AnnotatorSpec.cue(load_taxonomy())


def _rows(traces: list[dict[str, Any]]) -> Iterator[SourceRow]:
    for line, data in enumerate(traces, start=1):
        yield SourceRow(file="memory", line=line, value=Trace(**data))


def _plan(out: Path, **changes: Any) -> JobPlan:
    settings: dict[str, Any] = {"spec": SPEC, "part_traces": 10} | changes
    return JobPlan(folder=JobFolder(out), **settings)


def _snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_every_part_has_the_same_typed_columns_and_says_where_it_comes_from(
    tmp_path: Path, make_rows: Make
) -> None:
    run_job(_plan(tmp_path / "out"), _rows(make_rows(25)))

    for table, columns in (("traces", TRACE_COLUMNS), ("annotations", ANNOTATION_COLUMNS)):
        files = sorted((tmp_path / "out" / table).glob("*.parquet"))
        assert len(files) == 3
        for path in files:
            assert dict(pl.read_parquet_schema(path)) == columns
            provenance = json.loads(pl.read_parquet_metadata(path)["cogtrace"])
            assert provenance["taxonomy"]["sha256"] == SPEC.taxonomy.sha256
        assert pl.scan_parquet(files).collect().height in (25, 25 * 28)


def test_what_is_read_back_is_what_the_annotator_said(tmp_path: Path, make_rows: Make) -> None:
    rows = make_rows(25)
    run_job(_plan(tmp_path / "out"), _rows(rows))

    pairs = list(JobReader(tmp_path / "out").pairs())

    traces = [Trace(**row) for row in rows]
    assert [trace for trace, _ in pairs] == traces
    assert [annotation for _, annotation in pairs] == SPEC.build().annotate(traces)


def test_the_number_of_workers_changes_nothing(tmp_path: Path, make_rows: Make) -> None:
    for workers in (1, 3):
        run_job(_plan(tmp_path / str(workers), workers=workers), _rows(make_rows(95)))

    one, three = (list(JobReader(tmp_path / name).pairs()) for name in ("1", "3"))
    assert one == three


def test_a_new_job_refuses_a_finished_folder_and_touches_nothing(
    tmp_path: Path, make_rows: Make
) -> None:
    out = tmp_path / "out"
    run_job(_plan(out), _rows(make_rows(5)))
    before = _snapshot(out)

    with pytest.raises(JobError, match="--resume"):
        run_job(_plan(out), _rows(make_rows(5)))

    assert _snapshot(out) == before


def test_a_new_job_refuses_a_folder_with_other_files(tmp_path: Path, make_rows: Make) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(JobError, match=r"thesis\.tex"):
        run_job(_plan(tmp_path), _rows(make_rows(5)))


def test_a_taxonomy_of_the_users_in_the_folder_is_not_overwritten(
    tmp_path: Path, make_rows: Make
) -> None:
    own = tmp_path / "taxonomy.json"
    own.write_text("mine")

    with pytest.raises(JobError, match=r"taxonomy\.json"):
        run_job(_plan(tmp_path, resume=True), _rows(make_rows(5)))

    assert own.read_text() == "mine"


def test_a_job_killed_before_its_taxonomy_was_kept_keeps_it_on_resume(
    tmp_path: Path, make_rows: Make
) -> None:
    out = tmp_path / "out"
    run_job(_plan(out), _rows(make_rows(5)))
    (out / "taxonomy.json").unlink()

    run_job(_plan(out, resume=True), _rows(make_rows(5)))

    assert JobReader(out).taxonomy() == SPEC.taxonomy


def test_two_jobs_in_one_folder_are_refused(tmp_path: Path, make_rows: Make) -> None:
    out = JobFolder(tmp_path / "out")
    with out.locked(), pytest.raises(JobLocked, match="another job"):
        run_job(_plan(out.path, resume=True), _rows(make_rows(5)))


def test_resuming_with_another_input_is_refused(tmp_path: Path, make_rows: Make) -> None:
    out = tmp_path / "out"
    run_job(_plan(out, limit=20), _rows(make_rows(50)))

    before = _snapshot(out)

    with pytest.raises(JobError, match="not the one the job was begun with"):
        run_job(_plan(out, resume=True), _rows(make_rows(50, seed=9)))

    assert _snapshot(out) == before


def test_resuming_with_another_taxonomy_is_refused(tmp_path: Path, make_rows: Make) -> None:
    out = tmp_path / "out"
    run_job(_plan(out, limit=20), _rows(make_rows(50)))
    other = AnnotatorSpec.cue(SPEC.taxonomy.only(["verification"]))

    with pytest.raises(JobError, match="begun with taxonomy"):
        run_job(_plan(out, resume=True, spec=other), _rows(make_rows(50)))


def test_a_job_from_before_the_bounds_goes_on_with_the_columns_it_has(
    tmp_path: Path, make_rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr("cogtrace.annotator.job.work.ANNOTATION_COLUMNS", OLDER_COLUMNS)
    run_job(_plan(out, limit=10), _rows(make_rows(25)))
    monkeypatch.undo()

    run_job(_plan(out, resume=True), _rows(make_rows(25)))

    table = pl.scan_parquet(JobFolder(out).parts("annotations"))
    assert dict(table.collect_schema()) == OLDER_COLUMNS
    assert table.collect().height == 25 * 28
    report = verify_job(JobFolder(out))
    assert (report.status, report.traces, report.problems) == ("finished", 25, [])


def test_a_full_disk_stops_the_job_and_what_is_done_stays_safe(
    tmp_path: Path, make_rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    real = Path.write_bytes
    written = []

    def fill_up(path: Path, data: bytes) -> int:
        if path.suffix == ".parquet":
            written.append(path)
            if len(written) == 4:
                real(path, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(JobStopped, match="no space left"):
        run_job(_plan(out), _rows(make_rows(50)))
    monkeypatch.undo()

    report = verify_job(JobFolder(out))
    assert (report.status, report.rows, report.problems) == ("interrupted", 10, [])
    run_job(_plan(out, resume=True), _rows(make_rows(50)))
    report = verify_job(JobFolder(out))
    assert (report.status, report.rows, report.problems) == ("finished", 50, [])


def test_a_trace_that_breaks_the_annotator_is_set_aside_and_costs_no_other(
    tmp_path: Path, make_rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cogtrace.annotator.cues import CueAnnotator

    real = CueAnnotator.annotate

    def stumble(self: CueAnnotator, traces: list[Trace]) -> list[Annotation]:
        if any(trace.trace_id == "t7" for trace in traces):
            raise ZeroDivisionError("a bug met by one trace")
        return real(self, traces)

    monkeypatch.setattr(CueAnnotator, "annotate", stumble)
    manifest = run_job(_plan(tmp_path / "out"), _rows(make_rows(25)))

    assert (manifest.counts.traces, manifest.counts.quarantined) == (24, 1)
    (row,) = JobReader(tmp_path / "out").quarantined()
    assert (row.trace_id, row.line, row.reason) == ("t7", 8, "annotator-failed")
    assert verify_job(JobFolder(tmp_path / "out")).problems == []


def test_a_repeated_trace_counts_once_and_a_reused_id_is_quarantined(tmp_path: Path) -> None:
    rows = [
        {"trace_id": "a", "text": "First text."},
        {"trace_id": "a", "text": "First text."},
        {"trace_id": "a", "text": "Another text."},
    ]
    manifest = run_job(_plan(tmp_path / "out"), _rows(rows))

    counts = manifest.counts
    assert (counts.rows, counts.traces, counts.duplicates, counts.quarantined) == (3, 1, 1, 1)
    (row,) = JobReader(tmp_path / "out").quarantined()
    assert (row.line, row.reason, row.raw) == (3, "duplicate-id", "Another text.")


def test_an_input_of_bad_rows_only_makes_a_sound_empty_job(tmp_path: Path) -> None:
    bad = Quarantined(file="f", line=1, reason="bad-json", message="broken", raw="{")
    rows = [SourceRow(file="f", line=1, value=bad)]

    run_job(_plan(tmp_path / "out"), rows)

    report = verify_job(JobFolder(tmp_path / "out"))
    assert (report.rows, report.traces, report.quarantined, report.problems) == (1, 0, 1, [])
