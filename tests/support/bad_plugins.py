"""Guidance plugins that each break one property of the conformance kit, on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import Callable
from typing import Any

import msgspec

from cogtrace.errors import PluginError
from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import (
    BoundReached,
    Candidate,
    Event,
    GuidanceKind,
    Reply,
    Scaffold,
    TaskRun,
    Verdict,
)

Options = dict[str, Any]
OPTION = {"type": "integer", "description": "How many.", "default": 1}


class Good:
    """Asks for a hint and places it; the others are this one with a fault."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or {}

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold | str | None:
        try:
            reply = await self.ask(run)
        except BoundReached:
            return None
        return self.block(run, reply)

    async def ask(self, run: TaskRun) -> Reply:
        (reply,) = await run.ask(f"Give a hint.\n\n{run.task.question}")
        return reply

    def block(self, run: TaskRun, reply: Reply) -> Scaffold | str | None:
        return reply.text


class WithoutCharacters(Good):
    async def ask(self, run: TaskRun) -> Reply:
        run.task.question.encode("ascii")
        return await super().ask(run)


class NoBlock(Good):
    def block(self, run: TaskRun, reply: Reply) -> Any:
        return 3 if "Ignore all" in run.task.question else reply.text


class StumblesWatching(Good):
    @hookimpl
    def cogtrace_observe(self, event: Event) -> None:
        raise KeyError(event.kind)


class SaysWhyNot(Good):
    def block(self, run: TaskRun, reply: Reply) -> str:
        if reply.finish == "length" or not reply.text.strip():
            raise PluginError("the hint is not whole")
        return reply.text


class MarksTheTask(Good):
    def block(self, run: TaskRun, reply: Reply) -> str:
        run.task.meta["seen"] = True
        return reply.text


class ForcesTheQuestion(Good):
    def block(self, run: TaskRun, reply: Reply) -> str:
        msgspec.structs.force_setattr(run.task, "question", "What is 1 + 1?")
        return reply.text


class ForcesCandidates(Good):
    @hookimpl
    def cogtrace_judge(self, candidates: tuple[Candidate, ...]) -> list[Verdict]:
        msgspec.structs.force_setattr(candidates[0], "answer", "1")
        return []


class Slots(Good):
    async def ask(self, run: TaskRun) -> Reply:
        prompt = "Give a hint on {question}. {answer}"
        prompt = prompt.replace("{question}", run.task.question).replace("{answer}", "")
        (reply,) = await run.ask(prompt)
        return reply


class Strips(Good):
    async def ask(self, run: TaskRun) -> Reply:
        (reply,) = await run.ask(f"Give a hint on this: {' '.join(run.task.question.split())}")
        return reply


class SolvesSomethingElse:
    def __init__(self, options: Options) -> None:
        self.options = options

    @hookimpl
    async def cogtrace_solve(self, run: TaskRun) -> list[Candidate]:
        try:
            replies = await run.ask(f"Say something on {len(run.task.question)} letters.")
        except BoundReached:
            return [Candidate(id="none", text="nothing")]
        return [Candidate(id="c1", text=replies[0].text)]


class Prints(Good):
    def block(self, run: TaskRun, reply: Reply) -> str:
        print("hint:", reply.text)  # noqa: T201 - the fault
        return reply.text


class TrustsTheModel(Good):
    def block(self, run: TaskRun, reply: Reply) -> str:
        return reply.text.split()[0]


class AsksAgain(Good):
    async def ask(self, run: TaskRun) -> Reply:
        reply = await super().ask(run)
        return reply if reply.text.strip() else (await run.ask("Once more: a hint."))[0]

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold | str | None:
        return self.block(run, await self.ask(run))


class CountsOnReplies(Good):
    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold | str | None:
        replies: list[Reply] = []
        with contextlib.suppress(BoundReached):
            replies.append(await self.ask(run))
        return replies[0].text


class HearsNoCancellation(Good):
    async def ask(self, run: TaskRun) -> Reply:
        try:
            return await super().ask(run)
        except asyncio.CancelledError:
            return Reply(text="")


class LingersWhenCancelled(Good):
    async def ask(self, run: TaskRun) -> Reply:
        try:
            return await super().ask(run)
        except asyncio.CancelledError:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(4)
            raise


class LeavesTasksBehind(Good):
    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self._kept: set[asyncio.Task[None]] = set()

    async def ask(self, run: TaskRun) -> Reply:
        self._kept.add(asyncio.create_task(asyncio.sleep(1)))
        return await super().ask(run)


class SharesItsNotes(Good):
    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.note = ""

    async def ask(self, run: TaskRun) -> Reply:
        self.note = run.task.question
        reply = await super().ask(run)
        return msgspec.structs.replace(reply, text=f"Mind this: {self.note[:20]}")


class RemembersTasks(Good):
    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.seen: set[str] = set()

    def block(self, run: TaskRun, reply: Reply) -> str | None:
        if run.task.task_id in self.seen:
            return None
        self.seen.add(run.task.task_id)
        return reply.text


class Counts(Good):
    numbers = itertools.count()

    def block(self, run: TaskRun, reply: Reply) -> str:
        return f"Hint {next(self.numbers)}: {reply.text}"


class OrdersBySet(Good):
    def block(self, run: TaskRun, reply: Reply) -> str:
        return " ".join({*run.task.question.split(), *map(str, range(20))})


class DrawsAnywhere(Good):
    def block(self, run: TaskRun, reply: Reply) -> str:
        return f"{random.choice('abcdefgh')}: {reply.text}"


def build_good(options: Options) -> object:
    return Good(options)


def build_changing(options: Options) -> object:
    options["more"] = 1
    return Good(options)


def build_json_asker(options: Options) -> object:
    return JsonAsker(options)


class JsonAsker(Good):
    async def ask(self, run: TaskRun) -> Reply:
        schema = {
            "type": "object",
            "required": ["hint"],
            "properties": {"hint": {"type": "string"}},
        }
        (reply,) = await run.ask(f"A hint.\n\n{run.task.question}", schema=schema)
        return reply

    def block(self, run: TaskRun, reply: Reply) -> str:
        return str(json.loads(reply.text)["hint"])


def kind(build: Callable[[Options], object] = build_good, **fields: Any) -> GuidanceKind:
    given: dict[str, Any] = {
        "name": "bad",
        "summary": "has a fault",
        "build": build,
        "api_version": 1,
    }
    return GuidanceKind(**given | fields)


def with_option(**declared: Any) -> GuidanceKind:
    return kind(options={"type": "object", "properties": {"count": OPTION | declared}})
