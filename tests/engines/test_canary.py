"""The first request: servers that ignore schemas are found out before any work is done."""

from __future__ import annotations

import asyncio

import pytest
from loopback import Behaviour, LoopbackServer, answer, blanks, hang, status, wrong_schema
from openai_asking import settings

from cogtrace.engines.canary import require_schema
from cogtrace.engines.openai_engine import OpenAIEngine
from cogtrace.engines.retrying import RetryPolicy
from cogtrace.errors import EngineError, SchemaIgnored


def check(behaviour: Behaviour, owned_by: str = "vllm") -> LoopbackServer:
    async def run(server: LoopbackServer) -> None:
        policy = RetryPolicy(retries=0)
        engine = OpenAIEngine(settings(server, timeout=0.5), policy=policy)
        await engine.start()
        try:
            await require_schema(engine)
        finally:
            await engine.close()

    with LoopbackServer(always=behaviour, owned_by=owned_by) as server:
        asyncio.run(run(server))
    return server


@pytest.mark.parametrize("owned_by", ["vllm", "someone"])
def test_a_server_that_keeps_to_the_schema_passes_with_one_small_request(owned_by: str) -> None:
    server = check(answer(), owned_by)
    assert len(server.chats) == 1
    assert len(server.chats[0].raw) < 1_000


def test_a_model_that_thinks_before_it_keeps_to_the_schema_passes() -> None:
    check(answer('<think>Blue. But I must name a stone.</think>{"stone":"zinc","count":3}'))
    check(answer('{"stone": "zinc", "count": 7}', reasoning="Blue."))


@pytest.mark.parametrize(
    ("behaviour", "seen"),
    [
        (answer("The sky is blue."), "'The sky is blue.'"),
        (wrong_schema(), "something"),
        (answer('{"stone": "granite", "count": 3}'), "granite"),
        (answer('{"stone": "zinc", "count": 2}'), "2"),
        (answer('{"stone": "zinc", "count": true}'), "true"),
        (answer('{"stone": "zinc"}'), "zinc"),
        (answer('{"stone": "zinc", "count": 3, "more": 1}'), "more"),
        (answer('```json\n{"stone": "zinc", "count": 3}\n```'), "```json"),
        (answer(""), "an empty answer"),
        (answer("[1]"), r"\[1\]"),
    ],
)
def test_a_server_that_ignores_the_schema_is_refused_with_its_answer_and_advice(
    behaviour: Behaviour, seen: str
) -> None:
    with pytest.raises(SchemaIgnored, match=rf"(?s)ignores the schema.*{seen}.*vLLM 0.12"):
        check(behaviour)


def test_what_was_seen_is_shown_short_and_safe() -> None:
    with pytest.raises(SchemaIgnored) as caught:
        check(answer("\x1b[31mred\u202e " + "and so on " * 500))
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 800


@pytest.mark.parametrize("behaviour", [blanks(), answer('{"stone":   \n\n   ', finish="length")])
def test_blanks_without_end_come_with_the_setting_that_ends_them(behaviour: Behaviour) -> None:
    with pytest.raises(SchemaIgnored, match='"disable_any_whitespace":true'):
        check(behaviour)


def test_thinking_without_end_is_told_from_blanks() -> None:
    with pytest.raises(SchemaIgnored, match="enable_thinking"):
        check(answer("", reasoning="Well, the sky, at noon,", finish="length"))


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [(status(400, "no such field"), "no such field"), (hang(), "0.5 seconds")],
)
def test_a_request_that_fails_says_nothing_about_schemas(behaviour: Behaviour, words: str) -> None:
    with pytest.raises(EngineError, match=words) as caught:
        check(behaviour)
    assert not isinstance(caught.value, SchemaIgnored)
