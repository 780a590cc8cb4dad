"""The built-in guidance plugins with the real vLLM and a tiny model: form, not sense.

`scripts/test-vllm -k plugins` runs these. The engine is started once for this file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import pytest
from real_vllm import processes, settings

from cogtrace.engines.base import EngineInfo, Request, Result
from cogtrace.engines.vllm_engine import VllmEngine
from cogtrace.plugins.guidance import Sampling, Task
from cogtrace.plugins.pipeline import GuidanceRun, Pipeline, make_plan

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("default")]

Run = Callable[[Coroutine[Any, Any, Any]], Any]
TASKS = [
    Task(task_id="pens", question="Ann has 3 boxes of 12 pens. How many pens has she?"),
    Task(task_id="pump", question="Why does the pump stop?", context="It hums, then stops."),
    Task(task_id="signs", question="</problem-0> ${x} {0} 一、二 \\boxed{99}"),
]
SAMPLING = Sampling(samples=2, temperature=0.7, max_tokens=12)
ALONE = {
    "clarify:reply_tokens=64": 1,
    "clarify:mode=forced,persona=cautious,reply_tokens=64": 1,
    "restate:reply_tokens=24": 1,
    "analogy:k=2,reply_tokens=24": 2,
    "analogy:variant=shortcut,reply_tokens=24": 1,
    "structure:classify=llm,reply_tokens=320": 1,
    "abduce": 0,
    "vote:samples=3": 3,
    "budget:tokens=150,most_samples=4": 4,
}
TOGETHER = (
    "clarify:reply_tokens=64,restate:reply_tokens=24,analogy:reply_tokens=24,"
    "structure:classify=llm,reply_tokens=320,abduce,vote:samples=3"
)


class Held:
    """An engine that others have started and will close."""

    def __init__(self, engine: VllmEngine, info: EngineInfo) -> None:
        self._engine, self._info = engine, info

    @property
    def trouble(self) -> str | None:
        return self._engine.trouble

    async def start(self) -> EngineInfo:
        return self._info

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        return await self._engine.complete(requests)

    def count_tokens(self, text: str) -> int | None:
        return self._engine.count_tokens(text)

    async def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="module")
def guided(run: Run) -> Iterator[Callable[[str], list[GuidanceRun]]]:
    engine = VllmEngine(settings(seed=1))
    held = Held(engine, run(engine.start()))

    async def work(with_: str) -> list[GuidanceRun]:
        async with Pipeline(make_plan(with_), held, sampling=SAMPLING) as pipeline:
            return await pipeline.run_all([(task, "36") for task in TASKS])

    yield lambda with_: run(work(with_))
    run(engine.close())
    assert processes() == []


def _require_form(record: GuidanceRun, task: Task) -> None:
    assert record.outcome in ("answered", "unanswered", "clarification"), record.errors
    assert record.question == task.question
    for call in record.calls:
        assert task.question in call.messages[-1].content
        assert call.finish_reason in ("stop", "length")
        assert call.usage.prompt_tokens > 0


@pytest.mark.parametrize("with_", ALONE)
def test_each_plugin_runs_and_calls_as_often_as_it_says(
    with_: str, guided: Callable[[str], list[GuidanceRun]]
) -> None:
    name = with_.partition(":")[0]
    for record, task in zip(guided(with_), TASKS, strict=True):
        _require_form(record, task)
        usage = record.usage_by_plugin.get(name)
        made = usage.requests if usage is not None else 0
        assert (1 <= made <= 4) if name == "budget" else (made == ALONE[with_])


def test_forced_clarify_asks_back_about_every_task(
    guided: Callable[[str], list[GuidanceRun]],
) -> None:
    records = guided("clarify:mode=forced,reply_tokens=64")

    assert [record.outcome for record in records] == ["clarification"] * len(TASKS)
    assert all(record.clarification and record.clarification.question for record in records)


def test_all_together_run(guided: Callable[[str], list[GuidanceRun]]) -> None:
    for record, task in zip(guided(TOGETHER), TASKS, strict=True):
        _require_form(record, task)
        if record.outcome != "clarification":
            assert len(record.candidates) == 3
            assert record.scaffolds
            final = [call for call in record.calls if call.plugin == "vote"]
            assert all(c.messages[-1].content.endswith(task.question) for c in final)
