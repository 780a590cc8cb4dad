"""Asking the OpenAI engine things, in tests, with pauses so short that faults cost no time."""

from __future__ import annotations

import asyncio
from typing import Any

from loopback import LoopbackServer

from cogtrace.engines import EngineInfo, EngineSettings, Message, Request, Result
from cogtrace.engines.openai_engine import OpenAIEngine
from cogtrace.engines.retrying import RetryPolicy

FAST = RetryPolicy(retries=4, first=0.01, longest=0.05)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 2}},
    "required": ["score"],
    "additionalProperties": False,
}


def request(text: str = "What do you see?", **more: Any) -> Request:
    """Return a request with one message."""
    return Request(messages=(Message(role="user", content=text),), **{"max_tokens": 50, **more})


def settings(server: LoopbackServer, **more: Any) -> EngineSettings:
    """Return settings that lead to a server."""
    return EngineSettings(**{"base_url": server.base_url, "timeout": 5.0, **more})


def ask(
    server: LoopbackServer,
    *requests: Request,
    policy: RetryPolicy = FAST,
    **more: Any,
) -> list[Result]:
    """Start an engine, let it answer, close it. Keywords are settings."""

    async def run() -> list[Result]:
        engine = OpenAIEngine(settings(server, **more), policy=policy)
        try:
            await engine.start()
            return await engine.complete(requests)
        finally:
            await engine.close()

    return asyncio.run(run())


def begin(server: LoopbackServer, **more: Any) -> EngineInfo:
    """Only start an engine, and close it."""

    async def run() -> EngineInfo:
        engine = OpenAIEngine(settings(server, **more))
        try:
            return await engine.start()
        finally:
            await engine.close()

    return asyncio.run(run())
