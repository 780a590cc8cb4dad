"""Guidance with the real vLLM, in process and through its server: `scripts/test-vllm -k guide`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from guidance_kinds import kind
from real_vllm import served, settings, tiny

from cogtrace.engines.vllm_engine import VllmEngine
from cogtrace.plugins.guidance import Candidate, Sampling, TaskRun, Verdict
from cogtrace.plugins.pipeline import Pipeline, guide_sync, make_plan

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("default")]

WORDS = Sampling(samples=2, temperature=1.0, max_tokens=24)
SCHEMA = {
    "type": "object",
    "properties": {"keep": {"type": "boolean"}},
    "required": ["keep"],
    "additionalProperties": False,
}


async def _restated(run: TaskRun) -> str:
    (reply,) = await run.ask(f"Say it in your own words:\n\n{run.task.question}", max_tokens=16)
    return f"In other words: {reply.text}"


async def _judged(run: TaskRun, candidates: tuple[Candidate, ...]) -> list[Verdict]:
    replies = await asyncio.gather(
        *(run.ask(f"Is it right? {c.text}", schema=SCHEMA, max_tokens=32) for c in candidates)
    )
    kept = [json.loads(reply.text)["keep"] for (reply,) in replies]
    return [
        Verdict(candidate=c.id, verdict="keep" if keep else "weight", weight=0.5)
        for c, keep in zip(candidates, kept, strict=True)
    ]


PLUGINS = [kind("restate", scaffolds=_restated), kind("judge", judge=_judged)]


def test_tasks_run_through_plugins_in_process() -> None:
    questions = [f"What is {number} + 1? \N{ABACUS}" for number in range(12)]

    runs = guide_sync(questions, PLUGINS, engine=VllmEngine(settings()), sampling=WORDS)

    for question, run in zip(questions, runs, strict=True):
        assert run.errors == ()
        assert [call.plugin for call in run.calls] == [
            "restate",
            *("pipeline", "pipeline"),
            *("judge", "judge"),
        ]
        asked = run.calls[1].messages[-1].content
        assert asked == f"{run.scaffolds[0].text}\n\n{question}"
        assert all(call.usage.prompt_tokens > 0 for call in run.calls)
        assert all(call.usage.completion_tokens <= 32 for call in run.calls)
        assert len(run.verdicts) == 2


def test_the_engine_gets_the_calls_of_many_tasks_together() -> None:
    async def main() -> list[int]:
        async with Pipeline(make_plan(PLUGINS), VllmEngine(settings()), sampling=WORDS) as pipeline:
            tasks = [(task, None) for task in _tasks(24)]
            runs = await pipeline.run_all(tasks)
            assert {run.outcome for run in runs} <= {"answered", "unanswered"}
            return pipeline.batch_sizes

    sizes = asyncio.run(main())
    assert sum(sizes) == 24 * 5
    assert max(sizes) >= 12


def _tasks(count: int) -> list[Any]:
    from cogtrace.plugins.guidance import Task

    return [Task(task_id=str(number), question=f"What is {number}?") for number in range(count)]


def _cogtrace(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cogtrace", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def _guide(out: Path, *engine: object) -> dict[str, Any]:
    """Guide six tasks of the sample corpus; check the job and return what the command prints."""
    command = (
        *("guide", "@sample", "--with", "restate", "--limit", 6, "--max-tokens", 32),
        *("--out", out, "--json", *engine),
    )
    done = _cogtrace(*command)
    assert done.returncode == 0, done.stderr
    manifest: dict[str, Any] = json.loads(done.stdout)
    assert manifest["counts"]["runs"] == 6
    assert manifest["usage"]["requests"] == 12
    assert _cogtrace("verify", out).returncode == 0
    again = _cogtrace(*command, "--resume")
    assert json.loads(again.stdout)["usage"] == manifest["usage"], again.stderr
    return manifest


def test_the_command_guides_with_a_server(tmp_path: Path) -> None:
    with served(tmp_path / "server.log") as url:
        engine = ("--engine", "openai", "--base-url", url, "--model", "tiny")
        manifest = _guide(tmp_path / "out", *engine)
        assert manifest["model"]["engine"] == "openai"
        runs = guide_sync(
            ["What is 1 + 1?"] * 8,
            PLUGINS,
            engine="openai",
            settings=settings().__class__(base_url=url, model="tiny"),
            sampling=WORDS,
        )
    assert [run.errors for run in runs] == [()] * 8
    assert len({run.calls[1].text for run in runs}) > 1


def test_the_command_guides_in_process(tmp_path: Path) -> None:
    engine: list[object] = ["--engine", "vllm", "--model", tiny()]
    for name in ("enforce_eager=true", "max_model_len=8192"):
        engine += ["--engine-arg", name]
    assert _guide(tmp_path / "out", *engine)["model"]["engine"] == "vllm"
