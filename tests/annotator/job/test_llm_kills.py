"""A job with a language model that is killed loses at most what was in flight."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from llm_jobs import (
    GROUPS,
    annotate,
    cases,
    command,
    judge,
    judging,
    questions,
    same,
    sound,
    undisturbed,
    whole,
)
from loopback import LoopbackServer, answer, hang, wait

from cogtrace.annotator.job import JobReader

pytestmark = pytest.mark.slow

COUNT, KILLS = 200, 6
CONCURRENCY = 16
# Answers wait in memory until there are so many of them, or a fifth of a second.
WAITING = 64
JOB = ("--part-traces", 30, "--concurrency", CONCURRENCY, "--seed", 3)
IDS = [row["id"] for row in cases(COUNT)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "traces.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in cases(COUNT)))
    return path


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return undisturbed(source, tmp_path_factory.mktemp("whole") / "out", *JOB)


@contextmanager
def _started(source: Path, out: Path, server: LoopbackServer) -> Iterator[subprocess.Popen[str]]:
    """Run a job in a process of its own, which does not outlive the block."""
    arguments = command(source, out, server, *JOB, "--resume")
    with subprocess.Popen(
        [sys.executable, "-m", "cogtrace", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for(server: LoopbackServer, chats: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while len(server.chats) < chats:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the requests never came"
        time.sleep(0.002)


@pytest.mark.slow
def test_a_job_killed_at_random_moments_asks_again_only_what_was_in_flight(
    source: Path, expected: Path, tmp_path: Path
) -> None:
    out, draw = tmp_path / "out", random.Random(7)
    total = COUNT * len(GROUPS)
    with judging() as server:
        server.always = wait(0.02, answer(judge))
        for kill in range(1, KILLS + 1):
            with _started(source, out, server) as process:
                # Somewhere in the next stretch of the work, be it within a part or at its end.
                _wait_for(server, min(len(server.chats) + draw.randint(2, 90), total - 10), process)
                time.sleep(draw.uniform(0, 0.02))
            assert process.returncode == -signal.SIGKILL, "it was done before it was killed"
            assert len(questions(server)) < total + kill * (CONCURRENCY + WAITING)
            sound(out, "running")
        done = annotate(source, out, server, *JOB, "--resume")

        assert done.code == 0, done.err
        asked = questions(server)
    assert len(set(asked)) == total
    assert total < len(asked) <= total + KILLS * (CONCURRENCY + WAITING)
    whole(out, IDS)
    sound(out)
    assert same(out, expected)


@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        pytest.param(signal.SIGINT, 130, "interrupted", id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 143, "terminated", id="SIGTERM"),
    ],
)
def test_a_job_asked_to_end_ends_soon_says_so_and_goes_on_later(
    source: Path, expected: Path, tmp_path: Path, sent: signal.Signals, code: int, reason: str
) -> None:
    out = tmp_path / "out"
    with judging() as server:
        # Some answers come at once, the others not before the job is told to end.
        server.decide = lambda seen: hang() if len(server.chats) > 150 else None
        with _started(source, out, server) as process:
            _wait_for(server, 151, process)
            began = time.monotonic()
            process.send_signal(sent)
            _, errors = process.communicate(timeout=30)

        assert process.returncode == code, errors
        assert time.monotonic() - began < 5
        assert "Traceback" not in errors
        manifest = JobReader(out).manifest
        assert (manifest.status, manifest.stopped) == ("interrupted", reason)
        sound(out, "interrupted")

        server.decide = None
        answered = {*questions(server)[: 150 - CONCURRENCY]}
        server.requests.clear()
        again = annotate(source, out, server, *JOB, "--resume")

        assert again.code == 0, again.err
        assert not answered & set(questions(server))
    whole(out, IDS)
    assert same(out, expected)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
    ],
)
def test_a_job_whose_server_does_not_even_answer_the_first_request_can_be_ended(
    source: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    with (
        LoopbackServer(always=hang()) as server,
        _started(source, tmp_path / "out", server) as process,
    ):
        _wait_for(server, 1, process)
        began = time.monotonic()
        process.send_signal(sent)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == code, errors
    assert time.monotonic() - began < 5
    assert "Traceback" not in errors
    assert not (tmp_path / "out" / "manifest.json").exists()
