"""`cogtrace sample` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cogtrace.cli.main import app
from cogtrace.errors import CogtraceError

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an annotated sample corpus."""
    out = tmp_path_factory.mktemp("sample") / "out"
    command = [sys.executable, "-m", "cogtrace", "annotate", "@sample", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out


def test_traces_are_picked_with_why_and_can_be_annotated_again(
    cogtrace: Run, job: Path, tmp_path: Path
) -> None:
    picked = tmp_path / "picked.jsonl"

    done = cogtrace("sample", job, "--n", 15, "-o", picked)
    again = cogtrace("sample", job, "--n", 15)

    assert done.returncode == 0, done.stderr
    assert done.stderr == f"15 traces picked, written to {picked}\n"
    text = picked.read_text(encoding="utf-8")
    assert again.stdout == text
    why = [json.loads(line)["meta"]["cogtrace_sample"] for line in text.splitlines()]
    assert {one["strategy"] for one in why} == {"stratified"}
    assert all(one["weight"] >= 1 for one in why)
    assert cogtrace("annotate", picked, "--out", tmp_path / "again").returncode == 0


def test_tasks_for_label_studio_hold_the_annotations_as_predictions(
    cogtrace: Run, job: Path, tmp_path: Path
) -> None:
    done = cogtrace(
        *("sample", job, "--n", 5, "--strategy", "uncertain", "--to", "label-studio"),
        *("-o", tmp_path / "tasks.json"),
    )

    assert done.returncode == 0, done.stderr
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert len(tasks) == 5
    for task in tasks:
        assert task["data"]["meta"]["cogtrace_sample"]["strategy"] == "uncertain"
        assert task["predictions"][0]["result"]
        assert "annotations" not in task


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strategy", "best"], "--strategy best: unknown; there is stratified, random"),
        (["--strategy", "disagree"], "give the other annotation with --and"),
        (["--and", "out"], "--and: means nothing with --strategy stratified"),
        (["--to", "csv"], "--to csv: unknown; there is jsonl, label-studio"),
        (["-o", "out/manifest.json/x"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(
    job: Path, options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(job.parent)

    done = CliRunner().invoke(app, ["sample", "out", *options])

    assert isinstance(done.exception, CogtraceError)
    assert done.exception.exit_code == 2
    assert message in str(done.exception)


def test_help_of_sample_names_every_option(cogtrace: Run) -> None:
    done = cogtrace("sample", "--help", env=os.environ | {"COLUMNS": "160", "NO_COLOR": "1"})

    assert (done.returncode, done.stderr) == (0, "")
    for option in ("--n", "--strategy", "--and", "--to", "--output", "--seed", "COGTRACE_SEED"):
        assert option in done.stdout
