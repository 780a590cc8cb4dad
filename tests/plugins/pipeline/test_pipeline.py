"""Holding a pipeline: solving apart from it, streams of tasks, batches, bounded memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from guidance_kinds import answering, kind

from cogtrace.engines import Request, Result, TokenUsage
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.plugins.guidance import Candidate, Clarification, Sampling, Task, TaskRun
from cogtrace.plugins.pipeline import GuidanceRun, Halted, Pipeline, guide_sync, make_plan
from cogtrace.plugins.testing import WatchedEngine
from cogtrace.plugins.testing.engines import PLACES

TASK = Task(task_id="1", question="What is 17 + 24?")
BLOCK = kind("block", scaffolds=lambda: "Take care.")


def test_a_plain_task_can_be_solved_by_somebody_else_and_finished_here() -> None:
    engine = answering()

    async def main() -> GuidanceRun:
        async with Pipeline(make_plan([BLOCK]), engine) as pipeline:
            prepared = await pipeline.prepare(TASK)
            assert prepared.plain
            assert prepared.run is None
            assert [block.text for block in prepared.scaffolds] == ["Take care."]
            assert prepared.messages[-1].content == "Take care.\n\nWhat is 17 + 24?"
            streamed = Result(
                text="It is 41.", reasoning="Hm.", usage=TokenUsage(prompt=9, completion=4)
            )
            return await pipeline.finish(prepared, [streamed], reference_answer="41")

    run = asyncio.run(main())

    assert engine.answered == 0
    assert (run.outcome, run.answer, run.correct) == ("answered", "It is 41", True)
    assert run.usage_by_plugin["pipeline"].completion_tokens == 4
    assert (run.calls[0].text, run.calls[0].reasoning) == ("It is 41.", "Hm.")
    assert run.calls[0].messages[-1].content.endswith("What is 17 + 24?")


def test_what_is_more_than_one_plain_generation_says_so() -> None:
    solve: Any = {"solve": lambda: [Candidate(id="a", text="b")]}
    hooks: list[Any] = [solve, {"judge": lambda: None}, {"choose": lambda: None}]

    async def plain(*kinds: Any, sampling: Sampling | None = None) -> bool:
        async with Pipeline(make_plan(kinds), answering(), sampling=sampling) as pipeline:
            return (await pipeline.prepare(TASK)).plain

    for found in hooks:
        assert not asyncio.run(plain(BLOCK, kind("more", **found)))
    assert not asyncio.run(plain(BLOCK, sampling=Sampling(samples=2)))
    assert asyncio.run(plain(BLOCK, kind("watches", observe=lambda: None)))


def test_a_task_that_ends_before_it_is_solved_brings_its_record_along() -> None:
    asks = kind("asks", clarify=lambda: Clarification(question="Which?"))
    breaks = kind("breaks", scaffolds=lambda: 1 / 0)

    async def run(plugin: Any) -> tuple[Any, GuidanceRun]:
        async with Pipeline(make_plan([plugin]), answering()) as pipeline:
            prepared = await pipeline.prepare(TASK)
            return prepared, await pipeline.finish(prepared)

    prepared, finished = asyncio.run(run(asks))
    assert not prepared.plain
    assert prepared.clarification.question == "Which?"
    assert prepared.run.outcome == finished.outcome == "clarification"
    prepared, finished = asyncio.run(run(breaks))
    assert prepared.run.outcome == finished.outcome == "failed"
    assert len(finished.errors) == 1


@pytest.mark.parametrize("finish", ["length", "filtered"])
def test_a_candidate_that_was_cut_off_has_an_answer_only_if_it_states_one(finish: Any) -> None:
    texts = iter(["17 + 2", "The answer is 41. I am sure, si", "Then 17 + 24 = 4"])
    engine = answering(lambda _: Result(text=next(texts), finish=finish))

    run = guide_sync("What is 17 + 24?", engine=engine, sampling=Sampling(samples=3))

    assert [(c.answer, c.finish) for c in run.candidates] == [
        (None, finish),
        ("41", finish),
        (None, finish),
    ]
    assert run.answer == "41"


@pytest.mark.parametrize("plan", ["", "vote:samples=3", "vote:kind=choice,samples=3"])
def test_a_task_whose_candidates_were_all_cut_off_is_unanswered_and_says_why(plan: str) -> None:
    engine = answering(lambda _: Result(text="It may be (B) or (C", finish="length"))

    run = guide_sync("(A), (B) or (C)?", plan, engine=engine)

    assert (run.outcome, run.answer) == ("unanswered", None)
    assert run.choice.reason.startswith("no candidate has an answer; ")
    assert run.choice.reason.endswith("were cut off, see max_tokens")


def test_sampling_can_be_another_one_for_each_task() -> None:
    asked: list[tuple[float, int]] = []

    def says(request: Request) -> str:
        asked.append((request.temperature, request.max_tokens))
        return "Answer: 1"

    async def main() -> None:
        async with Pipeline(make_plan(), answering(says)) as pipeline:
            await pipeline.run(TASK, sampling=Sampling(temperature=0.5, max_tokens=7, samples=2))
            await pipeline.run(TASK)

    asyncio.run(main())
    assert asked == [(0.5, 7), (0.5, 7), (0.0, 2_048)]


def test_tasks_are_taken_only_as_fast_as_records_are_and_all_come_back() -> None:
    taken = 0

    def tasks() -> Iterator[Task]:
        nonlocal taken
        for taken in range(1, 3_001):
            yield Task(task_id=str(taken), question="?")

    async def main() -> set[str]:
        seen = set()
        async with Pipeline(make_plan([BLOCK]), answering()) as pipeline:
            async for run in pipeline.stream(tasks(), in_flight=16):
                seen.add(run.task_id)
                assert taken - len(seen) <= 2 * 16 + 1
        return seen

    assert asyncio.run(main()) == {str(number) for number in range(1, 3_001)}


def test_a_stream_that_is_left_ends_what_is_in_flight() -> None:
    async def main() -> int:
        async with Pipeline(make_plan(), answering()) as pipeline:
            stream = pipeline.stream(Task(task_id=str(n), question="?") for n in range(9_999))
            async for _ in stream:
                break
            await stream.aclose()  # type: ignore[attr-defined]
            return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1


def test_calls_made_at_the_same_time_reach_the_engine_together() -> None:
    async def asks(run: TaskRun) -> None:
        await asyncio.gather(run.ask("a"), run.ask("b"))

    engine = ScriptedEngine.from_function(lambda _: "Answer: 1", concurrency=100)

    async def main() -> list[int]:
        plan = make_plan([kind("asks", scaffolds=asks)])
        async with Pipeline(plan, engine) as pipeline:
            tasks = [(Task(task_id=str(n), question="?"), None) for n in range(100)]
            await pipeline.run_all(tasks, in_flight=100)
            return pipeline.batch_sizes

    assert asyncio.run(main()) == [50] * 6  # half of what the engine works on at a time


def test_what_waits_for_its_turn_is_turned_away_when_a_pipeline_is_closed() -> None:
    engine = WatchedEngine.from_function(lambda _: "Answer: 41")
    engine.hangs_after = 0

    async def main() -> Counter[str]:
        pipeline = Pipeline(make_plan(), engine)
        await pipeline.start()
        tasks = [asyncio.create_task(pipeline.run(TASK)) for _ in range(20 * PLACES)]
        await engine.hanging.wait()
        asked = len(engine.requests)
        await pipeline.close()
        ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert len(engine.requests) == asked
        with pytest.raises(Halted, match="the pipeline is closed"):
            await pipeline.run(TASK)
        return Counter(type(one).__name__ for one in ended)

    assert asyncio.run(main()) == {"CancelledError": 2 * PLACES, "Halted": 18 * PLACES}


def test_a_request_is_named_by_task_plugin_and_number() -> None:
    keys: list[str] = []

    def says(request: Request) -> str:
        keys.append(request.key)
        return "Answer: 1"

    async def asks(run: TaskRun) -> None:
        await run.ask("a", samples=2)
        await run.ask("b")

    async def main() -> None:
        async with Pipeline(make_plan([kind("asks", scaffolds=asks)]), answering(says)) as pipeline:
            await pipeline.run(Task(task_id="a/b", question="?"))

    asyncio.run(main())
    assert keys == ["a/b/asks/1", "a/b/asks/2", "a/b/asks/3", "a/b/pipeline/1"]


@pytest.mark.parametrize("answers", [None, {"1": "the left one"}])
def test_mathematics_is_compared_apart_from_the_loop(answers: Any) -> None:
    said = iter([r"Answer: \frac{1}{2}", "Answer: 0.5", "Answer: 2"])

    async def main() -> GuidanceRun:
        pipeline = Pipeline(
            make_plan(),
            answering(lambda _: next(said)),
            sampling=Sampling(samples=3, temperature=1.0),
            answer_kind="maths",
            answers=answers,
        )
        async with pipeline:
            return await pipeline.run(TASK, reference_answer="1/2")

    run = asyncio.run(main())
    assert run.correct
    assert [c.correct for c in run.candidates] == [True, True, False]
