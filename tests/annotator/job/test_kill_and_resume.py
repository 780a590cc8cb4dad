"""A job that is killed at any moment loses nothing and doubles nothing."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cogtrace.annotator.job import JobFolder, Ledger, verify_job

pytestmark = pytest.mark.slow

_KILLS = 20
_SEED = 20_260_101

Make = Callable[..., Any]


def _command(source: Path, out: Path, *more: str) -> list[str]:
    parts = ["--out", str(out), "--part-traces", "40", "--allow-quarantine", *more]
    return [sys.executable, "-m", "cogtrace", "annotate", str(source), *parts]


def _tables(out: Path) -> tuple[pl.DataFrame, pl.DataFrame, bytes]:
    quarantine = out / "quarantine.jsonl"
    return (
        pl.read_parquet(sorted((out / "traces").glob("*.parquet"))),
        pl.read_parquet(sorted((out / "annotations").glob("*.parquet"))),
        quarantine.read_bytes(),
    )


@pytest.fixture
def source(make_rows: Make, write_jsonl: Make) -> Path:
    """Return an input with bad rows and duplicates among many good ones."""
    rows: list[Any] = make_rows(3_000, seed=1, sentences=30)
    draw = random.Random(_SEED)
    for number in draw.sample(range(3_000), 30):
        rows[number] = draw.choice(["{broken", '{"trace_id": "x", "text": 5}', rows[0]])
    path: Path = write_jsonl(rows)
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_killed_at_random_moments_ends_like_one_that_was_not(
    source: Path, tmp_path: Path, workers: int
) -> None:
    whole = tmp_path / "whole"
    subprocess.run(_command(source, whole), check=True, capture_output=True)
    expected = _tables(whole)
    draw = random.Random(_SEED + workers)
    killed, finished = 0, 0
    while killed < _KILLS // 2:
        out = tmp_path / f"killed{finished}"
        killed += _kill_until_done(_command(source, out, "--resume", "-w", str(workers)), draw)
        finished += 1
        found = _tables(out)
        assert found[0].equals(expected[0])
        assert found[1].equals(expected[1])
        assert found[2] == expected[2]
        report = verify_job(JobFolder(out))
        assert report.problems == []
        assert report.status == "finished"
        assert report.rows == 3_000


def _kill_until_done(command: list[str], draw: random.Random) -> int:
    """Run a command until it ends by itself, killing it now and then; return the kills."""
    killed = 0
    while True:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            _, errors = process.communicate(timeout=draw.uniform(0.3, 1.4))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            killed += 1
            if killed % 5 == 0:  # let it get on
                subprocess.run(command, check=True, capture_output=True)
            continue
        assert process.returncode == 0, errors
        return killed


def test_a_torn_ledger_line_and_uncommitted_files_are_cleared_away_on_resume(
    source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    subprocess.run(_command(source, out, "--limit", "500"), check=True, capture_output=True)
    expected_start = Ledger(out / "ledger.jsonl").read()
    with (out / "ledger.jsonl").open("ab") as file:
        file.write(b'{"part": 13, "rows"')
    with (out / "quarantine.jsonl").open("ab") as file:
        file.write(b'{"file": "half a row')
    stray = out / "traces" / "part-00013.parquet"
    stray.write_bytes(b"not committed")
    (out / "annotations" / ".tmp-part-00013.parquet").write_bytes(b"not even renamed")

    subprocess.run(_command(source, out, "--resume"), check=True, capture_output=True)

    assert Ledger(out / "ledger.jsonl").read()[: len(expected_start) - 1] == expected_start[:-1]
    assert verify_job(JobFolder(out)).problems == []
    assert not list(out.rglob(".tmp*"))


def test_ctrl_c_leaves_a_job_that_can_be_resumed_and_exits_130(
    source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        _command(source, out, "--part-traces", "5"), stderr=subprocess.PIPE, start_new_session=True
    )
    ledger = out / "ledger.jsonl"
    deadline = time.monotonic() + 30
    while not (ledger.exists() and ledger.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)

    assert process.returncode == 130, errors
    assert verify_job(JobFolder(out)).status == "interrupted"
    subprocess.run(_command(source, out, "--resume"), check=True, capture_output=True)
    report = verify_job(JobFolder(out))
    assert report.problems == []
    assert report.rows == 3_000
