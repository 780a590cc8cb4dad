"""`cogtrace stats` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from statistics_jobs import Made, make_job, random_rows

from cogtrace.corpora.statistics import TABLES
from cogtrace.schemas import problems

Run = Callable[..., subprocess.CompletedProcess[str]]

_HOSTILE = "m\x1b[31m\u202e\x9b[/bold]\n{x}" + "y" * 90


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a job of made-up traces, one of a model with a hostile name."""
    rows = random_rows(41, count=90)
    rows.append(Made(trace_id="evil", text="x" * 80, scores={"counting": 1}, model=_HOSTILE))
    return make_job(tmp_path_factory.mktemp("jobs") / "job", rows)


def test_a_real_job_is_summed_up_for_people(cogtrace: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert cogtrace("annotate", "@sample", "--out", out).returncode == 0

    done = cogtrace("stats", out, "--bootstrap", 50)

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "traces" in lines[0]
    (row,) = (line for line in lines if line.startswith("verification "))
    share, interval = row.split()[2], row.split()[3:5]
    assert share.endswith("%")
    assert interval[0].startswith("[")
    assert any("95 %" in line for line in lines)


def test_groups_and_comparisons_stand_side_by_side(cogtrace: Run, job: Path) -> None:
    done = cogtrace(
        "stats", job, "--by", "model", "--compare", "person,*", "--bootstrap", 40, "--min-n", 30
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "model=person: " in done.stdout
    assert "person minus *, in points" in done.stdout
    assert "in bins of length" in done.stdout
    assert "by regression on log length" in done.stdout
    assert "rests on fewer than 30 traces" in done.stdout
    assert not set("\x1b\u202e\x9b") & set(done.stdout)
    assert max(map(len, done.stdout.splitlines())) < 200


def test_json_goes_to_a_file_or_to_standard_output_and_is_the_same(
    cogtrace: Run, job: Path, tmp_path: Path
) -> None:
    options = ["--by", "model", "--compare", "person,large", "--bootstrap", 30, "--seed", 5]

    printed = cogtrace("stats", job, *options, "--json", "-")
    written = cogtrace("stats", job, *options, "--json", tmp_path / "deep" / "s.json")

    assert (printed.returncode, written.returncode) == (0, 0)
    assert (printed.stderr, written.stdout) == ("", "")
    data = json.loads(printed.stdout)
    assert data == json.loads((tmp_path / "deep" / "s.json").read_text(encoding="utf-8"))
    assert problems("statistics", data) == []
    assert data["parameters"]["compare"] == ["person", "large"]
    assert not set("\x1b\u202e\x9b") & set(printed.stdout)


def test_parquet_has_a_file_per_table(cogtrace: Run, job: Path, tmp_path: Path) -> None:
    done = cogtrace("stats", job, "--bootstrap", 0, "--parquet", tmp_path / "tables")

    assert (done.returncode, done.stdout) == (0, "")
    assert {p.stem for p in (tmp_path / "tables").iterdir()} == set(TABLES)
    shares = pl.read_parquet(tmp_path / "tables" / "prevalence.parquet")
    assert shares["shown"].is_between(0, 1).all()
    assert shares.height == 4


def test_only_traces_that_meet_the_conditions_count(cogtrace: Run, job: Path) -> None:
    done = cogtrace(
        *("stats", job, "--where", "model=person,level<=2", "--where", "correct!=null"),
        *("--bootstrap", 0, "--json", "-"),
    )

    data = json.loads(done.stdout)
    expected = [
        row
        for row in random_rows(41, count=90)
        if row.model == "person" and row.meta["level"] <= 2 and row.correct is not None
    ]
    assert data["groups"][0]["n"] == len(expected)
    assert data["sources"][0]["left_out"] == 91 - len(expected)
    assert data["parameters"]["where"] == ["model=person,level<=2", "correct!=null"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--by", "modle"], "no column 'modle'"),
        (["--where", "model"], "write COLUMN=VALUE"),
        (["--where", "model=none"], "no trace meets --where"),
        (["--compare", "person"], "give two different values"),
        (["--compare", "person,person"], "give two different values"),
        (["--compare", "person,none"], "no trace has model 'none'"),
        (["--json", "job/manifest.json/s.json"], "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_in_one_line(
    cogtrace: Run, job: Path, options: list[str], message: str
) -> None:
    done = cogtrace("stats", "job", "--bootstrap", 0, *options, cwd=job.parent)

    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr


def test_a_folder_without_a_job_is_named(cogtrace: Run, tmp_path: Path) -> None:
    done = cogtrace("stats", tmp_path)

    assert done.returncode == 2
    assert "no job here" in done.stderr


def test_options_can_come_from_the_environment_and_a_flag_of_other_verbs_does_no_harm(
    cogtrace: Run, job: Path, tmp_path: Path
) -> None:
    settings = {"COGTRACE_BOOTSTRAP": "0", "COGTRACE_JSON": "1", "COGTRACE_MIN_N": "7"}

    done = cogtrace("stats", job, env=os.environ | settings, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "fewer than 7 traces" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_help_of_stats_names_every_option(cogtrace: Run) -> None:
    done = cogtrace("stats", "--help", env=os.environ | {"COLUMNS": "160", "NO_COLOR": "1"})

    assert (done.returncode, done.stderr) == (0, "")
    for option in (
        *("--by", "--where", "--compare", "--compare-by", "--json", "--parquet"),
        *("--bootstrap", "--seed", "--min-n", "COGTRACE_MIN_N", "human_*,*"),
    ):
        assert option in done.stdout
