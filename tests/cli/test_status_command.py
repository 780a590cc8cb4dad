"""`cogtrace status` tells the state of any job, and by its exit code whether it is done."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess

from cogtrace.annotator.job import JobFolder

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]

SCRIPTED = ("--engine", "scripted", "--engine-arg", "fill=random")
COGTRACE = (sys.executable, "-m", "cogtrace")
SMALL = ("--part-traces", "4")
PRICES = ("--price-in", "1", "--price-out", "4")
# Every name of the JSON that scripts may rely on.
NAMES = {
    *("format", "cogtrace", "status", "created", "updated", "inputs", "taxonomy", "annotator"),
    *("elements", "options", "counts", "order", "rows_in_input", "stopped", "usage", "tally"),
    *("seconds", "platform", "units", "cost", "quarantine_reasons", "kept_answers", "running"),
}


@pytest.fixture
def cogtrace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, run in this process."""
    return InProcess(monkeypatch, capsys)


def _texts(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stdout.split())


def _told(cogtrace: Run, out: Path, code: int) -> dict[str, Any]:
    done = cogtrace("status", out, "--json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.keys() == NAMES
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished job of ten traces, with a bad row, at known prices."""
    folder = tmp_path_factory.mktemp("finished")
    rows = [
        json.dumps({"id": f"t{n}", "text": f"First {n}. Then wait. So {n}."}) for n in range(10)
    ]
    (folder / "traces.jsonl").write_text("\n".join([*rows, "{broken"]) + "\n", encoding="utf-8")
    done = subprocess.run(
        [*COGTRACE, "annotate", "traces.jsonl", "--out", "out", *SCRIPTED, *PRICES, *SMALL],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return folder / "out"


@pytest.fixture
def job(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished job, to be harmed."""
    return Path(shutil.copytree(finished, tmp_path / "job"))


def test_a_finished_job_is_told_with_its_costs_and_losses(program: Run, finished: Path) -> None:
    done = program("status", finished)

    assert done.returncode == 0, done.stderr
    said = _texts(done)
    assert f"{finished}: finished" in said
    assert "11 of 11 rows (100%): 10 traces, 0 duplicates, 1 quarantined" in said
    assert "280 units (trace x element) done, 0 without a usable answer, 0 pending" in said
    assert "quarantined 1 bad-json" in said
    assert said.count(" 10 answered 0 unusable") == 4
    found = _told(program, finished, 0)
    usage = found["usage"]
    assert usage["requests"] == 40
    cost = (usage["prompt_tokens"] * 1 + usage["completion_tokens"] * 4) / 1e6
    assert found["cost"] == pytest.approx(cost)
    assert f"cost {cost:,.2f}" in said
    assert found["units"] == {"done": 280, "failed": 0, "pending": 0}
    assert found["quarantine_reasons"] == {"bad-json": 1}
    assert [kept["answered"] for kept in found["kept_answers"]] == [10] * 4
    assert found["running"] is False


def test_looking_at_a_job_changes_nothing_of_what_it_tells(cogtrace: Run, job: Path) -> None:
    first = cogtrace("status", job, "--json")
    manifest = (job / "manifest.json").read_bytes()
    time.sleep(1.1)  # times are told to the second

    assert cogtrace("status", job, "--json").stdout == first.stdout
    assert (job / "manifest.json").read_bytes() == manifest
    assert cogtrace("verify", job).returncode == 0


def test_only_the_rows_that_a_limit_asks_for_are_pending(
    cogtrace: Run, write_jsonl: Write, make_rows: Callable[..., Any], tmp_path: Path
) -> None:
    command = ("annotate", write_jsonl(make_rows(9)), "--out", tmp_path / "out", *SCRIPTED)
    assert cogtrace(*command, "--limit", 5, "--elements", "verification").returncode == 0

    found = _told(cogtrace, tmp_path / "out", 0)

    assert found["units"] == {"done": 5, "failed": 0, "pending": 0}
    assert "5 of 5 rows (100%)" in _texts(cogtrace("status", tmp_path / "out"))


def test_a_job_that_a_budget_stopped_says_so_and_exits_3(
    cogtrace: Run, write_jsonl: Write, make_rows: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("annotate", write_jsonl(make_rows(40)), "--out", out, *SCRIPTED)
    stopped = cogtrace(*command, "--part-traces", 4, "--max-tokens-total", 50_000)
    assert stopped.returncode == 3, stopped.stderr

    done = cogtrace("status", out)

    assert done.returncode == 3
    said = _texts(done)
    assert "interrupted: --max-tokens-total 50,000 reached (go on with --resume)" in said
    assert "what is done is a random sample of the input (seed 0)" in said
    found = _told(cogtrace, out, 3)
    rows = found["counts"]["rows"]
    assert 0 < rows < 40
    assert found["units"] == {"done": rows * 28, "failed": 0, "pending": (40 - rows) * 28}
    assert found["usage"]["prompt_tokens"] > 40_000
    assert found["cost"] is None
    assert cogtrace(*command, "--resume").returncode == 0
    assert _told(cogtrace, out, 0)["units"]["pending"] == 0


@pytest.fixture
def slow_job(
    write_jsonl: Write, make_rows: Callable[..., Any], tmp_path: Path
) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Yield a job that is running, once it has committed something, and its process."""
    out = tmp_path / "slow"
    process = subprocess.Popen(
        [
            *(*COGTRACE, "annotate", str(write_jsonl(make_rows(60))), "--out", str(out)),
            *(*SCRIPTED, "--engine-arg", "latency_ms=300", "--concurrency", "4", *PRICES, *SMALL),
        ],
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    ledger = JobFolder(out).ledger
    while not (ledger.exists() and ledger.stat().st_size):
        assert process.poll() is None, "the job ended too early"
        assert time.monotonic() < deadline, "the job commits nothing"
        time.sleep(0.05)
    yield out, process
    process.kill()
    process.wait()


def test_a_running_job_is_told_from_a_killed_one(
    cogtrace: Run, slow_job: tuple[Path, subprocess.Popen[bytes]]
) -> None:
    out, process = slow_job
    running = cogtrace("status", out)
    found = _told(cogtrace, out, 3)
    assert process.poll() is None, "the job ended too early"
    process.kill()
    process.wait()
    killed = cogtrace("status", out)
    left = _told(cogtrace, out, 3)

    assert running.returncode == killed.returncode == 3
    assert f"{out}: running\n" in running.stdout
    assert "costs and answers kept are shown when no job is running" in running.stdout
    assert found["running"] is True
    assert f"{out}: killed (go on with --resume)\n" in killed.stdout
    assert left["running"] is False
    # The manifest was last written when the job began; the answers know what it has cost.
    assert json.loads((out / "manifest.json").read_bytes())["usage"] == {}
    assert (found["usage"], found["cost"]) == (None, None)
    kept = sum(group["answered"] for group in left["kept_answers"])
    assert left["usage"]["requests"] >= kept >= left["counts"]["traces"] * 4 > 0
    assert left["cost"] > 0


def test_a_job_without_a_model_has_no_costs(
    cogtrace: Run, write_jsonl: Write, make_rows: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert cogtrace("annotate", write_jsonl(make_rows(5)), "--out", out).returncode == 0

    done = cogtrace("status", out)

    assert done.returncode == 0, done.stderr
    assert "5 rows: 5 traces" in done.stdout
    assert "140 units (trace x element) done" in done.stdout
    for word in ("requests", "answers kept", "cost"):
        assert word not in done.stdout
    found = _told(cogtrace, out, 0)
    assert (found["usage"], found["cost"], found["kept_answers"]) == (None, None, [])
    assert not (out / "answers.sqlite").exists()


def test_answers_of_no_use_are_counted_by_reason(
    cogtrace: Run, write_jsonl: Write, make_rows: Callable[..., Any], tmp_path: Path
) -> None:
    reversed_range = {"evidence": [[2, 1]], "reason": "no", "score": 1}
    rules = {"rules": [{"when": "verification", "answer": {"verification": reversed_range}}]}
    (tmp_path / "rules.json").write_text(json.dumps(rules), encoding="utf-8")
    out = tmp_path / "out"
    command = ("annotate", write_jsonl(make_rows(6, sentences=3)), "--out", out)
    model = ("--engine", "scripted", "--model", tmp_path / "rules.json", "--ask", "element")
    done = cogtrace(*command, *model, "--elements", "verification,abstraction")
    assert done.returncode == 1, done.stderr

    found = _told(cogtrace, out, 0)

    lost = found["units"]["failed"]
    assert lost == 6
    assert found["units"] == {"done": 6, "failed": 6, "pending": 0}
    assert all(reason.startswith("answers: ") for reason in found["quarantine_reasons"])
    assert sum(found["quarantine_reasons"].values()) == 6
    said = _texts(cogtrace("status", out))
    assert "6 without a usable answer" in said
    assert "verification" in said
    assert "0 answered 6 unusable" in said


HARM: dict[str, tuple[Callable[[Path], object], str]] = {
    "manifest": (lambda job: (job / "manifest.json").write_text("{"), "manifest.json: unreadable"),
    "ledger": (lambda job: (job / "ledger.jsonl").write_text("{}\n"), "ledger.jsonl, line 1"),
    "no-ledger": (lambda job: (job / "ledger.jsonl").unlink(), "the ledger has 0"),
    "answers": (
        lambda job: (job / "answers.sqlite").write_text("not a database, but rather long" * 9),
        "answers.sqlite: damaged",
    ),
    "quarantine": (
        lambda job: (job / "quarantine.jsonl").write_text("{" * 400),
        "quarantine.jsonl: unreadable",
    ),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_job_is_called_so_in_words_with_exit_code_1(
    cogtrace: Run, job: Path, harm: str
) -> None:
    do, says = HARM[harm]
    do(job)

    done = cogtrace("status", job)

    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert says in done.stderr


def test_a_place_without_a_job_makes_the_exit_code_2_and_is_left_alone(
    cogtrace: Run, tmp_path: Path
) -> None:
    done = cogtrace("status", tmp_path / "nowhere")

    assert done.returncode == 2
    assert "no job here" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_may_only_be_read_is_told_without_its_answers(cogtrace: Run, job: Path) -> None:
    # Root may write anywhere, but no one a lock where a folder is.
    (job / ".lock").unlink()
    (job / ".lock").mkdir()

    done = cogtrace("status", job)

    assert done.returncode == 0, done.stderr
    assert "280 units (trace x element) done" in done.stdout
    assert "the answers kept cannot be looked at" in done.stdout
    assert "40 requests" in done.stdout
    assert _told(cogtrace, job, 0)["kept_answers"] == []
