"""A job that its annotator stops, anywhere and any number of times, ends like one that ran on."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from halting import FUSES, ROWS, TAXONOMY, Halting, content, numbered, plain, plan, run_to_the_end
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.annotator.job import JobFolder, JobPlan, run_job, verify_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.errors import JobStopped
from cogtrace.extensions import AnnotatorKind, AnnotatorSetup
from cogtrace.jobs.batches import Batch, Intake, batches
from cogtrace.records import SourceRow


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(ROWS, FUSES, st.integers(1, 9))
def test_a_job_stopped_anywhere_and_resumed_equals_one_that_was_not(
    rows: list[SourceRow], fuses: list[str], part_traces: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        whole, cut = Path(name, "whole"), Path(name, "cut")
        run_job(plan(whole, Counter()), rows)
        left = Counter(fuses)

        stops = run_to_the_end(cut, rows, left, part_traces=part_traces)

        assert stops <= len(fuses)
        assert content(cut) == content(whole)
        report = verify_job(JobFolder(cut))
        assert (report.status, report.problems, report.rows) == ("finished", [], len(rows))


@given(ROWS, st.integers(0, 30), st.integers(1, 30))
def test_a_batch_cut_before_a_trace_is_the_batch_of_the_rows_before_it(
    rows: list[SourceRow], traces: int, part_traces: int
) -> None:
    for batch in batches(rows, Intake(), 0, part_traces):
        before = batch.rows - _size(batch)
        cut = batch.cut(traces)
        intake = Intake()
        for row in rows[:before]:
            intake.take(row)
        expected = list(batches(rows[before : cut.rows], intake, batch.part, part_traces))
        assert cut.rows == before + _size(cut)
        assert expected == ([cut] if cut.rows > before else [])


def _size(batch: Batch) -> int:
    return len(batch.traces) + len(batch.quarantined) + batch.duplicates


def test_a_cut_beyond_the_last_trace_keeps_the_rows_after_it() -> None:
    rows = numbered([(0, "good"), (1, "good"), (1, "good"), (2, "bad")])
    (batch,) = batches(rows, Intake(), 0)

    assert batch.cut(2) is batch
    assert (batch.cut(1).rows, batch.cut(0).rows) == (1, 0)


def test_a_job_stopped_at_its_first_trace_leaves_no_part(tmp_path: Path) -> None:
    with pytest.raises(JobStopped, match="0 parts are safe"):
        run_job(plan(tmp_path / "out", Counter(["t0"])), plain(3))

    report = verify_job(JobFolder(tmp_path / "out"))
    assert (report.status, report.rows, report.problems) == ("interrupted", 0, [])
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_rows_without_a_trace_before_the_stop_count_as_done(tmp_path: Path) -> None:
    rows = numbered([(0, "bad"), (1, "bad"), (2, "good")])
    with pytest.raises(JobStopped, match="1 parts are safe"):
        run_job(plan(tmp_path / "out", Counter(["t2"])), rows)

    report = verify_job(JobFolder(tmp_path / "out"))
    assert (report.rows, report.quarantined, report.problems) == (2, 2, [])


def test_what_a_stop_says_is_done_of_one_trace_is_not_taken_for_the_first_of_the_batch(
    tmp_path: Path,
) -> None:
    rows = numbered([(0, "good"), (1, "boom"), (2, "part")])
    fuses = Counter(["after t2"])

    assert run_to_the_end(tmp_path / "out", rows, fuses) == 1

    run_job(plan(tmp_path / "whole", Counter()), rows)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_the_annotator_is_closed_when_it_has_stopped(tmp_path: Path) -> None:
    built: list[Halting] = []

    def build(setup: AnnotatorSetup) -> Halting:
        built.append(Halting(setup, Counter(["t9"]), "one"))
        return built[-1]

    kind = AnnotatorKind(name="halting", summary="", build=build, needs_engine=True)
    spec = AnnotatorSpec(kind, AnnotatorSetup(taxonomy=TAXONOMY))
    with pytest.raises(JobStopped):
        run_job(JobPlan(folder=JobFolder(tmp_path / "out"), spec=spec), plain(20))

    assert [annotator.closed for annotator in built] == [True]
