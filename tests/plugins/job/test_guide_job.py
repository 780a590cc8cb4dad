"""A guidance job: what is in its folder, how it goes on, what it refuses."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from guidance_kinds import answering, kind
from guide_jobs import CALLS, PLUGINS, adds, bad_row, run_job, task_row

from cogtrace.engines import Failure, Request, Result
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.errors import JobDamaged, JobError, JobLocked, JobStopped
from cogtrace.jobs.budget import Limits, Prices
from cogtrace.jobs.provenance import Order
from cogtrace.plugins.guidance import Clarification, Sampling, TaskRun
from cogtrace.plugins.job import (
    GuideFolder,
    GuidePlan,
    Manifest,
    RunReader,
    runner,
    verify_runs,
)
from cogtrace.plugins.job.parts import commit
from cogtrace.plugins.job.pending import Pending
from cogtrace.plugins.job.tables import RUN_COLUMNS
from cogtrace.plugins.pipeline import make_plan
from cogtrace.schemas import problems


def _rows(count: int) -> list[Any]:
    return [task_row(number) for number in range(count)]


def _sound(folder: Path, status: str = "finished") -> None:
    report = verify_runs(GuideFolder(folder))
    assert (report.status, report.problems) == (status, [])


def test_every_task_is_recorded_once_in_order_and_graded(tmp_path: Path) -> None:
    manifest = run_job(tmp_path / "out", _rows(30))

    assert manifest.status == "finished"
    counts = manifest.counts
    assert (counts.rows, counts.runs, counts.answered, counts.parts) == (30, 30, 30, 4)
    assert (counts.graded, counts.correct) == (30, 30)
    assert manifest.usage.requests == 30 * CALLS
    reader = RunReader(tmp_path / "out")
    runs = list(reader.runs())
    assert [run.task_id for run in runs] == [f"t{number}" for number in range(30)]
    assert [run.answer for run in runs] == [str(number + 1) for number in range(30)]
    assert {call.plugin for call in runs[0].calls} == {"restate", "pipeline", "check"}
    _sound(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        ".lock",
        "ledger.jsonl",
        "manifest.json",
        "runs",
    }
    data = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert problems("guidance-manifest", data) == []
    for run in runs:
        assert problems("guidance-run", json.loads(_json(run))) == []


def _json(run: Any) -> bytes:
    return msgspec.json.encode(run)


def test_the_table_reads_with_polars_and_datasets_as_it_is(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [*_rows(10), task_row(10, text="?", problem_type="riddle", meta={"a": [1, None]})]
    run_job(tmp_path / "out", rows)
    pattern = tmp_path / "out" / "runs" / "*.parquet"

    scanned = pl.scan_parquet(pattern)
    assert dict(scanned.collect_schema()) == RUN_COLUMNS
    tokens = scanned.select(
        pl.col("usage_by_plugin").list.eval(pl.element().struct.field("prompt_tokens")).list.sum()
    ).collect()
    assert tokens.height == 11
    assert tokens["usage_by_plugin"].min() > 0  # type: ignore[operator]
    loaded = datasets.load_dataset(
        "parquet", data_files=str(pattern), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded.num_rows == 11
    assert loaded[0]["candidates"][0]["answer"] == "1"


def test_bad_rows_and_failed_tasks_go_to_quarantine_with_their_reasons(tmp_path: Path) -> None:
    def breaks(run: TaskRun) -> None:
        if run.task.task_id in ("t3", "t12"):
            raise ValueError("no")

    rows = [*_rows(6), bad_row(6), bad_row(7), *(task_row(n) for n in range(8, 16)), task_row(3)]
    manifest = run_job(tmp_path / "out", rows, plugins=[kind("breaks", scaffolds=breaks)])

    counts = manifest.counts
    assert (counts.rows, counts.runs, counts.quarantined, counts.duplicates) == (17, 14, 2, 1)
    assert (counts.answered, counts.failed) == (12, 2)
    lost = list(RunReader(tmp_path / "out").quarantined())
    assert [(row.line, row.reason) for row in lost] == [
        (4, "guidance-raised"),
        (7, "bad-json"),
        (8, "bad-json"),
        (13, "guidance-raised"),
    ]
    assert lost[0].message == "breaks, cogtrace_scaffolds: ValueError: no"
    assert (lost[0].trace_id, lost[0].raw) == ("t3", "What is 3 + 1?")
    for row in lost:
        assert problems("quarantine", json.loads(_json(row))) == []
    _sound(tmp_path / "out")


def test_an_input_without_a_task_is_a_finished_job(tmp_path: Path) -> None:
    assert run_job(tmp_path / "none", []).counts.runs == 0
    only_bad = run_job(tmp_path / "bad", [bad_row(0)])
    assert (only_bad.counts.runs, only_bad.counts.quarantined) == (0, 1)
    _sound(tmp_path / "none")
    _sound(tmp_path / "bad")
    assert list(RunReader(tmp_path / "none").runs()) == []


_REFUSED = Failure(kind="rejected", message="not this one")


class _Stops:
    """An engine that answers so many requests, and is gone then."""

    def __init__(self, after: int) -> None:
        self._inner = answering(adds)
        self.start, self.close = self._inner.start, self._inner.close
        self.count_tokens = self._inner.count_tokens
        self._after = after
        self.trouble: str | None = None
        self.asked: list[str] = []
        self.refused: str | None = None  # what stands in requests that are refused

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        results = await self._inner.complete(requests)
        failure = Failure(kind="unreachable", message="no connection")
        for place, request in enumerate(requests):
            if len(self.asked) >= self._after:
                self.trouble = "the server is gone"
                results[place] = Result(finish="failed", failure=failure)
            elif self.refused is not None and self.refused in request.messages[-1].content:
                results[place] = Result(finish="failed", failure=_REFUSED)
            else:
                self.asked.append(request.key)
        return results


def test_a_job_whose_engine_goes_keeps_every_answer_and_asks_none_twice(tmp_path: Path) -> None:
    whole = run_job(tmp_path / "whole", _rows(40))
    out = tmp_path / "out"
    asked: list[str] = []
    for after in (1, 7, 20, 33):
        engine = _Stops(after)
        with pytest.raises(JobStopped, match=r"the server is gone.*--resume"):
            run_job(out, _rows(40), engine=engine)
        asked += engine.asked
        left = json.loads((out / "manifest.json").read_text())
        assert (left["status"], left["stopped"]) == ("interrupted", "the server is gone")
        assert problems("guidance-manifest", left) == []
        _sound(out, "interrupted")
    last = _Stops(10_000)
    done = run_job(out, _rows(40), engine=last)

    asked += last.asked
    assert len(asked) == len(set(asked)) == 40 * CALLS
    assert done.counts == whole.counts
    assert _plain(out) == _plain(tmp_path / "whole")
    # Calls that failed are counted with the rest: they may have cost something.
    assert done.usage.requests >= whole.usage.requests
    assert done.usage.completion_tokens == whole.usage.completion_tokens


def _plain(folder: Path) -> list[Any]:
    """Return what is in a job, without times and what a cache saved."""
    found = []
    for run in RunReader(folder).runs():
        plain = msgspec.to_builtins(run)
        for key in ("seconds", "usage_by_plugin"):
            plain.pop(key)
        for call in plain["calls"]:
            call.pop("usage")
        found.append(plain)
    return found


def test_a_budget_stops_a_job_which_can_go_on_under_a_larger_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    prices = Prices(input=1_000.0, output=1_000.0)
    with pytest.raises(JobStopped, match="--max-cost 1 reached"):
        run_job(out, _rows(200), limits=Limits(max_cost=1.0), prices=prices)
    spent = RunReader(out).manifest.usage
    limits = Limits(max_tokens_total=spent.prompt_tokens + spent.completion_tokens + 500)
    with pytest.raises(JobStopped, match="--max-tokens-total"):
        run_job(out, _rows(200), limits=limits)

    done = run_job(out, _rows(200))

    assert done.counts.answered == 200
    assert done.usage.requests == 200 * CALLS
    _sound(out)


def test_a_limit_can_be_raised_and_a_smaller_one_reads_nothing_more(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run_job(out, _rows(40), limit=10).counts.rows == 10
    assert run_job(out, _rows(40), limit=5).counts.rows == 10
    assert run_job(out, _rows(40), limit=25).counts.rows == 25
    assert run_job(out, _rows(40)).counts.rows == 40
    _sound(out)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"plugins": PLUGINS[:1]}, 'plan (["restate","check"], not ["restate"])'),
        (
            {"plugins": [(PLUGINS[0], {"max_calls": 2}), PLUGINS[1]]},
            "plan (restate options max_calls null, not 2)",
        ),
        ({"sampling": Sampling(samples=2)}, "sampling (samples 1, not 2)"),
        ({"seed": 1}, "seed (0, not 1)"),
        ({"answer_kind": "exact"}, 'answer_kind (null, not "exact")'),
        ({"order": Order(kind="random", seed=0)}, 'order (kind "input", not "random")'),
    ],
)
def test_a_job_goes_on_only_under_the_same_settings(
    tmp_path: Path, change: dict[str, Any], what: str
) -> None:
    run_job(tmp_path / "out", _rows(3))
    before = _content(tmp_path / "out")
    with pytest.raises(JobError, match=re.escape(f"begun with another {what};")):
        run_job(tmp_path / "out", _rows(3), **change)
    assert _content(tmp_path / "out") == before


def test_a_job_goes_on_only_with_files_as_they_were(tmp_path: Path) -> None:
    bank = tmp_path / "bank.txt"
    schema = {"type": "object", "properties": {"bank": {"type": "string", "format": "path"}}}
    reads = kind("reads", options=schema, scaffolds=lambda: bank.read_text())
    more: Any = {"plugins": [(reads, {"bank": str(bank)})]}
    bank.write_text("A hint.")
    run_job(tmp_path / "out", _rows(3), **more)
    (run, *_) = RunReader(tmp_path / "out").runs()
    assert [file.path for file in run.plan[0].files] == [str(bank)]
    assert problems("guidance-run", json.loads(_json(run))) == []
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert problems("guidance-manifest", manifest) == []
    _sound(tmp_path / "out")

    bank.write_text("Another.")

    with pytest.raises(JobError, match=r"bank\.txt \(option bank of reads\) is not what it was"):
        run_job(tmp_path / "out", _rows(5), **more)
    with pytest.raises(JobError, match=r"--reuse.*bank\.txt .* is not what it was then"):
        run_job(tmp_path / "again", _rows(5), reuse=tmp_path / "out", **more)
    bank.write_text("A hint.")
    assert run_job(tmp_path / "out", _rows(5), **more).counts.runs == 5


def test_a_job_goes_on_with_parts_of_the_size_it_was_begun_with(tmp_path: Path) -> None:
    out = tmp_path / "out"
    engine = _Stops(40)
    with pytest.raises(JobStopped):
        run_job(out, _rows(40), engine=engine, part_tasks=20)
    last = _Stops(10_000)
    done = run_job(out, _rows(40), engine=last, part_tasks=3)

    assert done.counts.parts == 2
    assert len(engine.asked) + len(last.asked) == 40 * CALLS
    _sound(out)


def test_what_went_well_in_another_job_is_taken_over_and_the_rest_run_again(tmp_path: Path) -> None:
    def asks(run: TaskRun) -> Clarification | None:
        return Clarification(question="Which?") if run.task.task_id in ("t2", "t30") else None

    plugins = [kind("asks", clarify=asks), kind("block", scaffolds=lambda: "Take care.")]
    fails = _Stops(10_000)
    fails.refused = "What is 7 "
    first = run_job(tmp_path / "first", _rows(40), plugins=plugins, engine=fails)
    assert (first.counts.clarification, first.counts.failed) == (2, 1)

    again = _Stops(10_000)
    more: Any = {"plugins": plugins, "engine": again, "reuse": tmp_path / "first"}
    answers = {"t2": "the left one", "t30": "the right one"}
    done = run_job(tmp_path / "again", _rows(42), answers=answers, **more)

    tasks = sorted(key.split("/")[0] for key in again.asked)
    assert tasks == ["t2", "t30", "t40", "t41", "t7"]
    assert (done.counts.answered, done.counts.correct, done.usage.requests) == (42, 42, 5)
    runs = list(RunReader(tmp_path / "again").runs())
    assert [run.task_id for run in runs] == [f"t{number}" for number in range(42)]
    assert runs[2].clarification is not None
    assert runs[2].clarification.answer == "the left one"
    _sound(tmp_path / "again")
    with pytest.raises(JobError, match=r"--reuse.*another sampling"):
        run_job(tmp_path / "other", _rows(2), sampling=Sampling(max_tokens=9), **more)


def test_another_input_is_refused_and_nothing_touched(tmp_path: Path) -> None:
    run_job(tmp_path / "out", _rows(20))
    before = _content(tmp_path / "out")
    with pytest.raises(JobError, match="its first 20 rows differ"):
        run_job(tmp_path / "out", [task_row(n) for n in range(1, 30)])
    assert _content(tmp_path / "out") == before


def _content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_two_jobs_cannot_write_to_one_folder(tmp_path: Path) -> None:
    with GuideFolder(tmp_path / "out").locked(), pytest.raises(JobLocked):
        run_job(tmp_path / "out", _rows(1))


def test_a_folder_is_given_back_only_when_nothing_is_written_to_it_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(*arguments: Any) -> Any:
        begun.set()
        go_on.wait(20)
        return commit(*arguments)

    monkeypatch.setattr(runner, "commit", slowly)
    plan = GuidePlan(
        folder=GuideFolder(tmp_path / "out"),
        plan=make_plan(PLUGINS),
        engine=answering(adds),
        part_tasks=8,
    )

    async def main() -> None:
        job = asyncio.create_task(runner.guide_job(plan, _rows(8)))
        await asyncio.to_thread(begun.wait, 20)
        job.cancel()
        await asyncio.sleep(0.05)
        assert not job.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await job

    asyncio.run(main())
    monkeypatch.setattr(runner, "commit", commit)
    assert run_job(tmp_path / "out", _rows(8)).counts.runs == 8
    _sound(tmp_path / "out")


def test_a_full_disk_stops_the_job_and_it_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write, left = os.write, [9]

    def full(descriptor: int, content: bytes) -> int:
        if content.startswith(b'{"type"'):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JobStopped, match="no space left on the disk"):
        run_job(out, _rows(20))
    monkeypatch.setattr(os, "write", write)

    assert run_job(out, _rows(20)).counts.answered == 20
    _sound(out)


def test_what_is_kept_of_a_part_survives_a_torn_line_and_tells_of_a_damaged_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "out" / "pending" / "part-00000.jsonl"
    with pytest.raises(JobStopped):
        run_job(tmp_path / "out", _rows(8), engine=_Stops(10))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type":"call","na')
    kept = Pending(path)
    assert path.read_bytes() == whole
    assert kept.usage.requests >= 10
    path.write_bytes(b"{}\n" + whole)
    with pytest.raises(JobDamaged, match=r"part-00000\.jsonl, line 1: unreadable"):
        run_job(tmp_path / "out", _rows(8))


def test_one_slow_task_does_not_let_parts_pile_up(tmp_path: Path) -> None:
    taken = 0

    def rows() -> Iterator[Any]:
        nonlocal taken
        for taken in range(400):
            yield task_row(taken)

    far = []

    async def slow(run: TaskRun) -> None:
        if run.task.task_id == "t0":
            await asyncio.sleep(0.5)
            far.append(taken)

    engine = ScriptedEngine.from_function(adds, concurrency=4)
    done = run_job(tmp_path / "out", rows(), plugins=[kind("slow", scaffolds=slow)], engine=engine)

    assert done.counts.answered == 400
    assert far[0] < 300


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda f: (f / "runs" / "part-00001.parquet").unlink(), "missing"),
        (lambda f: (f / "runs" / "part-00001.parquet").write_bytes(b"PAR1"), "changed since"),
        (lambda f: (f / "runs" / "part-00009.parquet").write_bytes(b"PAR1"), "in no ledger line"),
        (lambda f: (f / "quarantine.jsonl").write_bytes(b""), "in quarantine|unreadable"),
    ],
)
def test_the_proof_finds_what_is_wrong(tmp_path: Path, spoil: Any, problem: str) -> None:
    run_job(tmp_path / "out", [*_rows(12), bad_row(12)])
    spoil(tmp_path / "out")
    report = verify_runs(GuideFolder(tmp_path / "out"))
    assert any(re.search(problem, found) for found in report.problems)


def test_a_manifest_that_is_damaged_is_told(tmp_path: Path) -> None:
    run_job(tmp_path / "out", _rows(1))
    (tmp_path / "out" / "manifest.json").write_text('{"kind": "guidance"}')
    with pytest.raises(JobDamaged, match="unreadable"):
        RunReader(tmp_path / "out")
    with pytest.raises(JobError, match="cogtrace guide"):
        RunReader(tmp_path)


def test_a_manifest_says_what_the_engine_is(tmp_path: Path) -> None:
    manifest: Manifest = run_job(tmp_path / "out", _rows(1))
    assert (manifest.model.engine, manifest.model.model) == ("scripted", "smallest")
