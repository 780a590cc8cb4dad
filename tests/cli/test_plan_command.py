"""`cogtrace plan` as a program: what it says holds, and what it advises works."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess
from plan_command import PRICES, SCRIPTED, SERVER, Run, plan, usage_of

Write = Callable[..., Path]


@pytest.fixture
def cogtrace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, run in this process."""
    return InProcess(monkeypatch, capsys)


@pytest.fixture
def traces(write_jsonl: Write, make_rows: Callable[..., list[dict[str, Any]]]) -> Path:
    return write_jsonl(make_rows(12))


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(PRICES), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="plain"),
        pytest.param(("--votes", "2", "--ask", "all", "--quotes"), id="votes"),
        pytest.param(("--annotator", "hybrid", "--ask", "element", "--audit", "0"), id="hybrid"),
        pytest.param(("--window-tokens", "150", "--overlap", "1"), id="windows"),
    ],
)
def test_the_command_it_ends_with_runs_and_takes_what_it_says(
    cogtrace: Run, traces: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    said = cogtrace("plan", traces.name, *SCRIPTED, *options, cwd=tmp_path)
    found = plan(cogtrace, tmp_path, traces.name, *SCRIPTED, *options)

    program, *command = shlex.split(found["command"])
    done = cogtrace(*command, cwd=tmp_path)

    assert program == "cogtrace"
    assert said.stdout.splitlines()[-1] == f"to run it: {found['command']}"
    assert done.returncode == 0, done.stderr
    spent = usage_of(tmp_path / "out")
    assert found["exact"] is True
    assert found["requests"]["low"] == spent.requests
    for name in ("prompt_tokens", "completion_tokens"):
        assert found[name]["low"] <= getattr(spent, name) <= found[name]["high"]
    share = spent.cached_tokens / spent.prompt_tokens
    assert found["cached_share"]["low"] <= share <= found["cached_share"]["high"]


def test_the_table_is_aligned_and_says_what_is_not_known(
    program: Run, traces: Path, tmp_path: Path
) -> None:
    done = program("plan", traces.name, *SERVER, "--max-minutes", "5", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "12 traces"
    head = next(number for number, line in enumerate(lines) if line.endswith("high"))
    assert [line.split("  ")[0] for line in lines[head + 1 : head + 3]] == [
        "requests",
        "prompt tokens",
    ]
    assert {len(line) for line in lines[head : head + 5]} == {len(lines[head])}
    assert "time                unknown; measure it with --probe 8" in lines
    assert "cost                unknown; give --price-in and --price-out" in lines
    assert "--max-minutes 5: how far that goes is as unknown as what it limits" in lines
    assert "the context of the model is not known; windows of 8,192 tokens are assumed" in (
        done.stderr
    )


def test_nothing_is_asked_without_a_probe_and_an_unreachable_server_is_named_with_one(
    cogtrace: Run, traces: Path, tmp_path: Path
) -> None:
    plain = cogtrace("plan", traces.name, *SERVER, cwd=tmp_path)
    probed = cogtrace("plan", traces.name, *SERVER, "--probe", "2", cwd=tmp_path)

    assert plain.returncode == 0, plain.stderr
    assert probed.returncode == 2
    assert "no answer from http://127.0.0.1:9/v1" in probed.stderr
    assert "is the server running" in probed.stderr


def test_a_probe_measures_tokens_and_time(cogtrace: Run, traces: Path, tmp_path: Path) -> None:
    slow = (*SCRIPTED, "--engine-arg", "latency_ms=150", "--concurrency", "8")
    found = plan(cogtrace, tmp_path, traces.name, *slow, "--probe", "3", "--price-hour", "3600")
    plain = plan(cogtrace, tmp_path, traces.name, *slow)

    probe = found["probe"]
    assert (probe["traces"], probe["usage"]["requests"]) == (3, 12)
    assert (probe["repairs"], probe["unusable"], probe["concurrency"]) == (0, 0, 8)
    assert found["requests"]["expected"] == 48
    # 48 requests of 0.15 s, 8 at a time, take 0.9 s; much more on a busy machine.
    assert 0.5 < found["seconds"]["expected"] < 10
    assert found["cost"] == pytest.approx(found["seconds"])
    assert (plain["probe"], plain["seconds"]) == (None, None)
    wide = [
        each["completion_tokens"]["high"] / each["completion_tokens"]["low"]
        for each in (found, plain)
    ]
    assert wide[0] < wide[1]


def test_a_probe_keeps_to_the_budget(cogtrace: Run, traces: Path, tmp_path: Path) -> None:
    done = cogtrace(
        *("plan", traces.name, *SCRIPTED, "--probe", "8", "--max-tokens-total", "20000"),
        *("--concurrency", "1"),
        cwd=tmp_path,
    )

    assert done.returncode == 3
    assert "--probe: stopped after" in done.stderr
    assert "of 8 traces: --max-tokens-total 20,000 reached" in done.stderr


def test_the_command_holds_all_that_was_given_and_nothing_else(
    cogtrace: Run, make_rows: Callable[..., Any], write_jsonl: Write, tmp_path: Path
) -> None:
    write_jsonl(make_rows(3), "it's a; file.jsonl")
    (tmp_path / "out").mkdir()
    given = ("--model", "large", "--base-url", "http://me:secret@127.0.0.1:9/v1")

    done = cogtrace(
        *("plan", "it's a; file.jsonl", "--engine", "openai", *given, "--quotes", "--sample", "2"),
        *("--context", "30000", "--prompts-to", "p", "--map", "text=text", "--map", "model=model"),
        cwd=tmp_path,
        env={**os.environ, "COGTRACE_VOTES": "3"},
    )

    assert done.returncode == 0, done.stderr
    command = shlex.split(done.stdout.splitlines()[-1].removeprefix("to run it: "))
    assert command == [
        *("cogtrace", "annotate", "it's a; file.jsonl"),
        *("--map", "text=text", "--map", "model=model"),
        *("--engine", "openai", "--model", "large", "--base-url", "http://127.0.0.1:9/v1"),
        *("--votes", "3", "--quotes", "--out", "out-2"),
    ]
    assert "secret" not in done.stdout + done.stderr


def test_rows_that_cost_nothing_or_come_otherwise_are_told(
    cogtrace: Run, write_jsonl: Write, tmp_path: Path
) -> None:
    long = " ".join(f"This is sentence {n} of a long trace." for n in range(400))
    rows = [{"id": f"t{n}", "text": f"One. Two. {n % 3}"} for n in range(6)]
    path = write_jsonl([*rows, "{broken", {"id": "long", "text": long}])
    windows = ("--window-tokens", "200", "--max-windows", "3")

    done = cogtrace("plan", path.name, *SCRIPTED, *windows, cwd=tmp_path)
    found = plan(cogtrace, tmp_path, path.name, *SCRIPTED, *windows)

    assert "7 traces (4 sampled), 3 of them copies that cost nothing" in done.stdout
    assert "1 of 8 rows hold no trace and would be quarantined" in done.stderr
    assert "1 of 4 sampled traces need more than --max-windows 3 windows" in done.stderr
    assert found["requests"]["low"] == 3 * 4


def test_a_limit_is_planned_as_the_job_takes_it(
    cogtrace: Run, traces: Path, tmp_path: Path
) -> None:
    found = plan(cogtrace, tmp_path, traces.name, *SCRIPTED, "--limit", "6")

    assert cogtrace(*shlex.split(found["command"])[1:], cwd=tmp_path).returncode == 0
    spent = usage_of(tmp_path / "out")
    assert spent.requests == found["requests"]["low"] == 24
    assert found["prompt_tokens"]["low"] <= spent.prompt_tokens <= found["prompt_tokens"]["high"]


def test_three_prompts_are_written_as_they_would_be_sent_and_safe_to_show(
    cogtrace: Run, write_jsonl: Write, tiny_taxonomy: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(tiny_taxonomy), encoding="utf-8")
    hostile = "\x1b[31mRed. Let me reread. \x07 Done."
    rows = [{"id": "\x1b[2Jt0", "text": hostile}, {"id": "t1", "text": "One. " * 99}]
    write_jsonl([*rows, {"id": "t2", "text": "Back to square one. " * 5}])
    taxonomy = ("--taxonomy", "tiny.json", "--ask", "element")

    found = plan(cogtrace, tmp_path, "traces.jsonl", *SCRIPTED, *taxonomy, "--prompts-to", "p")

    assert found["prompts"] == [str(Path("p") / f"prompt-{n}.txt") for n in (1, 2, 3)]
    texts = [(tmp_path / name).read_text(encoding="utf-8") for name in found["prompts"]]
    assert all("\x1b" not in text and "\x07" not in text for text in texts)
    assert "Let me reread." in texts[0]
    for text, element in zip(texts, tiny_taxonomy["elements"], strict=True):
        assert f"- {element['id']}" in text or element["id"] in text.split("# user", 1)[1]
        assert '"additionalProperties": false' in text
    assert found["questions"] == 3


def test_a_big_input_is_sampled(
    cogtrace: Run, write_jsonl: Write, make_rows: Callable[..., Any], tmp_path: Path
) -> None:
    write_jsonl(make_rows(3_000))
    began = time.monotonic()

    found = plan(cogtrace, tmp_path, "traces.jsonl", *SCRIPTED, "--sample", "20")

    assert time.monotonic() - began < 30
    assert (found["rows"], found["sampled"]) == (3_000, 20)
    assert found["requests"]["low"] == (3_000 - found["copies"]) * 4
    assert found["prompt_tokens"]["high"] / found["prompt_tokens"]["low"] < 1.5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["gone.jsonl", *SCRIPTED], ["gone.jsonl: no such file"], id="missing"),
        pytest.param(["traces.jsonl"], ["needs --engine", "--model"], id="no-engine"),
        pytest.param(["traces.jsonl", "--engine", "x"], ["x", "vllm, openai"], id="engine"),
        pytest.param(
            ["traces.jsonl", "--annotator", "cue"], ["cue", "nothing to plan"], id="no-model"
        ),
        pytest.param(
            ["traces.jsonl", *SCRIPTED, "--price-in", "1"], ["--price-out"], id="one-price"
        ),
        pytest.param(
            ["traces.jsonl", *SCRIPTED, "--price-cached", "1"], ["--price-in"], id="cached-price"
        ),
        pytest.param(
            ["traces.jsonl", *SCRIPTED, "--max-cost", "1"], ["--prices"], id="cost-no-price"
        ),
        pytest.param(
            ["traces.jsonl", *SCRIPTED, "--prices", "prices.json"], ["--model"], id="which-model"
        ),
        pytest.param(
            ["traces.jsonl", *SCRIPTED, "--context", "2000"],
            ["context of 2,000 tokens", "--ask element"],
            id="small-context",
        ),
        pytest.param(["traces.jsonl", *SCRIPTED, "--prompts", "v0"], ["v0", "(v1)"], id="prompts"),
        pytest.param(
            ["traces.jsonl", *SCRIPTED, "--prompts-to", "traces.jsonl"],
            ["--prompts-to traces.jsonl", "cannot be written to"],
            id="prompts-to",
        ),
        pytest.param(["traces.jsonl", *SCRIPTED, "--engine-arg", "x"], ["KEY=VALUE"], id="arg"),
        pytest.param(["empty.jsonl", *SCRIPTED], ["empty.jsonl: no trace in it"], id="empty"),
        pytest.param(
            ["traces.jsonl", *SCRIPTED, "--elements", "verifying"], ["verification"], id="element"
        ),
    ],
)
def test_what_cannot_be_planned_says_why_and_exits_2(
    cogtrace: Run, traces: Path, prices: Path, tmp_path: Path, arguments: list[str], says: list[str]
) -> None:
    (tmp_path / "empty.jsonl").write_text("{broken\n", encoding="utf-8")

    done = cogtrace("plan", *arguments, cwd=tmp_path)

    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    for part in says:
        assert part in " ".join(done.stderr.split())


def test_an_engine_argument_that_is_no_number_is_left_to_the_engine(
    cogtrace: Run, traces: Path, tmp_path: Path
) -> None:
    engine = ("--engine", "vllm", "--model", "x", "--engine-arg", "max_model_len=8k")

    done = cogtrace("plan", traces.name, *engine, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "the context of the model is not known" in done.stderr
