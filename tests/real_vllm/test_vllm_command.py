"""`cogtrace annotate` with the real vLLM, in process and as a server, as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from real_vllm import ARGUMENTS, served, tiny

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("default")]

# A model that knows nothing leaves much in quarantine, which is what exit code 1 says.
_DONE = (0, 1)


def _cogtrace(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cogtrace", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def _annotate(out: Path, *engine: object) -> dict[str, Any]:
    """Annotate six traces of the sample corpus; return what the command prints."""
    command = ("annotate", "@sample", "--out", out, "--limit", 6, "--temperature", 1, "--json")
    done = _cogtrace(*command, *engine)
    assert done.returncode in _DONE, done.stderr
    manifest: dict[str, Any] = json.loads(done.stdout)
    return manifest


def _check(out: Path, manifest: dict[str, Any], *engine: object) -> None:
    """Check a job as its user would: proven, nothing lost, and nothing asked twice."""
    counts = manifest["counts"]
    assert manifest["status"] == "finished"
    assert counts["traces"] + counts["quarantined"] == 6
    assert manifest["usage"]["requests"] >= 24
    assert manifest["usage"]["cached_tokens"] > manifest["usage"]["prompt_tokens"] / 2
    proof = _cogtrace("verify", out, "--json")
    assert proof.returncode == 0, proof.stdout
    again = _cogtrace(
        "annotate", "@sample", "--out", out, "--limit", 6, "--temperature", 1, "--json", "--resume",
        *engine,
    )  # fmt: skip
    assert again.returncode in _DONE, again.stderr
    assert json.loads(again.stdout)["usage"]["requests"] == manifest["usage"]["requests"]


def test_the_sample_corpus_is_annotated_in_process(tmp_path: Path) -> None:
    engine: list[object] = ["--engine", "vllm", "--model", tiny()]
    for name, value in ARGUMENTS.items():
        engine += ["--engine-arg", f"{name}={json.dumps(value)}"]

    manifest = _annotate(tmp_path / "out", *engine)

    _check(tmp_path / "out", manifest, *engine)


def test_the_sample_corpus_is_annotated_by_a_server(tmp_path: Path) -> None:
    with served(tmp_path / "server.log") as url:
        engine = ("--engine", "openai", "--base-url", url, "--model", "tiny")

        manifest = _annotate(tmp_path / "out", *engine)

        _check(tmp_path / "out", manifest, *engine)
        plan = _cogtrace(
            "plan", "@sample", *engine, "--probe", 2, "--json", "--prompts-to", tmp_path / "plan"
        )
        assert plan.returncode == 0, plan.stderr
        forecast = json.loads(plan.stdout)
        assert forecast["seconds"]["expected"] > 0
        assert len(forecast["prompts"]) == 3
