"""Properties of what a plugin does when the model fails it, or somebody stops it."""

from __future__ import annotations

import asyncio
from typing import Final

from cogtrace.plugins.guidance import Task
from cogtrace.plugins.pipeline import GuidanceRun, Pipeline
from cogtrace.plugins.testing.engines import BAD_REPLIES, UNRELIABLE, WatchedEngine, answering
from cogtrace.plugins.testing.running import (
    HOOK_SECONDS,
    SAMPLING,
    PropertyBroken,
    Subject,
    answers_some,
)
from cogtrace.plugins.testing.tasks import numbered_tasks, sample_tasks

_PROMPT: Final = 2.0  # seconds in which a cancelled task must have ended
_CALLS_LOOKED_AT: Final = 4  # cancelled in each of the first calls


def no_reply_of_the_model_crashes_it(subject: Subject) -> None:
    """Empty, cut-off and nonsensical replies end in a record that says what happened."""
    tasks = sample_tasks("plain")
    for what, script in (*BAD_REPLIES.items(), ("a mixture of bad replies", UNRELIABLE)):
        for run in subject.run(tasks, answering(script)):
            _check_errors(subject, run, f"given {what}, ")


def it_keeps_to_the_calls_that_it_declares(subject: Subject) -> None:
    """The calls that it declares are enough, whatever the model replies."""
    plan = subject.plan()
    most = plan.steps[0].bounds.max_calls
    scripts = {"sensible replies": None, "a mixture of bad replies": UNRELIABLE, **BAD_REPLIES}
    for what, script in scripts.items():
        for run in subject.run(sample_tasks("plain"), answering(script)):
            for error in run.errors:
                if error.kind == "bound":
                    raise PropertyBroken(f"given {what}, it wants more than {most} calls a task")


def it_bears_lower_bounds(subject: Subject) -> None:
    """With one call or none, or few tokens, it does what it can or says what it lacks."""
    for bound in ({"max_calls": 1}, {"max_calls": 0}, {"max_tokens": 60}, {"max_tokens": 1}):
        said = ", ".join(f"{name}={value}" for name, value in bound.items())
        for run in subject.run(sample_tasks("plain"), plan=subject.plan(**bound)):
            _check_errors(subject, run, f"with {said}, ")
            made = sum(call.plugin == subject.name for call in run.calls)
            if made > bound.get("max_calls", made):
                raise PropertyBroken(f"with {said}, it makes {made} calls")


def it_stops_when_it_is_cancelled(subject: Subject) -> None:
    """Cancelled during any of its calls it ends at once, asks no more, leaves nothing behind."""
    for task in (*sample_tasks("plain")[:2], *numbered_tasks(1)):
        for answered in range(_CALLS_LOOKED_AT):
            engine = answering()
            engine.hangs_after = answered
            if not asyncio.run(_cancelled(subject, task, engine)):
                break


async def _cancelled(subject: Subject, task: Task, engine: WatchedEngine) -> bool:
    """Cancel a task as soon as the engine hangs; return False if it never did."""
    others = asyncio.all_tasks()
    pipeline = Pipeline(subject.plan(), engine, sampling=SAMPLING, answers=answers_some)
    async with pipeline:
        work = asyncio.create_task(pipeline.run(task))
        hung = asyncio.create_task(engine.hanging.wait())
        await asyncio.wait(
            {work, hung}, timeout=2 * HOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        hung.cancel()
        if work.done():
            return False
        asked = len(engine.requests)
        work.cancel()
        await _ended(work, engine, asked)
        engine.released.set()
        await asyncio.sleep(0.02)
        if not work.cancelled() or len(engine.requests) > asked:
            raise PropertyBroken("cancelled, it goes on as if nothing had happened")
    left = [t for t in asyncio.all_tasks() - others if not t.done() and t is not hung]
    if left:
        raise PropertyBroken(f"cancelled, it leaves {len(left)} asyncio tasks running")
    return True


async def _ended(work: asyncio.Task[GuidanceRun], engine: WatchedEngine, asked: int) -> None:
    """Wait for the end of a task that was cancelled.

    Raises:
        PropertyBroken: it does not end, or asks again.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PROMPT
    while not work.done():
        await asyncio.wait({work}, timeout=0.01)
        if len(engine.requests) > asked or loop.time() > deadline:
            engine.released.set()
            work.cancel()
        if len(engine.requests) > asked:
            raise PropertyBroken("cancelled, it asks the model again")
        if loop.time() > deadline:
            raise PropertyBroken(f"cancelled, it still goes on after {_PROMPT:g} seconds")


def _check_errors(subject: Subject, run: GuidanceRun, when: str) -> None:
    """Raise PropertyBroken for errors other than those a plugin may end a task with."""
    for error in run.errors:
        if not _is_deliberate(error.kind, error.message):
            raise PropertyBroken(
                f"{when}task {run.task_id!r}: {error.hook}: {error.kind}: {error.message}"
            )


def _is_deliberate(kind: str, message: str) -> bool:
    """Say whether a plugin ended a task on purpose.

    It may leave BoundReached and CallFailed alone, or raise a PluginError that says why.
    """
    return kind in ("bound", "call") or (kind == "raised" and message.startswith("PluginError: "))
