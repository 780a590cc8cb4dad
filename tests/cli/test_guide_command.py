"""`cogtrace guide` as a program, and the other verbs on what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from in_process import InProcess

from cogtrace.schemas import problems

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]

TASKS = [
    {"id": f"q{n}", "question": f"What is {n} + 1?", "answer": str(n + 1), "set": "sums"}
    for n in range(6)
]


@pytest.fixture
def cogtrace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, run in this process."""
    return InProcess(monkeypatch, capsys)


@pytest.fixture
def tasks(write_jsonl: Write) -> Path:
    return write_jsonl(TASKS, "tasks.jsonl")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.json"
    sums = [
        {"when": rf"What is {n} \+ 1\?", "answer": f"Let me see.\nAnswer: {n + (n != 3)}"}
        for n in range(6)
    ]
    path.write_text(json.dumps({"rules": sums, "default": "Some words."}))
    return path


@pytest.fixture
def guided(cogtrace: Run, tasks: Path, rules: Path, tmp_path: Path) -> Path:
    out = tmp_path / "guided"
    done = cogtrace("guide", tasks, "--engine", "scripted", "-m", rules, "-o", out)
    assert done.returncode == 0, done.stderr
    return out


def test_tasks_are_answered_graded_and_summed_up(
    cogtrace: Run, tasks: Path, rules: Path, tmp_path: Path
) -> None:
    out = tmp_path / "guided"
    done = cogtrace(
        "guide", tasks, "--with", "restate", "--engine", "scripted", "-m", rules, "-o", out
    )

    assert done.returncode == 0, done.stderr
    assert "columns task_id=id, question=question, reference_answer=answer" in done.stderr
    assert "6 tasks: 6 answered" in done.stderr
    assert "5 of 6 answers right (83.3%)" in done.stderr
    runs = pl.read_parquet(out / "runs" / "*.parquet").sort("task_id")
    assert runs["answer"].to_list() == ["1", "2", "3", "3", "5", "6"]
    assert runs["meta"].to_list() == ['{"set":"sums"}'] * 6
    assert "reference" not in "".join(
        message["content"] for calls in runs["calls"] for c in calls for message in c["messages"]
    )


def test_the_other_verbs_take_what_it_leaves(cogtrace: Run, guided: Path, tmp_path: Path) -> None:
    verified = cogtrace("verify", guided)
    assert (verified.returncode, "nothing lost, nothing doubled" in verified.stdout) == (0, True)
    assert json.loads(cogtrace("verify", guided, "--json").stdout)["runs"] == 6
    shown = cogtrace("status", guided)
    assert "5 of 6 answers right" in shown.stdout
    state = json.loads(cogtrace("status", guided, "--json").stdout)
    assert (state["status"], state["counts"]["answered"]) == ("finished", 6)
    exported = cogtrace("export", guided, "--to", "jsonl").stdout.splitlines()
    records = [json.loads(line) for line in exported]
    assert sorted(record["task_id"] for record in records) == [task["id"] for task in TASKS]
    assert [problem for record in records for problem in problems("guidance-run", record)] == []
    refused = cogtrace("export", guided, "--to", "csv")
    assert (refused.returncode, "as jsonl only" in refused.stderr) == (2, True)

    annotated = cogtrace("annotate", guided, "--out", tmp_path / "annotated")
    assert annotated.returncode == 0, annotated.stderr
    traces = pl.read_parquet(tmp_path / "annotated" / "traces" / "*.parquet").sort("trace_id")
    assert traces["trace_id"].to_list() == [f"q{n}/c1" for n in range(6)]
    assert traces["correct"].to_list() == [True, True, True, False, True, True]
    assert traces["text"][0] == "Let me see.\nAnswer: 1"
    assert json.loads(traces["meta"][0])["plan"] == ""

    wrong = cogtrace("stats", guided)
    assert (wrong.returncode, "cogtrace annotate" in wrong.stderr) == (2, True)


def test_json_is_for_scripts(cogtrace: Run, tasks: Path, tmp_path: Path) -> None:
    done = cogtrace("guide", tasks, "--engine", "scripted", "-o", tmp_path / "out", "--json")

    found = json.loads(done.stdout)
    assert found["counts"]["runs"] == 6
    assert found["out"] == str(tmp_path / "out")


def test_the_questions_of_the_sample_are_tasks(cogtrace: Run, tmp_path: Path) -> None:
    done = cogtrace("guide", "@sample", "--engine", "scripted", "-o", tmp_path / "out")

    assert done.returncode == 0, done.stderr
    runs = pl.read_parquet(tmp_path / "out" / "runs" / "*.parquet")
    assert runs.height == 46
    assert runs["reference_answer"].null_count() < 46
    # What somebody wrote to solve them is not shown to anybody.
    assert runs["meta"].str.contains("text").sum() == 0


def test_columns_can_be_named(cogtrace: Run, write_jsonl: Write, tmp_path: Path) -> None:
    rows = [{"ask": "Why?", "about": {"text": "A passage."}, "no": 1}, {"ask": ""}, {"about": 1}]
    source = write_jsonl(rows)
    out = tmp_path / "out"
    done = cogtrace(
        *("guide", source, "--engine", "scripted", "-o", out, "--order", "input"),
        *("--map", "question=ask", "--map", "context=about.text", "--map", "task_id=no"),
    )

    assert done.returncode == 1
    assert "2 rows that are no task" in done.stderr
    (run,) = pl.read_parquet(out / "runs" / "*.parquet").to_dicts()
    assert (run["task_id"], run["context"]) == ("1", "A passage.")
    assert run["calls"][0]["messages"][0]["content"] == "A passage.\n\nWhy?"
    lost = (out / "quarantine.jsonl").read_text().splitlines()
    reasons = [json.loads(line)["reason"] for line in lost]
    assert reasons == ["empty-text", "no-text"]
    assert cogtrace(
        "guide", source, "--engine", "scripted", "-o", tmp_path / "b", "--map", "question=ask",
        "--allow-failed",
    ).returncode == 0  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tasks_come_in_other_formats_too(cogtrace: Run, tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame(TASKS)
    source = tmp_path / f"tasks.{suffix}"
    if suffix == "csv":
        frame.write_csv(source)
    else:
        frame.write_parquet(source)
    done = cogtrace("guide", source, "--engine", "scripted", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "6 tasks" in done.stderr


def test_a_dry_run_prints_the_prompts_and_asks_nobody(
    cogtrace: Run, tasks: Path, tmp_path: Path
) -> None:
    done = cogtrace("guide", tasks, "--with", "restate", "--dry-run", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "no model was asked; ⟦…⟧ stands for what one would answer" in done.stdout
    assert "== task q0" in done.stdout
    assert "-- call 1, by restate" in done.stdout
    assert "-- call 2, by pipeline" in done.stdout
    assert "⟦what the model answers to restate⟧" in done.stdout
    assert done.stdout.count("What is 0 + 1?") >= 2
    found = json.loads(cogtrace("guide", tasks, "--dry-run", "--json").stdout)
    assert (found["placeholders"], len(found["runs"])) == (True, 3)


def test_a_dry_run_shows_a_prompt_once_and_says_who_places_nothing(
    cogtrace: Run, tasks: Path
) -> None:
    done = cogtrace("guide", tasks, "--with", "analogy,vote:samples=3", "--dry-run", "--limit", "2")

    assert done.stdout.count("== task") == 2
    assert done.stdout.count("-- call 1, by analogy") == 2
    assert done.stdout.count("-- calls 2 to 4, by vote") == 2
    assert done.stdout.count("-- analogy placed no block: it makes one of a model's answer") == 2
    assert "-- call 2" not in done.stdout.replace("-- calls", "")


def test_answers_that_were_cut_off_and_questions_back_are_told_with_what_to_do(
    cogtrace: Run, tasks: Path, tmp_path: Path
) -> None:
    long = {"rules": [], "default": "Let me count: one, and then one more makes two."}
    (tmp_path / "long.json").write_text(json.dumps(long))
    job = ("guide", tasks, "--engine", "scripted", "--max-tokens", "4", "--limit", "2")
    done = cogtrace(*job, "-m", tmp_path / "long.json", "-o", tmp_path / "out")
    asked = cogtrace(*job, "--with", "clarify:mode=forced", "-o", tmp_path / "asked")

    assert "candidates were cut off and count only if" in done.stderr
    assert "--max-tokens was 4" in done.stderr
    assert "candidates were cut off" in cogtrace("status", tmp_path / "out").stdout
    assert f"--answers FILE --reuse {tmp_path / 'asked'} --out OTHER" in asked.stderr


def test_a_forecast_holds_what_the_job_then_takes(
    cogtrace: Run, tasks: Path, rules: Path, tmp_path: Path
) -> None:
    plan = ("guide", tasks, "--with", "restate", "--price-in", "1", "--price-out", "2")
    found = json.loads(cogtrace(*plan, "--plan-only", "--json").stdout)
    out = tmp_path / "out"
    done = cogtrace(*plan, "--engine", "scripted", "-m", rules, "-o", out, "--json")
    usage = json.loads(done.stdout)["usage"]

    assert found["requests"]["low"] <= usage["requests"] <= found["requests"]["high"]
    assert usage["completion_tokens"] <= found["completion tokens"]["high"]
    assert found["cost"]["low"] <= found["cost"]["expected"] <= found["cost"]["high"]
    text = cogtrace(*plan, "--plan-only").stdout
    assert "6 tasks (6 sampled, no model asked); restate" in text


def test_a_plan_file_and_answers_to_questions_back(
    cogtrace: Run, tasks: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "plugins: [{plugin: restate, options: {max_calls: 4}}]\nsampling: {samples: 2}\n"
    )
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"task_id": "q0", "answer": "yes"}\n')
    out = tmp_path / "out"
    done = cogtrace(
        *("guide", tasks, "--plan", plan, "--engine", "scripted", "-o", out),
        *("--answers", answers, "--temperature", "0.5", "--limit", "2", "--json"),
    )

    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert found["sampling"] == {"samples": 2, "temperature": 0.5, "max_tokens": 2048}
    assert found["plan"][0]["options"]["max_calls"] == 4
    assert found["counts"]["rows"] == 2
    answers.write_text('{"task_id": "q0"}\n')
    bad = cogtrace(
        "guide", tasks, "--answers", answers, "--engine", "scripted", "-o", tmp_path / "b"
    )
    assert (bad.returncode, "line 1: is neither one JSON object" in bad.stderr) == (
        2,
        True,
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--with", "nobody"), "--with nobody: unknown; there is"),
        (("--with", "restate,restate"), "restate is named twice"),
        (("--with", "restate:kk=1"), "--with restate: no option 'kk'"),
        (("--plan", "none.yaml"), "--plan none.yaml: cannot be read"),
        (("--map", "text=a"), "'text' is no field of a task"),
        ((), "--out DIR: say where"),
        (("-o", "out"), "--engine: say which model answers"),
        (("-o", "out", "--engine", "scripted", "--max-cost", "1"), "needs prices"),
    ],
)
def test_what_cannot_be_is_told_in_words(
    cogtrace: Run, tasks: Path, tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    done = cogtrace("guide", tasks, *arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_an_input_without_questions_names_its_columns(cogtrace: Run, write_jsonl: Write) -> None:
    done = cogtrace("guide", write_jsonl([{"a": "x", "b": "y"}]), "--dry-run")
    assert (done.returncode, "--map question=COLUMN" in done.stderr) == (2, True)


def test_a_finished_job_is_not_run_again_and_a_full_folder_not_touched(
    cogtrace: Run, tasks: Path, rules: Path, guided: Path
) -> None:
    job = ("guide", tasks, "--engine", "scripted", "-m", rules, "-o", guided)
    again = cogtrace(*job)
    assert (again.returncode, "holds a job already" in again.stderr) == (2, True)
    resumed = cogtrace(*job, "--resume", "--json")
    assert resumed.returncode == 0
    assert json.loads(resumed.stdout)["usage"]["requests"] == 6


def test_a_bound_on_tokens_stops_the_job_with_its_own_code(
    cogtrace: Run, tasks: Path, tmp_path: Path
) -> None:
    job = ("guide", tasks, "--engine", "scripted", "-o", tmp_path / "out", "--concurrency", "1")
    stopped = cogtrace(*job, "--max-tokens-total", "20")
    assert (stopped.returncode, "--max-tokens-total 20 reached" in stopped.stderr) == (3, True)
    assert cogtrace("status", tmp_path / "out").returncode == 3
    assert cogtrace("verify", tmp_path / "out").returncode == 3
    assert cogtrace(*job, "--resume").returncode == 0
    assert cogtrace("verify", tmp_path / "out").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        pytest.param(signal.SIGINT, 130, "interrupted", id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 143, "terminated", id="SIGTERM"),
    ],
)
def test_a_job_asked_to_end_ends_soon_says_so_and_goes_on_later(
    cogtrace: Run, tmp_path: Path, write_jsonl: Write, sent: signal.Signals, code: int, reason: str
) -> None:
    rows: list[dict[str, Any]] = [{"id": str(n), "question": f"What is {n}?"} for n in range(300)]
    source = write_jsonl(rows)
    out = tmp_path / "out"
    job = ["guide", str(source), "--engine", "scripted", "-o", str(out), "--concurrency", "2"]
    slow = [*job, "--engine-arg", "latency_ms=40"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cogtrace", *slow], stderr=subprocess.DEVNULL, env=os.environ
    )
    pending = out / "pending" / "part-00000.jsonl"
    deadline = time.monotonic() + 30
    while not (pending.exists() and pending.stat().st_size > 1_000):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(sent)

    assert process.wait(20) == code
    left = json.loads((out / "manifest.json").read_text())
    assert (left["status"], left["stopped"]) == ("interrupted", reason)
    resumed = cogtrace(*job, "--engine-arg", "latency_ms=0", "--resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    found = json.loads(resumed.stdout)
    assert (found["counts"]["runs"], found["usage"]["requests"] <= 302) == (300, True)
