"""How many requests per second the OpenAI engine makes, beside the raw client's own limit.

    python benchmarks/bench_engine.py [--requests N] [--concurrency N] [--rounds N]

The server runs in a process of its own and answers at once with the smallest JSON that
fits the schema, so what is measured is the client side: one core. Every prompt is about
10 kB, its trace differs from all others, and the schema is that of a group of elements.
The ways take turns, round after round; shown is each one's best round.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import openai

from cogtrace.engines import EngineSettings, Message, Request
from cogtrace.engines.openai_engine import OpenAIEngine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from loopback import served

_WORDS = "so the sum of these two is less than what we want wait let me check that again".split()
_RANGE = {
    "type": "object",
    "properties": {
        "first": {"type": "integer", "minimum": 1, "maximum": 80},
        "last": {"type": "integer", "minimum": 1, "maximum": 80},
    },
    "required": ["first", "last"],
}
_FINDING = {
    "type": "object",
    "properties": {
        "evidence": {"type": "array", "maxItems": 4, "items": _RANGE},
        "reason": {"type": "string", "maxLength": 80},
        "score": {"enum": [0, 1, 2]},
    },
    "required": ["evidence", "reason", "score"],
}
_NAMES = [f"element-{number}" for number in range(7)]
_SCHEMA = {"type": "object", "properties": dict.fromkeys(_NAMES, _FINDING), "required": _NAMES}
_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": _SCHEMA, "strict": True},
}

# Answers all requests, `concurrency` at a time.
Way = Callable[[str, list[Request], int], Coroutine[Any, Any, float]]


def _requests(count: int) -> list[Request]:
    draw = random.Random(7)
    system = Message(role="system", content=" ".join(draw.choices(_WORDS, k=700)))
    question = Message(role="user", content="Which of the seven elements does this trace show?")
    traces = (" ".join(draw.choices(_WORDS, k=1_700)) for _ in range(count))
    return [
        Request(
            messages=(system, Message(role="user", content=trace), question),
            max_tokens=420,
            schema=_SCHEMA,
        )
        for trace in traces
    ]


async def _raw(client: openai.AsyncOpenAI, requests: list[Request], concurrency: int) -> float:
    """Return the seconds that `chat.completions.create` takes for all requests."""
    chats: list[list[Any]] = [msgspec.to_builtins(request.messages) for request in requests]
    waiting = iter(chats)
    response_format: Any = _FORMAT

    async def work() -> None:
        for messages in waiting:
            await client.chat.completions.create(
                model="tiny",
                messages=messages,
                max_tokens=420,
                temperature=0.0,
                response_format=response_format,
            )

    async with client:
        begun = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(concurrency)))
        return time.perf_counter() - begun


async def _raw_default(url: str, requests: list[Request], concurrency: int) -> float:
    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    return await _raw(client, requests, concurrency)


async def _raw_aiohttp(url: str, requests: list[Request], concurrency: int) -> float:
    transport = openai.DefaultAioHttpClient()
    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, http_client=transport)
    return await _raw(client, requests, concurrency)


def _engine(wire: str) -> Way:
    async def run(url: str, requests: list[Request], concurrency: int) -> float:
        settings = EngineSettings(base_url=url, concurrency=concurrency, arguments={"wire": wire})
        engine = OpenAIEngine(settings)
        await engine.start()
        begun = time.perf_counter()
        results = await engine.complete(requests)
        seconds = time.perf_counter() - begun
        await engine.close()
        assert all(result.failure is None and result.text for result in results)
        return seconds

    return run


_WAYS: dict[str, Way] = {
    "openai client, default transport": _raw_default,
    "openai client, aiohttp transport": _raw_aiohttp,
    "engine, wire=client": _engine("client"),
    "engine, wire=session (default)": _engine("session"),
}


def main() -> None:
    """Print requests per second of all ways."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    requests = _requests(options.requests)
    size = sum(len(msgspec.json.encode(request.messages)) for request in requests)
    print(
        f"{len(requests)} requests of {size / len(requests) / 1000:.1f} kB of prompt, "
        f"{options.concurrency} at a time, openai {openai.__version__}, "
        f"best of {options.rounds} rounds"
    )
    best = dict.fromkeys(_WAYS, float("inf"))
    with served() as url:
        for _ in range(options.rounds):
            for name, way in _WAYS.items():
                seconds = asyncio.run(way(url, requests, options.concurrency))
                best[name] = min(best[name], seconds)
    raw = best["openai client, default transport"]
    print(f"{'':36}{'requests/s':>12}{'ms each':>10}{'ratio':>8}")
    for name, seconds in best.items():
        each = seconds / len(requests)
        print(f"{name:36}{1 / each:12.0f}{each * 1000:10.2f}{raw / seconds:8.1f}")


if __name__ == "__main__":
    main()
