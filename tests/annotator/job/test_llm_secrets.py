"""What a job with a language model writes down: valid records, and no secret."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from llm_jobs import (
    annotate,
    cases,
    command,
    judging,
    when,
)
from loopback import status

from cogtrace.schemas import check

Run = Callable[..., subprocess.CompletedProcess[str]]
COUNT = 20


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "traces.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in cases(COUNT)))
    return path


def test_manifests_fit_their_schema_and_no_file_of_a_job_holds_a_secret(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, key, password = tmp_path / "out", "sk-secret-0123456789", "hunter2-password"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with judging(key=key) as server:
        # A server that repeats the key in what it refuses, and one that fails on the way.
        server.decide = when(
            lambda case, asked, tries: (
                status(400, f"bad request by {key}") if case in (2, 3) else None
            )
        )
        stopped = annotate(source, out, server, "--max-tokens-total", 9_000, "--concurrency", 4)
        manifest = json.loads((out / "manifest.json").read_bytes())
        check("manifest", manifest)
        assert (stopped.code, manifest["status"]) == (3, "interrupted"), stopped.err
        assert "--max-tokens-total" in manifest["stopped"]

        done = annotate(source, out, server, "--resume")
        assert done.code == 1, done.err
        check("manifest", json.loads((out / "manifest.json").read_bytes()))
        for line in (out / "quarantine.jsonl").read_text().splitlines():
            check("quarantine", json.loads(line))
            assert "bad request by [key]" in line

    url = server.base_url.replace("//", f"//joe:{password}@")
    refused = annotate(source, tmp_path / "other", url)
    assert refused.code == 2, refused.err
    said = stopped.err + done.err + refused.err
    assert key not in said
    assert password not in said
    held = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(held) > 6
    assert not any(secret.encode() in content for content in held for secret in (key, password))


def test_a_password_in_the_address_of_a_server_reaches_it_and_nothing_else(
    source: Path, tmp_path: Path, cogtrace: Run
) -> None:
    out, password = tmp_path / "out", "hunter2-password"
    environment = {n: v for n, v in os.environ.items() if not n.endswith("_API_KEY")}
    with judging() as server:
        url = server.base_url.replace("//", f"//joe:{password}@")
        done = cogtrace(*command(source, out, url), env=environment)

        assert done.returncode == 0, done.stderr
        assert server.chats[0].headers["authorization"].startswith("Basic ")
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["options"]["base_url"] == server.base_url
    held = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    assert not any(password.encode() in content for content in held)
    assert password not in done.stderr
