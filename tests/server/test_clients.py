"""The official client works with the proxy unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from loopback import answer, status, wait
from proxied import QUESTION, Proxied, proxied

MODELS = ["tiny", "tiny+say", "tiny+frame", "tiny+vote:samples=2"]
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
TOOLS: Any = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
CALL = {"id": "c", "type": "function", "function": {"name": "add", "arguments": "{}"}}


@pytest.fixture(scope="module")
def running() -> Iterator[Proxied]:
    with proxied() as proxy:
        yield proxy


@pytest.fixture
def proxy(running: Proxied) -> Proxied:
    running.upstream.always = answer("The answer is 41.")
    return running


@pytest.mark.parametrize("model", MODELS)
def test_the_client_that_waits(proxy: Proxied, model: str) -> None:
    with proxy.client() as client:
        whole = client.chat.completions.create(model=model, messages=MESSAGES)
        stream = client.chat.completions.create(model=model, messages=MESSAGES, stream=True)
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream]

    assert whole.choices[0].message.content == "".join(pieces) == "The answer is 41."
    assert whole.usage is not None
    assert whole.usage.total_tokens > 0


@pytest.mark.parametrize("model", MODELS)
def test_the_client_that_does_not(proxy: Proxied, model: str) -> None:
    async def ask() -> tuple[str | None, str, int]:
        async with openai.AsyncOpenAI(base_url=proxy.url, api_key="none") as client:
            whole = await client.chat.completions.create(model=model, messages=MESSAGES)
            pieces, spent = "", 0
            options: Any = {"include_usage": True}
            async for chunk in await client.chat.completions.create(
                model=model, messages=MESSAGES, stream=True, stream_options=options
            ):
                for choice in chunk.choices:
                    pieces += choice.delta.content or ""
                spent += chunk.usage.total_tokens if chunk.usage else 0
            return whole.choices[0].message.content, pieces, spent

    whole, pieces, spent = asyncio.run(ask())

    assert whole == pieces == "The answer is 41."
    assert spent > 0


@pytest.mark.parametrize("model", MODELS)
def test_tools_are_called_streamed_or_not(proxy: Proxied, model: str) -> None:
    proxy.upstream.always = answer("", finish="tool_calls", tool_calls=[CALL])
    with proxy.client() as client:
        whole = client.chat.completions.create(model=model, messages=MESSAGES, tools=TOOLS)
        calls = whole.choices[0].message.tool_calls
        assert calls is not None
        assert calls[0].type == "function"
        assert (calls[0].function.name, whole.choices[0].finish_reason) == ("add", "tool_calls")
        result: Any = {"role": "tool", "tool_call_id": "c", "content": "41"}
        proxy.upstream.always = answer("It is 41.")
        said: Any = whole.choices[0].message
        after = client.chat.completions.create(
            model=model, messages=[*MESSAGES, said, result], tools=TOOLS
        )
        assert after.choices[0].message.content == "It is 41."


def test_guidance_by_the_body_and_what_it_took_in_the_headers(proxy: Proxied) -> None:
    with proxy.client() as client:
        reply = client.chat.completions.with_raw_response.create(
            model="tiny", messages=MESSAGES, extra_body={"cogtrace": {"with": ["say", "frame"]}}
        )

    assert reply.headers["x-cogtrace-plugins"] == "say,frame"
    usage = reply.parse().usage
    assert usage is not None
    assert usage.total_tokens == int(reply.headers["x-cogtrace-tokens"])


def test_errors_are_the_clients_own_exceptions(proxy: Proxied) -> None:
    with proxy.client() as client:
        with pytest.raises(openai.BadRequestError, match="did you mean say"):
            client.chat.completions.create(model="tiny+sya", messages=MESSAGES)
        proxy.upstream.behave(status(429, "slow down"))
        with pytest.raises(openai.RateLimitError, match="slow down"):
            client.chat.completions.create(model="tiny+say", messages=MESSAGES)
        proxy.upstream.behave(wait(0.5, status(429, "slow down")))
        stream = client.chat.completions.create(model="tiny+say", messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIError, match="slow down"):
            list(stream)


def test_the_client_tries_again_what_was_too_much(proxy: Proxied) -> None:
    proxy.upstream.behave(status(503, headers={"Retry-After": "0.01"}))
    with proxy.client(max_retries=1) as client:
        whole = client.chat.completions.create(model="tiny+say", messages=MESSAGES)

    assert whole.choices[0].message.content == "The answer is 41."


def test_models_are_listed(proxy: Proxied) -> None:
    with proxy.client() as client:
        assert [model.id for model in client.models.list()] == ["tiny"]
