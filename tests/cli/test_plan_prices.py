"""What `cogtrace plan` says of money, and where prices come from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess
from plan_command import PRICES, SCRIPTED, SERVER, Run, plan

from cogtrace.annotator.job import JobReader
from cogtrace.schemas import problems

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


def test_money_comes_from_a_table_of_prices_or_from_options(
    cogtrace: Run, traces: Path, prices: Path, tmp_path: Path
) -> None:
    table = plan(cogtrace, tmp_path, traces.name, *SERVER, "--prices", prices)
    given = ("--price-in", "3", "--price-out", "15", "--price-cached", "1")
    said = plan(cogtrace, tmp_path, traces.name, *SERVER, *given)
    # What is said on the command line comes before what is in a table.
    free = ("--prices", prices, "--price-in", "0", "--price-out", "0")
    nothing = plan(cogtrace, tmp_path, traces.name, *SERVER, *free)

    assert table["cost"] == said["cost"]
    tokens, share = table["prompt_tokens"]["expected"], table["cached_share"]["expected"]
    answers = table["completion_tokens"]["expected"]
    cost = (tokens * (1 - share) * 3 + tokens * share * 1 + answers * 15) / 1e6
    assert table["cost"]["expected"] == pytest.approx(cost, rel=0.001)
    assert nothing["cost"] == {"low": 0, "expected": 0, "high": 0}


def test_a_job_takes_the_same_table_and_keeps_what_it_used(
    cogtrace: Run, traces: Path, tmp_path: Path
) -> None:
    (tmp_path / "rules.json").write_text('{"rules": []}', encoding="utf-8")
    table = tmp_path / "prices.json"
    table.write_text('{"rules.json": {"input": 2, "output": 4}}', encoding="utf-8")
    command = ("annotate", traces.name, "--engine", "scripted", "--model", "rules.json")

    done = cogtrace(*command, "--out", "out", "--prices", table, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    manifest = JobReader(tmp_path / "out").manifest
    assert manifest.options["prices"] == {"input": 2.0, "output": 4.0, "cached": None}
    assert problems("manifest", json.loads((tmp_path / "out/manifest.json").read_bytes())) == []
    assert "; cost " in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, ["cannot be read"], id="missing"),
        pytest.param("[1]", ["not a JSON object"], id="list"),
        pytest.param("{", ["not a JSON object"], id="torn"),
        pytest.param('{"large": 3}', ["large", "object", '{"input": 1, "output": 2'], id="number"),
        pytest.param('{"large": {"input": 3}}', ["large", "output"], id="half"),
        pytest.param('{"large": {"input": "3", "output": 1}}', ["large", "input"], id="text"),
        pytest.param('{"large": {"input": 3, "output": 1, "in": 2}}', ["large", "`in`"], id="more"),
        pytest.param('{"x": {"input": -3, "output": 1}}', ["x: input -3 is no price"], id="minus"),
        pytest.param('{"larg": {"input": 3, "output": 1}}', ["'large'; it has larg"], id="other"),
        pytest.param("{}", ["'large'; it is empty"], id="empty"),
    ],
)
def test_a_table_of_prices_that_is_of_no_use_is_refused_with_the_place(
    cogtrace: Run, traces: Path, tmp_path: Path, content: str | None, says: list[str]
) -> None:
    if content is not None:
        (tmp_path / "p.json").write_text(content, encoding="utf-8")

    done = cogtrace("plan", traces.name, *SERVER, "--prices", "p.json", cwd=tmp_path)

    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    for part in ("--prices p.json: ", *says):
        assert part in done.stderr


def test_what_a_budget_covers_is_said(cogtrace: Run, traces: Path, tmp_path: Path) -> None:
    money = ("--price-in", "1", "--price-out", "1")
    limits = ("--max-cost", "0.06", "--max-tokens-total", "99000000")

    done = cogtrace("plan", traces.name, *SCRIPTED, *money, *limits, cwd=tmp_path)
    found = plan(cogtrace, tmp_path, traces.name, *SCRIPTED, *money, *limits)

    assert "--max-tokens-total 99,000,000 is enough for the whole job" in done.stdout
    tokens, cost = found["covered"]
    assert tokens["share"] == {"low": 1, "expected": 1, "high": 1}
    assert cost["limit"] == "--max-cost 0.06"
    share = cost["share"]
    assert share["expected"] == pytest.approx(0.06 / found["cost"]["expected"])
    assert 0 < share["low"] < share["expected"] < share["high"] < 1
    assert f"--max-cost 0.06 stops the job at about {share['expected']:.0%}" in done.stdout
