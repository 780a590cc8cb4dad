"""The proxy in front of vLLM's own server: `scripts/test-vllm -k proxy` runs these."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from proxied import served as proxied
from real_vllm import served

from cogtrace.server import ProxySettings

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("default")]
pytest.importorskip("starlette", reason="the extra `serve` is not installed here")

MESSAGES: Any = [{"role": "user", "content": "A box holds four rows of six eggs. How many?"}]
MODELS = ["tiny", "tiny+restate", "tiny+restate+vote:samples=3"]
SCHEMA = {
    "type": "object",
    "properties": {"sum": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["sum"],
    "additionalProperties": False,
}
FORMAT: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    with served(tmp_path_factory.mktemp("server") / "vllm.log") as upstream:
        settings = ProxySettings(upstream=upstream, port=0, max_tokens=64)
        with (
            proxied(settings) as url,
            openai.OpenAI(base_url=url, api_key="none", max_retries=0) as made,
        ):
            yield made


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_comes_with_the_usage_of_all_calls(client: openai.OpenAI, model: str) -> None:
    reply = client.chat.completions.with_raw_response.create(
        model=model, messages=MESSAGES, max_tokens=16
    )

    usage = reply.parse().usage
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0
    if "+" in model:
        assert int(reply.headers["x-cogtrace-tokens"]) == usage.total_tokens
        assert int(reply.headers["x-cogtrace-calls"]) == (2 if model.count("+") == 1 else 4)


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_comes_with_the_usage_of_all_calls(client: openai.OpenAI, model: str) -> None:
    options: Any = {"include_usage": True}
    stream = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=16, stream=True, stream_options=options
    )
    chunks = list(stream)

    usage = chunks[-1].usage
    assert usage is not None
    assert usage.total_tokens > 0
    assert len(chunks) >= (3 if "vote" in model else 9)  # whole, or one by one


@pytest.mark.parametrize("model", MODELS)
def test_a_schema_binds_the_answer_and_not_the_plugins(client: openai.OpenAI, model: str) -> None:
    reply = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=64, response_format=FORMAT, seed=1
    )

    assert 1 <= json.loads(reply.choices[0].message.content or "")["sum"] <= 9


def test_models_and_completions_are_vllms_own(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.completions.create(model="tiny", prompt="So", max_tokens=4).choices[0].text


def test_an_error_of_vllms_is_the_clients(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"context length|max_tokens"):
        client.chat.completions.create(
            model="tiny+restate", messages=MESSAGES, max_tokens=1_000_000
        )
