"""The OpenAI engine against a real server on loopback: where it goes, what it sends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from loopback import LoopbackServer, answer, status, wait
from openai_asking import SCHEMA, ask, begin, request, settings

from cogtrace.engines import EngineSettings, Message, Request
from cogtrace.engines.openai_engine import OpenAIEngine
from cogtrace.engines.server import api_key, base_url
from cogtrace.errors import EngineError

WIRES = ("session", "client")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_KEY", "VLLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


def test_the_only_model_served_is_taken_and_its_context_is_known(server: LoopbackServer) -> None:
    info = begin(server)
    assert (info.engine, info.model, info.context_tokens) == ("openai", "tiny", 32_768)
    assert info.concurrency == 64


def test_a_model_that_is_not_served_is_refused_and_those_there_are_are_named() -> None:
    with (
        LoopbackServer(models=("small", "large")) as server,
        pytest.raises(EngineError, match="no model 'larger'; give --model one of: large"),
    ):
        begin(server, model="larger")


def test_with_several_models_one_must_be_named() -> None:
    with LoopbackServer(models=("small", "large")) as server:
        with pytest.raises(EngineError, match="one of: small, large"):
            begin(server)
        assert begin(server, model="large").model == "large"


def test_a_server_that_does_not_list_its_models_is_taken_at_its_word() -> None:
    with LoopbackServer(has_models=False) as server:
        assert begin(server, model="anything").model == "anything"
        with pytest.raises(EngineError, match="--model"):
            begin(server)


def test_no_server_is_an_error_that_says_what_to_look_at(server: LoopbackServer) -> None:
    server.down()
    with pytest.raises(EngineError, match=r"is the server running.*--base-url"):
        begin(server)


def test_control_characters_in_an_answer_under_a_schema_are_mended(server: LoopbackServer) -> None:
    server.always = answer('{"word":"a\x04b"}')
    held, free = ask(server, request(schema=SCHEMA), request())
    assert held.text == '{"word":"a\\u0004b"}'
    assert free.text == '{"word":"a\x04b"}'


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_comes_from_the_environment_and_a_wrong_one_is_explained(
    wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer(key="sk-right-one") as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-right-one")
        (result,) = ask(server, request(), arguments={"wire": wire})
        assert result.text == "ok"
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-one")
        with pytest.raises(EngineError, match="OPENAI_API_KEY") as caught:
            begin(server)
        assert "sk-wrong-one" not in str(caught.value)


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_that_a_server_repeats_does_not_reach_the_message(
    wire: str, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")
    server.always = status(400, "what is Bearer sk-secret-of-mine to me")
    (result,) = ask(server, request(), arguments={"wire": wire})
    assert result.failure is not None
    assert "[key] to me" in result.failure.message
    assert "secret-of-mine" not in result.failure.message


def test_no_key_is_needed_but_for_openai_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert api_key("http://127.0.0.1:8000/v1")
    with pytest.raises(EngineError, match="OPENAI_API_KEY"):
        api_key(base_url(None))
    monkeypatch.setenv("VLLM_API_KEY", " abc\n")
    assert api_key("http://127.0.0.1:8000/v1") == "abc"
    monkeypatch.setenv("OPENAI_API_KEY", "a\nb")
    with pytest.raises(EngineError, match="characters"):
        api_key("http://127.0.0.1:8000/v1")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://here:8000", "http://here:8000/v1"),
        ("http://here:8000/", "http://here:8000/v1"),
        ("http://here:8000/v1/", "http://here:8000/v1"),
        ("http://here/v1/chat/completions", "http://here/v1"),
        ("https://here/openai", "https://here/openai"),
        (None, "http://from-environment/v1"),
    ],
)
def test_the_address_is_completed(
    given: str | None, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "http://legacy/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://from-environment/v1")
    assert base_url(given) == used


@pytest.mark.parametrize("given", ["here:8000", "ftp://here/v1", "http://"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(EngineError, match="no address"):
        base_url(given)


@pytest.mark.parametrize("wire", WIRES)
def test_a_schema_goes_to_vllm_in_its_own_field(wire: str, server: LoopbackServer) -> None:
    (result,) = ask(server, request(schema=SCHEMA), arguments={"wire": wire})
    body = server.chats[0].body
    assert body["structured_outputs"] == {"json": SCHEMA}
    assert "response_format" not in body
    assert result.text == '{"score":1}'


@pytest.mark.parametrize("wire", WIRES)
def test_a_schema_goes_to_other_servers_in_the_portable_form(wire: str) -> None:
    with LoopbackServer(owned_by="someone") as server:
        (result,) = ask(server, request(schema=SCHEMA), arguments={"wire": wire})
    body = server.chats[0].body
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
    }
    assert "structured_outputs" not in body
    assert result.text == '{"score":1}'


@pytest.mark.parametrize(
    ("version", "own_field"),
    [("0.9.2", False), ("0.11.1.post2", False), ("0.12.0", True), ("0.1.dev7+g1", True)],
)
def test_a_vllm_that_does_not_know_the_field_gets_the_portable_form(
    version: str, own_field: bool
) -> None:
    with LoopbackServer(version=version) as server:
        assert begin(server).version == version
        ask(server, request(schema=SCHEMA))
    assert ("structured_outputs" in server.chats[0].body) is own_field


@pytest.mark.parametrize("wire", WIRES)
def test_messages_limits_and_arguments_are_sent_and_the_key_of_a_request_is_not(
    wire: str, server: LoopbackServer
) -> None:
    asked = Request(
        messages=(
            Message(role="system", content="Sei kurz."),
            Message(role="user", content="ä\n{}"),
        ),
        max_tokens=7,
        temperature=0.5,
        key="trace-1",
    )
    arguments = {"wire": wire, "top_p": 0.9, "temperature": None, "chat_template_kwargs": {"a": 1}}
    ask(server, asked, arguments=arguments)
    assert server.chats[0].body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Sei kurz."},
            {"role": "user", "content": "ä\n{}"},
        ],
        "max_tokens": 7,
        "top_p": 0.9,
        "chat_template_kwargs": {"a": 1},
    }


@pytest.mark.parametrize("wire", WIRES)
def test_a_model_that_wants_the_new_name_of_the_limit_gets_it_from_then_on(
    wire: str, server: LoopbackServer
) -> None:
    server.behave(
        status(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    )
    results = ask(server, request(), concurrency=1, arguments={"wire": wire})
    assert [result.attempts for result in results] == [1]
    assert server.chats[1].body["max_completion_tokens"] == 50
    assert "max_tokens" not in server.chats[1].body


@pytest.mark.parametrize("wire", WIRES)
def test_reasoning_finish_and_usage_are_read(wire: str, server: LoopbackServer) -> None:
    usage = {
        "prompt_tokens": 90,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 64},
    }
    server.always = answer("yes", reasoning="hm", finish="length", usage=usage)
    (result,) = ask(server, request(), arguments={"wire": wire})
    assert (result.text, result.reasoning, result.finish) == ("yes", "hm", "length")
    assert (result.usage.prompt, result.usage.cached, result.usage.completion) == (90, 64, 4)
    assert result.usage.computed == 26
    assert result.seconds > 0


def test_results_come_in_the_order_of_the_requests(server: LoopbackServer) -> None:
    def echo(body: dict[str, Any]) -> str:
        said: str = body["messages"][0]["content"]
        return said

    server.decide = lambda seen: wait(0.05 * ("3" in seen.raw.decode()), answer(echo))
    texts = [f"number {number}" for number in range(40)]
    results = ask(server, *map(request, texts))
    assert [result.text for result in results] == texts


def test_no_more_requests_are_in_flight_than_the_concurrency_allows(
    server: LoopbackServer,
) -> None:
    server.always = wait(0.02)
    results = ask(server, *[request()] * 30, concurrency=5)
    assert all(result.failure is None for result in results)
    assert server.most_in_flight == 5


def test_requests_are_sent_in_their_order(server: LoopbackServer) -> None:
    texts = [str(number) for number in range(30)]
    ask(server, *map(request, texts), concurrency=1)
    assert [seen.body["messages"][0]["content"] for seen in server.chats] == texts


def test_a_prompt_of_megabytes_arrives_whole(server: LoopbackServer) -> None:
    text = "ä" * 1_500_000
    (result,) = ask(server, request(text))
    assert result.failure is None
    assert server.chats[0].body["messages"][0]["content"] == text


@pytest.mark.parametrize("wire", WIRES)
def test_half_a_surrogate_pair_is_replaced_and_the_rest_is_kept(
    wire: str, server: LoopbackServer
) -> None:
    (result,) = ask(server, request("ä\ud83d b"), arguments={"wire": wire})
    assert result.text == "ok"
    assert server.chats[0].body["messages"][0]["content"] == "ä? b"


def test_a_batch_that_is_cancelled_leaves_nothing_running(server: LoopbackServer) -> None:
    server.always = wait(30)

    async def run() -> int:
        engine = OpenAIEngine(settings(server))
        await engine.start()
        batch = asyncio.create_task(engine.complete([request()] * 10))
        await asyncio.sleep(0.1)
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        left = len(asyncio.all_tasks()) - 1
        await engine.close()
        await engine.close()  # again, without harm
        return left

    assert asyncio.run(run()) == 0


def test_an_unknown_wire_is_refused(server: LoopbackServer) -> None:
    with pytest.raises(EngineError, match="session or client"):
        begin(server, arguments={"wire": "pigeon"})


def test_a_missing_client_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    engine = OpenAIEngine(EngineSettings(model="m", base_url="http://127.0.0.1:9/v1"))
    with pytest.raises(EngineError, match=r"cogtrace\[llm\]"):
        asyncio.run(engine.start())


def test_something_else_on_the_port_is_not_taken_for_a_server() -> None:
    with (
        LoopbackServer(listing=b"<html>hello</html>") as server,
        pytest.raises(EngineError, match="not as an OpenAI-compatible server"),
    ):
        begin(server)
