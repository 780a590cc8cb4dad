"""A server that fails from the start: no job is begun, and the same command works later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from llm_jobs import (
    annotate,
    cases,
    judging,
    same,
    sound,
    undisturbed,
    whole,
)
from loopback import (
    Behaviour,
    blanks,
    hang,
    status,
    wrong_schema,
)

pytestmark = pytest.mark.slow

COUNT = 16
IDS = [row["id"] for row in cases(COUNT)]
# Parts of a few traces, so that faults meet their borders too.
PARTS = ("--part-traces", 6, "--concurrency", 24)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "traces.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in cases(COUNT)))
    return path


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a job without faults ends with."""
    out = undisturbed(source, tmp_path_factory.mktemp("whole") / "out", *PARTS)
    whole(out, IDS)
    sound(out)
    return out


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(status(500, "broken"), ["first request failed", "broken"], id="500"),
        pytest.param(hang(), ["first request failed", "no answer in 0.5 seconds"], id="hangs"),
        pytest.param(wrong_schema(), ["ignores the schema", "vLLM"], id="another schema"),
        pytest.param(blanks(), ["blanks", "disable_any_whitespace"], id="blanks"),
        pytest.param(None, ["is the server running", "--base-url"], id="gone"),
    ],
)
def test_a_server_that_fails_from_the_start_leaves_no_job_and_the_same_command_works_later(
    source: Path, expected: Path, tmp_path: Path, fault: Behaviour | None, says: list[str]
) -> None:
    out = tmp_path / "out"
    job = ("--retries", 0, "--timeout", 0.5)
    with judging() as server:
        server.decide = lambda _: fault
        if fault is None:
            server.down()
        done = annotate(source, out, server, *job)

        assert done.code == 2, done.err
        assert done.says(*says)
        assert not (out / "manifest.json").exists()

        if fault is None:
            server.up()
        server.decide = None
        again = annotate(source, out, server, *job)
    assert again.code == 0, again.err
    assert same(out, expected)


def test_a_key_that_the_server_refuses_is_said_to_be_the_reason(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-key-123")
    with judging(key="sk-right-key-456") as server:
        done = annotate(source, tmp_path / "out", server)

        assert done.code == 2, done.err
        assert done.says("OPENAI_API_KEY")
        assert "sk-wrong" not in done.err

        monkeypatch.setenv("OPENAI_API_KEY", "sk-right-key-456")
        assert annotate(source, tmp_path / "out", server).code == 0
