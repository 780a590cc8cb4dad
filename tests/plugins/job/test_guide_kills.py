"""A guidance job that is killed loses no answer and doubles none."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import guide_kills
import pytest
from guide_jobs import CALLS, run_job, task_row

from cogtrace.plugins.job import GuideFolder, RunReader, verify_runs

pytestmark = pytest.mark.slow

TASKS, KILLS = 400, 10


def _start(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, guide_kills.__file__, str(folder), str(log), str(TASKS)]
    paths = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths})


def _lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def test_a_job_killed_at_random_moments_pays_for_nothing_twice(tmp_path: Path) -> None:
    folder, log, draw = tmp_path / "out", tmp_path / "log", random.Random(3)
    total = TASKS * CALLS
    kills = 0
    for _ in range(KILLS):
        goal = len(_lines(log)) + draw.randint(1, total // KILLS)
        process = _start(folder, log)
        deadline = time.monotonic() + 60
        while len(_lines(log)) < goal and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.02))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        if (folder / "manifest.json").exists():
            report = verify_runs(GuideFolder(folder))
            assert report.problems == []
    assert kills >= KILLS // 2, "it was done before it was killed"
    assert _start(folder, log).wait(120) == 0

    asked = Counter(_lines(log))
    assert len(asked) == total
    # Twice at most the batch that was answered in the very moment of a kill.
    assert sum(asked.values()) - total <= kills * guide_kills.CONCURRENCY
    assert [run.task_id for run in RunReader(folder).runs()] == [f"t{n}" for n in range(TASKS)]
    report = verify_runs(GuideFolder(folder))
    assert (report.status, report.problems, report.failed) == ("finished", [], 0)
    whole = run_job(tmp_path / "whole", [task_row(n) for n in range(TASKS)], part_tasks=32)
    assert RunReader(folder).manifest.counts == whole.counts
