"""Every engine keeps the contract of `cogtrace.engines.base`.

The vLLM engine runs the same checks where vLLM is installed, see tests/real_vllm.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import jsonschema
import msgspec
import pytest
from engine_contract import (
    CHECKS,
    Check,
    Subject,
    check_all,
    it_can_be_closed_more_than_once,
    request,
)
from loopback import Behaviour, LoopbackServer, Seen, answer, status

from cogtrace.engines.base import Engine, EngineSettings, Request, Result, TokenUsage
from cogtrace.engines.recording import RecordingEngine
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.plugins.manager import load

FAILING = request("please fail")
CUT = request("please be cut", limit=3)

Opener = Callable[[Path], AbstractAsyncContextManager[Subject]]


def _rules(folder: Path) -> str:
    path = folder / "rules.json"
    path.write_text(json.dumps({"rules": [{"when": "please fail", "failure": "rejected"}]}))
    return str(path)


@asynccontextmanager
async def _started(engine: Engine) -> AsyncIterator[Subject]:
    try:
        info = await engine.start()
        yield Subject(engine=engine, info=info, failing=FAILING, cut=CUT)
    finally:
        await engine.close()


def scripted(folder: Path) -> AbstractAsyncContextManager[Subject]:
    return _started(ScriptedEngine(EngineSettings(model=_rules(folder))))


def slow_and_random(folder: Path) -> AbstractAsyncContextManager[Subject]:
    arguments = {"latency_ms": 2, "fill": "random", "shares_prefixes": False}
    settings = EngineSettings(model=_rules(folder), concurrency=5, arguments=arguments)
    return _started(ScriptedEngine(settings))


def recording(folder: Path) -> AbstractAsyncContextManager[Subject]:
    inner = ScriptedEngine(EngineSettings(model=_rules(folder)))
    return _started(RecordingEngine(inner, folder / "recording.jsonl"))


@asynccontextmanager
async def openai(folder: Path, owned_by: str = "vllm") -> AsyncIterator[Subject]:
    def decide(seen: Seen) -> Behaviour | None:
        if b"please fail" in seen.raw:
            return status(400, "no such thing")
        return answer('{"evid', finish="length") if b"please be cut" in seen.raw else None

    with LoopbackServer(owned_by=owned_by) as server:
        server.decide = decide
        settings = EngineSettings(base_url=server.base_url, timeout=20, retries=1)
        async with _started(load([]).engine("openai").build(settings)) as subject:
            yield subject


def openai_elsewhere(folder: Path) -> AbstractAsyncContextManager[Subject]:
    return openai(folder, owned_by="somebody")


@pytest.mark.parametrize(
    "check", [*CHECKS.values(), it_can_be_closed_more_than_once], ids=lambda check: check.__name__
)
@pytest.mark.parametrize(
    "opened",
    [scripted, slow_and_random, recording, openai, openai_elsewhere],
    ids=lambda f: f.__name__,
)
def test_an_engine_keeps_the_contract(opened: Opener, check: Check, tmp_path: Path) -> None:
    async def go() -> None:
        async with opened(tmp_path) as subject:
            await check(subject)

    asyncio.run(go())


class Raising(ScriptedEngine):
    """Lets one bad request take the others with it."""

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        if FAILING in requests:
            raise RuntimeError("one request is bad")
        return await super().complete(requests)


class Disorderly(ScriptedEngine):
    """Gives the results of several requests in another order."""

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        return (await super().complete(requests))[::-1]


class Mixing(ScriptedEngine):
    """Gives calls in flight at the same time each other's results."""

    _last: list[Result]

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        self._last = await super().complete(requests)
        await asyncio.sleep(0)
        return self._last


class Frugal(ScriptedEngine):
    """Answers only once what is asked twice."""

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        different = [one for n, one in enumerate(requests) if one not in requests[:n]]
        return await super().complete(different)


class Uncounted(ScriptedEngine):
    """Does not count tokens."""

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        results = await super().complete(requests)
        return [msgspec.structs.replace(result, usage=TokenUsage()) for result in results]


class Careless(ScriptedEngine):
    """Answers with JSON of its own liking."""

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        results = await super().complete(requests)
        return [msgspec.structs.replace(result, text='{"x": 1}') for result in results]


@pytest.mark.parametrize(
    ("engine", "check"),
    [
        (Raising, "a_failing_request_harms_no_other"),
        (Disorderly, "results_come_in_the_order_of_the_requests"),
        (Mixing, "calls_may_overlap"),
        (Frugal, "one_request_twice_has_two_results"),
        (Uncounted, "usage_and_finish_are_told"),
        (Careless, "answers_fit_their_schemas"),
    ],
)
def test_the_checks_find_engines_that_break_the_contract(
    engine: type[ScriptedEngine], check: str
) -> None:
    async def go() -> None:
        async with _started(engine()) as subject:
            await CHECKS[check](subject)

    with pytest.raises((AssertionError, RuntimeError, jsonschema.ValidationError)):
        asyncio.run(go())


def test_all_checks_can_run_one_after_the_other_on_one_engine(tmp_path: Path) -> None:
    async def go() -> None:
        async with scripted(tmp_path) as subject:
            await check_all(subject)

    asyncio.run(go())
