"""Engines for trying plugins: one that answers sensibly, and many that do not."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from cogtrace.engines.base import EngineInfo, EngineSettings, Failure, Request, Result
from cogtrace.engines.recording import request_hash
from cogtrace.engines.rules import Script
from cogtrace.engines.scripted import ScriptedEngine

PLACES: Final = 7  # few, so that many tasks reach the engine in many batches
_FORMS: Final = (
    "Let me see. Putting the parts together gives {n}.\n\nThe answer is {n}.",
    "First the given: it is plain. Wait, once more from the beginning.\n\nAnswer: {n}",
    "1. What is asked is clear.\n2. What follows is {n}.\n\n\\boxed{{{n}}}",
    "It comes to {n}, and working backwards from {n} confirms it.\n\n**{n}**",
)


class WatchedEngine(ScriptedEngine):
    """A scripted engine that remembers what it was asked, and can be made to hang.

    ``turns`` makes it give way that many times before a batch is answered, more for some
    batches than for others, so that tasks overtake each other.
    """

    def __init__(self, settings: EngineSettings | None = None) -> None:
        super().__init__(settings)
        self.requests: list[Request] = []
        self.turns = 0
        self.hangs_after: int | None = None  # calls that are answered before
        self.hanging = asyncio.Event()  # set as soon as it hangs
        self.released = asyncio.Event()

    async def start(self) -> EngineInfo:
        """Start; it has few places, so that there are many batches."""
        return msgspec.structs.replace(await super().start(), concurrency=PLACES)

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer requests, or hang until ``released`` is set."""
        self.requests += requests
        if self.hangs_after is not None and len(self.requests) > self.hangs_after:
            self.hanging.set()
            await self.released.wait()
        for _ in range(self.turns and len(self.requests) * 7 % self.turns):
            await asyncio.sleep(0)
        return await super().complete(requests)


def answering(script: Script | None = None, seed: int = 0) -> WatchedEngine:
    """Return an engine that answers by a script, by default sensibly.

    What it says depends on the request and the seed alone; where a schema is to be
    filled, it is filled at random. Engines are used once.
    """
    return WatchedEngine.from_function(script or sensible(seed), fill="random", seed=seed)


def sensible(seed: int = 0) -> Script:
    """Return a script that answers texts with a few words and a number."""

    def script(request: Request) -> str | None:
        if request.schema is not None:
            return None
        draw = _draw(request, seed)
        return draw.choice(_FORMS).format(n=draw.randint(1, 12))

    return script


def _draw(request: Request, seed: int) -> random.Random:
    asked = f"{seed}\0{request.key}\0{request_hash(request)}".encode("utf-8", "surrogatepass")
    return random.Random(hashlib.sha256(asked).digest())


def _cut_off(request: Request) -> Result:
    return Result(text="Let me see. First of all the", finish="length")


def _json_cut_off(request: Request) -> Result:
    return Result(text='{"score": 1, "steps": ["first of', finish="length")


def _echo(request: Request) -> str:
    return request.messages[-1].content


def _thought_only(request: Request) -> Result:
    return Result(text="", reasoning="So it must be nine. Or is it?", finish="length")


def _failing(request: Request) -> Result:
    return Result(finish="failed", failure=Failure(kind="server-error", message="code 500"))


def _always(text: str) -> Script:
    return lambda request: text


def _in_turn(request: Request) -> str | Result | None:
    """Answer each call in another bad way, or well."""
    ways = [*BAD_REPLIES.values(), sensible()]
    return _draw(request, 0).choice(ways)(request)


# What models and servers really say now and then, and what they might.
BAD_REPLIES: Final[Mapping[str, Script]] = {
    "an empty reply": _always(""),
    "a blank reply": _always(" \n\t\n"),
    "a reply that was cut off": _cut_off,
    "JSON that was cut off": _json_cut_off,
    "thoughts without an answer": _thought_only,
    "an echo of the prompt": _echo,
    "marks of all sorts": _always("}{][)(\\ % ``` <|end|> {0} {x} \u202e \x00 \x1b[2J \ufffd"),
    "half a surrogate pair": _always("The answer is \ud83d."),
    "the JSON value null": _always("null"),
    "a JSON list": _always('[[], {"answer": null}, "x", 3]'),
    "a JSON object of other fields": _always('{"unexpected": {"deeper": [1, 2, 3]}}'),
    "JSON nested very deeply": _always("[" * 5_000 + "]" * 5_000),
    "numbers that are none": _always("NaN, 1e999, -0, 99999999999999999999, 1/0, ½, 一"),
    "the same word for ever": _always("again " * 3_000),
    "a refusal": _always("I'm sorry, but I can't help with that."),
    "no answer at all": _failing,
}
UNRELIABLE: Final[Callable[[Request], str | Result | None]] = _in_turn
