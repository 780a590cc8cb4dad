"""Doing a job again under other settings, in its own folder."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from halting import FUSES, ROWS, TAXONOMY, content, numbered, plain, plan, run_to_the_end, spec
from hypothesis import given, settings

from cogtrace.annotator.job import JobFolder, JobReader, Ledger, Order, run_job, verify_job
from cogtrace.errors import JobError, JobStopped
from cogtrace.records import SourceRow


def _refs(out: Path) -> set[str]:
    reader = JobReader(out)
    provenance = [reader.manifest.annotator.fingerprint]
    return {annotation.annotator.fingerprint for _, annotation in reader.pairs()} | set(provenance)


def test_an_update_does_all_again_under_the_new_settings(tmp_path: Path) -> None:
    out = tmp_path / "out"
    begun = run_job(plan(out, Counter()), plain(10))

    done = run_job(plan(out, Counter(), "two", resume=True, update=True), plain(10))

    assert (done.status, done.created) == ("finished", begun.created)
    assert _refs(out) == {"two"}
    report = verify_job(JobFolder(out))
    assert (report.rows, report.traces, report.problems) == (10, 10, [])


def test_an_update_may_change_elements_order_and_input(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_job(plan(out, Counter()), numbered([(n, "boom") for n in range(10)]))
    assert JobReader(out).manifest.counts.quarantined == 10
    fewer = spec(Counter(), "two", TAXONOMY.only(["backtracking"]))
    order = Order(kind="random", seed=3)

    changed = plan(out, Counter(), spec=fewer, resume=True, update=True, order=order)
    done = run_job(changed, plain(3)[::-1])

    report = verify_job(JobFolder(out))
    assert (report.rows, report.units, report.quarantined, report.problems) == (3, 3, 0, [])
    assert (done.order, JobReader(out).taxonomy()) == (order, fewer.taxonomy)
    assert (out / "quarantine.jsonl").read_bytes() == b""


@settings(max_examples=15, deadline=None)
@given(ROWS, FUSES)
def test_an_update_that_is_stopped_goes_on_with_resume_alone(
    rows: list[SourceRow], fuses: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        whole, out = Path(name, "whole"), Path(name, "out")
        run_job(plan(whole, Counter(), "two"), rows)
        run_job(plan(out, Counter(), "one"), rows)
        left = Counter(fuses)
        try:
            run_job(plan(out, left, "two", resume=True, update=True), rows)
        except JobStopped:
            with pytest.raises(JobError, match="begun with annotator"):
                run_job(plan(out, left, "one", resume=True), rows)
            run_to_the_end(out, rows, left, spec=spec(left, "two"))

        assert content(out) == content(whole)
        assert verify_job(JobFolder(out)).problems == []


def test_an_update_of_a_new_folder_is_a_new_job(tmp_path: Path) -> None:
    done = run_job(plan(tmp_path / "out", Counter(), resume=True, update=True), plain(5))
    assert (done.status, done.counts.traces) == ("finished", 5)


def test_an_update_that_does_not_say_resume_touches_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_job(plan(out, Counter()), plain(5))

    with pytest.raises(JobError, match="holds a job already"):
        run_job(plan(out, Counter(), "two", update=True), plain(5))

    assert _refs(out) == {"one"}
    assert verify_job(JobFolder(out)).problems == []


def test_an_update_killed_just_after_it_took_the_parts_back_can_be_resumed_either_way(
    tmp_path: Path,
) -> None:
    for fingerprint, update in (("one", False), ("two", True)):
        out = tmp_path / fingerprint
        run_job(plan(out, Counter()), plain(9))
        Ledger(out / "ledger.jsonl").clear()

        run_job(plan(out, Counter(), fingerprint, resume=True, update=update), plain(9))

        assert _refs(out) == {fingerprint}
        report = verify_job(JobFolder(out))
        assert (report.rows, report.problems, report.uncommitted) == (9, [], [])


def test_an_input_that_breaks_off_during_an_update_loses_nothing_for_good(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_job(plan(out, Counter()), plain(9))

    def broken() -> Iterator[SourceRow]:
        yield from plain(6)
        raise JobError("the input is gone")

    with pytest.raises(JobError, match="the input is gone"):
        run_job(plan(out, Counter(), "two", resume=True, update=True), broken())
    assert verify_job(JobFolder(out)).problems == []
    assert JobReader(out).manifest.status == "interrupted"

    run_job(plan(out, Counter(), "two", resume=True), plain(9))
    assert _refs(out) == {"two"}
    assert verify_job(JobFolder(out)).rows == 9
