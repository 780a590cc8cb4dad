"""`cogtrace serve` as a program: what it starts with, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from loopback import LoopbackServer, stream, wait
from proxied import QUESTION, until

pytestmark = pytest.mark.slow

KEY = "correct-horse-battery"
BODY = {"model": "tiny", "messages": [{"role": "user", "content": QUESTION}]}
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@contextmanager
def _serving(
    upstream: LoopbackServer, *options: str, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the program; gives the process and its address."""
    command = [sys.executable, "-m", "cogtrace", "serve", "--upstream", upstream.base_url]
    process = subprocess.Popen(
        [*command, "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
    )
    with process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert line.startswith("proxy: "), line
            yield process, line.split()[1]
        finally:
            process.kill()


@pytest.fixture
def upstream() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_in_flight_end_and_the_program_exits_with_0(
    upstream: LoopbackServer, number: signal.Signals
) -> None:
    upstream.always = wait(0.7)
    replies: list[httpx.Response] = []
    with _serving(upstream, "--with", "restate") as (process, url):
        asking = threading.Thread(
            target=lambda: replies.append(
                httpx.post(f"{url}/chat/completions", json=BODY, timeout=20)
            )
        )
        asking.start()
        until(lambda: len(upstream.chats) == 1)
        process.send_signal(number)
        asking.join(20)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""

    assert [reply.status_code for reply in replies] == [200]
    assert replies[0].headers["x-cogtrace-calls"] == "2"


def test_what_does_not_end_in_time_is_ended(upstream: LoopbackServer) -> None:
    upstream.always = stream(*[b"data: {}\n\n"] * 1_000, pace=0.1)
    with (
        _serving(upstream, "--grace", "1") as (process, url),
        httpx.stream(
            "POST", f"{url}/chat/completions", json=BODY | {"stream": True}, timeout=20
        ) as response,
    ):
        next(response.iter_raw())
        begun = time.monotonic()
        process.terminate()
        assert process.wait(20) == 0
        assert time.monotonic() - begun < 8


def test_workers_share_the_port_the_work_and_their_figures(upstream: LoopbackServer) -> None:
    def count(url: str) -> int:
        lines = httpx.get(f"{url.removesuffix('/v1')}/metrics").text.splitlines()
        return sum(int(line.split()[-1]) for line in lines if 'total{route="chat"' in line)

    with _serving(upstream, "--workers", "2") as (process, url):
        until(lambda: _answers(url), 30)
        for _ in range(10):
            assert httpx.post(f"{url}/chat/completions", json=BODY).status_code == 200
        until(lambda: count(url) == 10)
        process.terminate()
        assert process.wait(30) == 0


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/models").status_code == 200
    except httpx.TransportError:
        return False


def test_a_key_among_the_arguments_is_not_to_be_read_there(upstream: LoopbackServer) -> None:
    with _serving(upstream, "--api-key", KEY, "--log", "--with=restate") as (process, url):
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert b"serve" in shown
        assert b"--with=restate" in shown
        assert KEY.encode() not in shown
        assert httpx.get(f"{url}/models").status_code == 401
        good = {"authorization": f"Bearer {KEY}"}
        assert httpx.get(f"{url}/models", headers=good).status_code == 200
        process.terminate()
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert KEY not in process.stderr.read()


def test_a_key_comes_from_the_environment_or_a_file(
    upstream: LoopbackServer, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    for options, variables in (
        ([], {"COGTRACE_API_KEY": KEY}),
        (["--api-key-file", str(file)], {}),
    ):
        with _serving(upstream, *options, **variables) as (_, url):
            assert httpx.get(f"{url}/models").status_code == 401


REFUSED = [
    pytest.param(["--host", "0.0.0.0"], "needs a key", id="open to all"),
    pytest.param(["--with", "restat"], "did you mean restate", id="unknown plugin"),
    pytest.param(["--with", "restate:x=1"], "no option 'x'", id="unknown option"),
    pytest.param(["--upstream", "nowhere"], "no address of a server", id="no address"),
    pytest.param(["--api-key-file", "/nonexistent"], "cannot be read", id="no file"),
    pytest.param(["--api-key", "x"], "8 or more characters", id="short key"),
    pytest.param(["--with", "vote:samples=200"], "--max-calls", id="too many calls"),
    pytest.param(["--record", "/proc/nothing"], "--record /proc/nothing", id="no folder"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED)
def test_what_cannot_be_served_is_told_at_once(
    cogtrace: Command, options: list[str], words: str
) -> None:
    done = cogtrace("serve", "--port", "0", "--upstream", "http://127.0.0.1:1/v1", *options)

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_told_of(cogtrace: Command, upstream: LoopbackServer) -> None:
    done = cogtrace("serve", "--upstream", upstream.base_url, "--port", upstream.port)

    assert done.returncode == 2
    assert "choose another --port" in done.stderr


def test_help_teaches_with_an_example(cogtrace: Command) -> None:
    shown = cogtrace("serve", "--help").stdout

    assert "cogtrace serve --upstream http://127.0.0.1:8001/v1" in shown
    assert "COGTRACE_API_KEY" in shown
