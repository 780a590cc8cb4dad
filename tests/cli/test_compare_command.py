"""`cogtrace compare` as a program."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cogtrace.cli.main import app
from cogtrace.errors import CogtraceError
from cogtrace.plugins.job import GuideFolder, verify_runs
from cogtrace.schemas import problems

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]

N = 48
TASKS = [
    {
        "id": f"q{n}",
        "question": f"What is {n} + 1?",
        "answer": str(n + 1),
        "problem_type": "story" if n % 2 else "logical",
    }
    for n in range(N)
]
MARK = "End of the restatement"
HOSTILE = "<script>alert(1)</script> \x1b[31m[bold]"


def _rules(path: Path, gained: int, always: int = 12) -> Path:
    """Write rules: some tasks are always solved, some only with a restatement."""
    rules: list[dict[str, Any]] = [{"when": "Restate this problem", "answer": "A sum."}]
    for n in range(N):
        question = rf"What is {n} \+ 1\?"
        answer = f"Let me see. {HOSTILE}\nAnswer: {n + 1}"
        if n < gained:
            rules.append({"when": rf"{MARK}[\s\S]*{question}", "answer": answer})
        elif n < gained + always:
            rules.append({"when": question, "answer": answer})
    path.write_text(json.dumps({"rules": rules, "default": f"No idea. {HOSTILE}\nAnswer: none"}))
    return path


@pytest.fixture
def here() -> Run:
    """Return a function that runs a command in this process, which takes no time to start."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        done = CliRunner().invoke(app, [*map(str, arguments)])
        if isinstance(done.exception, CogtraceError):
            message = f"{done.stderr}error: {done.exception}"
            code = done.exception.exit_code
            return subprocess.CompletedProcess([], code, done.stdout, message)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess([], done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def tasks(write_jsonl: Write) -> Path:
    return write_jsonl(TASKS, "tasks.jsonl")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return _rules(tmp_path / "rules.json", gained=16)


@pytest.fixture
def arguments(tasks: Path, rules: Path) -> list[object]:
    return [
        *("compare", tasks, "--arms", "plain,restate", "--engine", "scripted"),
        *("-m", rules, "--bootstrap", 300),
    ]


def test_a_planted_gain_is_shown_with_its_cost_and_nothing_is_said_of_the_control(
    cogtrace: Run, arguments: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"

    done = cogtrace(*arguments, "-o", out)

    assert done.returncode == 0, done.stderr
    assert "Can find with 80% power" in done.stderr.partition("arms run in")[0]
    shown = {
        tuple(line.split()[:3]): line
        for line in done.stdout.splitlines()
        if re.match(r"\w+ – \w+", line)
    }
    assert shown["restate", "–", "plain"].endswith("better")
    assert "+33.3 [" in shown["restate", "–", "plain"]
    assert "16/0" in shown["restate", "–", "plain"]
    assert shown["restate", "–", "control"].endswith("better")
    assert shown["control", "–", "plain"].endswith("no difference shown")
    assert "restate says it raises goal-management, which" in done.stdout
    assert "gained by restate: q" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    for arm in ("plain", "restate", "control"):
        assert verify_runs(GuideFolder(out / "arms" / arm)).problems == []


def test_where_nothing_is_planted_nothing_is_shown(here: Run, tasks: Path, tmp_path: Path) -> None:
    rules = _rules(tmp_path / "null.json", gained=0)

    done = here(
        *("compare", tasks, "--arms", "plain,restate", "--engine", "scripted"),
        *("-m", rules, "-o", tmp_path / "out", "--no-uptake", "--no-control"),
    )

    assert done.returncode == 0, done.stderr
    assert "no difference shown" in done.stdout
    assert "better" not in done.stdout
    assert "WORSE" not in done.stdout
    assert "No arm spends as much as restate" in done.stdout


@pytest.mark.slow
def test_the_result_as_json_fits_its_schema_and_so_does_what_is_kept(
    here: Run, arguments: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"

    done = here(*arguments, "-o", out, "--json")

    found = json.loads(done.stdout)
    assert problems("comparison", found) == []
    assert json.loads((out / "comparison.json").read_text()) == found
    assert problems("experiment", json.loads((out / "manifest.json").read_text())) == []
    assert json.loads((out / "manifest.json").read_text())["status"] == "finished"
    assert found["counts"]["compared"] == N
    assert {row["element"] for row in found["uptake"]} >= {"backtracking", "goal-management"}
    assert len(found["by_type"]) == 2


@pytest.mark.slow
def test_an_earlier_comparison_and_its_runs_say_the_same_again(
    here: Run, arguments: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = json.loads(here(*arguments, "-o", out, "--json").stdout)

    again = json.loads(here("compare", out, "--bootstrap", 300, "--json").stdout)
    runs = here(
        *("compare", f"without={out}/arms/plain", out / "arms" / "restate"),
        *("--bootstrap", 300, "--json", "--no-uptake"),
    )

    assert again == first
    found = json.loads(runs.stdout)
    assert [row["arm"] for row in found["arms"]] == ["without", "restate"]
    assert found["differences"][0]["difference"] == first["differences"][0]["difference"]
    assert found["arms"][1]["tokens"] == first["arms"][1]["tokens"]
    other = here(
        *("compare", out / "arms" / "plain", out / "arms" / "restate", "--json"),
        *("--reference", "restate", "--no-uptake"),
    )
    turned = json.loads(other.stdout)["differences"][0]
    assert (turned["only_arm"], turned["only_other"]) == (0, 16)


@pytest.mark.slow
def test_a_report_shows_flipped_tasks_side_by_side_and_runs_nothing_of_them(
    here: Run, arguments: list[object], tmp_path: Path
) -> None:
    pytest.importorskip("altair")
    page, words = tmp_path / "r.html", tmp_path / "r.md"

    done = here(*arguments, "-o", tmp_path / "out", "--report", page)
    more = here("compare", tmp_path / "out", "--report", words)

    assert done.returncode == more.returncode == 0, done.stderr + more.stderr
    html = page.read_text()
    for title in ("Gains", "Costs", "What changed in the reasoning", "Tasks that flipped"):
        assert f">{title}</h2>" in html
    assert "Gained by restate: 16 tasks" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html
    assert "\x1b" not in html
    assert "What is 3 + 1?" in html
    assert "| restate |" in words.read_text()


def test_a_dry_run_asks_nobody_and_says_what_can_be_found_and_costs(
    here: Run, tasks: Path, tmp_path: Path
) -> None:
    plain = here("compare", tasks, "--arms", "plain,restate", "--dry-run")
    data = here(
        *("compare", tasks, "--arms", "plain,restate", "--dry-run", "--json"),
        *("--price-in", 1, "--price-out", 2, "--discordance", 0.4),
    )

    assert plain.returncode == 0, plain.stderr
    assert "Can find with 80% power: differences from" in plain.stdout
    assert "no prices" in plain.stdout
    found = json.loads(data.stdout)
    assert found["forecast"]["questions"] == N
    assert found["forecast"]["discordance"] == 0.4
    assert found["arms"]["restate"]["requests"]["expected"] == 2 * N
    dearest, control = (found["arms"][arm]["cost"] for arm in ("restate", "control"))
    assert control == dearest
    assert list(tmp_path.iterdir()) == [tasks]


@pytest.mark.slow
def test_tasks_that_were_chosen_by_their_outcome_are_told_of(
    here: Run, write_jsonl: Write, rules: Path, tmp_path: Path
) -> None:
    known = write_jsonl([row | {"previously_correct": False} for row in TASKS], "known.jsonl")
    command = ("compare", known, "--arms", "plain,restate", "--engine", "scripted", "-m", rules)

    guessed = here(*command, "-o", tmp_path / "out", "--no-uptake")
    said = here(*command, "--selected-by", "previously_correct", "--dry-run")
    without = here(*("compare", known, "--arms", "restate,vote", "--selected-by", "x", "--dry-run"))

    assert "warning: The tasks say how they came out before (previously_correct)" in guessed.stderr
    assert "regression to the mean" in guessed.stdout
    assert "chosen by their earlier outcome (previously_correct)" in said.stderr
    assert "add an arm `plain`" in without.stderr


@pytest.mark.slow
def test_failed_tasks_count_as_wrong_and_the_exit_code_says_that_there_are_some(
    here: Run, tasks: Path, tmp_path: Path
) -> None:
    path = _rules(tmp_path / "failing.json", gained=16)
    data = json.loads(path.read_text())
    data["rules"].insert(0, {"when": rf"{MARK}[\s\S]*What is [0-4] ", "failure": "rejected"})
    path.write_text(json.dumps(data))
    command = (
        *("compare", tasks, "--arms", "plain,restate", "--engine", "scripted", "-m", path),
        *("--no-uptake", "--no-control"),
    )

    done = here(*command, "-o", tmp_path / "out")

    assert done.returncode == 1
    assert "without 5 tasks that failed in either: +25.6" in done.stdout  # 11 of 43
    assert "+22.9 [" in done.stdout  # 11 of 48
    assert here(*command, "-o", tmp_path / "o2", "--allow-failed").returncode == 0


@pytest.mark.slow
def test_answers_are_graded_by_a_function_of_ones_own(
    here: Run, arguments: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here(*arguments, "-o", tmp_path / "out", "--no-uptake")
    (tmp_path / "my_grades.py").write_text(
        "def short(run):\n    return run.answer == 'none'\n\ndef broken(run):\n    return 'yes'\n"
    )
    monkeypatch.chdir(tmp_path)

    def compare(grade: str) -> subprocess.CompletedProcess[str]:
        return here("compare", tmp_path / "out", "--grade", grade, "--no-uptake", "--json")

    found = json.loads(compare("my_grades:short").stdout)
    assert [row["right"] for row in found["arms"]] == [36, 20, 36]
    assert found["setting"]["grade"] == "my_grades:short"
    assert "returned str, not true, false or None" in compare("my_grades:broken").stderr
    assert "cannot be imported" in compare("my_grades:nothing").stderr


@pytest.mark.slow
def test_a_model_judges_by_a_rubric_and_in_pairs(
    here: Run, arguments: list[object], tmp_path: Path
) -> None:
    judge = tmp_path / "judge.json"
    wrong = r"<answer-\w+>\n(?:(?!</answer)[\s\S])*No idea"
    sure = {"reason": "r", "verdict": "right"}
    judge.write_text(
        json.dumps(
            {
                "rules": [
                    {"when": "You compare", "answer": {"reason": "r", "verdict": "first"}},
                    {"when": wrong, "answer": {"reason": "r", "verdict": "wrong"}},
                ],
                "default": sure,
            }
        )
    )
    rubric = tmp_path / "rubric.txt"
    rubric.write_text("It gives a number.")

    done = here(
        *(*arguments, "-o", tmp_path / "out", "--no-uptake", "--grade", "rubric"),
        *("--rubric", rubric, "--tournament"),
        *("--judge-engine", "scripted", "--judge-model", judge, "--json"),
    )

    found = json.loads(done.stdout)
    assert problems("comparison", found) == []
    assert [row["right"] for row in found["arms"]] == [12, 28, 12]
    assert found["judging"] == {"judged": 3 * N, "agreed": 3 * N, "first": 0, "second": 0}
    games = found["tournament"]
    assert games["games"] == 3 * N
    assert games["ties"] == 3 * N  # whoever always prefers the first has no preference
    assert games["bias"]["first"] == 3 * N
    assert games["judge"] == str(judge)


@pytest.mark.slow
def test_people_decide_pairs(here: Run, arguments: list[object], tmp_path: Path) -> None:
    here(*arguments, "-o", tmp_path / "out", "--no-uptake", "--no-control")
    winners = tmp_path / "winners.csv"
    with winners.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["task", "arm_a", "arm_b", "winner"])
        rows.writerows([[f"q{n}", "plain", "restate", "restate"] for n in range(20)])

    done = here("compare", tmp_path / "out", "--winners", winners, "--no-uptake")

    assert done.returncode == 0, done.stderr
    first, second = done.stdout.partition("Glicko-2")[2].splitlines()[1:3]
    assert first.split()[:2] == ["restate", "20"]
    assert second.split()[:2] == ["plain", "20"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--engine", "scripted"], "--out DIR"),
        (["-o", "OUT"], "--engine: say which model"),
        (["-o", "OUT", "--engine", "scripted", "--grade", "nope"], "none of exact, choice"),
        (["-o", "OUT", "--engine", "scripted", "--report", "x.pdf"], "ends in .html or .md"),
        (
            ["-o", "OUT", "--engine", "scripted", "--tournament", "--winners", "w.csv"],
            "either a model decides",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is(
    here: Run, tasks: Path, tmp_path: Path, more: list[str], message: str
) -> None:
    given = [str(tmp_path / "out") if text == "OUT" else text for text in more]

    done = here("compare", tasks, "--arms", "plain,restate", *given)

    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_no_run_is_refused(here: Run, tasks: Path, tmp_path: Path) -> None:
    done = here("compare", tasks, tmp_path)

    assert done.returncode == 2
    assert "no run of `cogtrace guide`" in done.stderr


@pytest.mark.slow
def test_an_experiment_goes_on_under_the_same_declaration_only(
    here: Run, arguments: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    stopped = here(*arguments, "-o", out, "--max-tokens-total", 3_000, "--no-uptake")
    early = here("compare", out, "--no-uptake", "--json")
    other = here(*arguments, "-o", out, "--resume", "--no-control")
    again = here(*arguments, "-o", out)
    done = here(*arguments, "-o", out, "--resume", "--no-uptake", "--json")

    assert stopped.returncode == 3, stopped.stderr
    assert json.loads((out / "manifest.json").read_text())["status"] == "finished"
    assert early.returncode in (0, 2)
    assert other.returncode == 2
    assert "begun with other arms" in other.stderr
    assert again.returncode == 2
    assert "holds a job already" in again.stderr
    found = json.loads(done.stdout)
    assert found["counts"]["compared"] == N
    assert found["setting"]["finished"]


@pytest.mark.slow
def test_an_experiment_is_shown_and_proved_arm_by_arm(
    here: Run, arguments: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    here(*arguments, "-o", out, "--max-tokens-total", 3_000, "--no-uptake")
    halted = (here("status", out), here("verify", out))
    here(*arguments, "-o", out, "--resume", "--no-uptake")

    status, verify = here("status", out), here("verify", out)

    assert [one.returncode for one in halted] == [3, 3]
    assert (status.returncode, verify.returncode) == (0, 0)
    assert "experiment, finished; 3 arms" in status.stdout
    assert verify.stdout.count("sound: nothing lost") == 3
    assert set(json.loads(here("verify", out, "--json").stdout)) == {"plain", "restate", "control"}
    assert json.loads(here("status", out, "--json").stdout)["jobs"]["plain"]["counts"]["runs"] == N
    part = next((out / "arms" / "plain" / "runs").iterdir())
    part.write_bytes(b"x")
    assert here("verify", out).returncode == 1


@pytest.mark.slow
def test_an_experiment_that_is_killed_loses_no_answer(
    cogtrace: Run, arguments: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    slow = [*arguments, "-o", out, "--resume", "--no-uptake", "--engine-arg", "latency_ms=25"]
    slow += ["--concurrency", 4, "--part-tasks", 8]
    kills = 0
    for _ in range(40):
        process = subprocess.Popen(
            [sys.executable, "-m", "cogtrace", *map(str, slow)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=2.2)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    done = cogtrace(*arguments, "-o", out, "--resume", "--no-uptake", "--json")
    whole = cogtrace(*arguments, "-o", tmp_path / "whole", "--no-uptake", "--json")

    assert kills > 1
    assert done.returncode == 0, done.stderr
    found, expected = (json.loads(one.stdout) for one in (done, whole))
    assert found["arms"] == [
        row | {"seconds": mine["seconds"], "seconds_per_right": mine["seconds_per_right"]}
        for row, mine in zip(expected["arms"], found["arms"], strict=True)
    ]
    for arm in ("plain", "restate", "control"):
        assert verify_runs(GuideFolder(out / "arms" / arm)).problems == []
        rows = pl.scan_parquet(out / "arms" / arm / "runs" / "*.parquet").collect()
        assert rows["task_id"].n_unique() == rows.height == N
