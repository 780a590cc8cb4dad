"""The engine "openai" with vLLM's own server on loopback: `scripts/test-vllm` runs these."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import jsonschema
import openai
import pytest
from answer_schemas import SCHEMAS, require_filled
from engine_contract import SCHEMAS as CONTRACT_SCHEMAS
from engine_contract import Subject, check_all, request
from real_vllm import served

from cogtrace.engines.base import EngineSettings
from cogtrace.engines.canary import require_schema
from cogtrace.engines.openai_engine import OpenAIEngine

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("server") / "vllm.log") as url:
        yield url


@asynccontextmanager
async def _opened(base_url: str) -> AsyncIterator[Subject]:
    engine = OpenAIEngine(EngineSettings(base_url=base_url, retries=1, timeout=120))
    refused = request("please fail", {"type": "nonsense"})
    cut = request("please be cut", CONTRACT_SCHEMAS[0], limit=3)
    try:
        info = await engine.start()
        yield Subject(engine=engine, info=info, failing=refused, cut=cut)
    finally:
        await engine.close()


def _with(base_url: str, check: Callable[[Subject], Awaitable[None]]) -> None:
    async def go() -> None:
        async with _opened(base_url) as subject:
            await check(subject)

    asyncio.run(go())


def test_the_engine_keeps_the_contract(base_url: str) -> None:
    _with(base_url, check_all)


def test_it_finds_out_all_about_the_server(base_url: str) -> None:
    async def check(subject: Subject) -> None:
        assert (subject.info.model, subject.info.context_tokens) == ("tiny", 8192)
        assert subject.info.version
        await require_schema(subject.engine)

    _with(base_url, check)


def test_every_schema_is_filled(base_url: str) -> None:
    async def check(subject: Subject) -> None:
        asked = [request(f"{name}?", schema, limit=3000) for name, schema in SCHEMAS.items()]
        for one, result in zip(asked, await subject.engine.complete(asked), strict=True):
            assert one.schema is not None
            assert (result.failure, result.finish) == (None, "stop")
            require_filled(result.text, one.schema)

    _with(base_url, check)


def test_cached_tokens_are_told(base_url: str) -> None:
    async def check(subject: Subject) -> None:
        asked = request("The box holds four. " * 200)
        (first,) = await subject.engine.complete([asked])
        (second,) = await subject.engine.complete([asked])
        assert second.usage.prompt == first.usage.prompt
        assert second.usage.computed <= 128 < first.usage.computed

    _with(base_url, check)


def test_a_prompt_that_does_not_fit_says_so(base_url: str) -> None:
    async def check(subject: Subject) -> None:
        (result,) = await subject.engine.complete([request("word " * 9000)])
        assert result.failure is not None
        assert result.failure.kind == "too-long"

    _with(base_url, check)


def test_a_schema_goes_through_the_portable_field_of_the_plain_client(base_url: str) -> None:
    schema = SCHEMAS["three digits"]
    with openai.OpenAI(base_url=base_url, api_key="none") as client:
        answer = client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": "Which number?"}],
            max_tokens=50,
            temperature=0,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": schema, "strict": True},
            },
        )
    jsonschema.validate(json.loads(answer.choices[0].message.content or ""), schema)
