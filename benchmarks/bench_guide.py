"""What the guidance pipeline itself costs: processor time per task, memory, batches.

    python benchmarks/bench_guide.py [--tasks N]

Four small plugins, two of which ask the model, on the scripted engine, which answers at
once. Own time is what a run takes less what the engine alone takes for the same requests.
Each memory figure comes from a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from guidance_kinds import kind

from cogtrace.engines import Request, Result
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.plugins.guidance import (
    Candidate,
    Choice,
    GuidanceKind,
    Scaffold,
    Task,
    TaskRun,
    Verdict,
)
from cogtrace.plugins.pipeline import Pipeline, make_plan

PRINCIPLE = "Name the principle that decides this, in a sentence: "


async def _principle(run: TaskRun) -> Scaffold:
    (reply,) = await run.ask(PRINCIPLE + run.task.question)
    return Scaffold(text=f"A principle that may help: {reply.text}")


async def _checked(run: TaskRun, candidates: tuple[Candidate, ...]) -> list[Verdict]:
    await run.ask(f"Is this right? {candidates[0].text}")
    return [Verdict(candidate=candidates[0].id, reason="checked")]


def _chosen(candidates: tuple[Candidate, ...]) -> Choice:
    return Choice(answer=candidates[0].answer, candidate=candidates[0].id)


async def _care() -> str:
    return "Work carefully."


def plugins(*, plain: bool) -> list[GuidanceKind]:
    """Return four plugins; those that ask nothing are plain functions or async ones."""

    async def chosen(candidates: tuple[Candidate, ...]) -> Choice:
        return _chosen(candidates)

    return [
        kind("principle", scaffolds=_principle),
        kind("care", scaffolds=(lambda: "Work carefully.") if plain else _care),
        kind("check", judge=_checked),
        kind("first", choose=_chosen if plain else chosen),
    ]


class Kept(ScriptedEngine):
    """The scripted engine, which also keeps what it was asked."""

    requests: list[Request]

    async def complete(self, requests: list[Request]) -> list[Result]:  # type: ignore[override]
        """Answer requests, and keep them."""
        self.requests += requests
        return await super().complete(requests)


def tasks(count: int) -> Iterator[Task]:
    """Yield so many tasks."""
    for number in range(count):
        question = f"A shop has {number} boxes of {number + 3} pears each. How many pears are that?"
        yield Task(task_id=f"t{number}", question=question)


def _answer(_: Request) -> str:
    return "Multiply the two numbers. The answer is 12."


async def _run(count: int, kinds: list[GuidanceKind], engine: ScriptedEngine) -> list[int]:
    async with Pipeline(make_plan(kinds), engine) as pipeline:
        async for run in pipeline.stream(tasks(count)):
            if run.outcome != "answered":
                raise RuntimeError(f"{run.task_id}: {run.errors}")
        return pipeline.batch_sizes


async def _engine_alone(requests: list[Request]) -> None:
    engine = ScriptedEngine.from_function(_answer)
    await engine.start()
    for begin in range(0, len(requests), 128):
        await engine.complete(requests[begin : begin + 128])


def _timed(count: int, *, plain: bool) -> None:
    engine = Kept.from_function(_answer)
    engine.requests = []
    wall, own = time.perf_counter(), time.process_time()
    sizes = asyncio.run(_run(count, plugins(plain=plain), engine))
    wall, own = time.perf_counter() - wall, time.process_time() - own
    alone = time.process_time()
    asyncio.run(_engine_alone(engine.requests))
    alone = time.process_time() - alone
    print(
        f"{count:,} tasks x 4 {'plain' if plain else 'async'} plugins: {wall:.2f} s, "
        f"{1_000 * (own - alone) / count:.3f} ms of own processor time per task "
        f"({1_000 * alone / count:.3f} ms more for the engine)"
    )
    print(
        f"  {len(engine.requests):,} calls in {len(sizes):,} batches: largest {max(sizes)}, "
        f"mean {sum(sizes) / len(sizes):.0f}"
    )


def _memory(count: int) -> None:
    asyncio.run(_run(count, plugins(plain=True), ScriptedEngine.from_function(_answer)))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=2_000)
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory is not None:
        _memory(given.memory)
        return
    for plain in (False, True):
        _timed(given.tasks, plain=plain)
    for count in (given.tasks, 5 * given.tasks):
        command = [sys.executable, __file__, "--memory", str(count)]
        peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        print(f"{count:,} tasks: peak memory {float(peak):.0f} MB")


if __name__ == "__main__":
    main()
