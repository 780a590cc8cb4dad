"""The OpenAI engine against a server on loopback that fails in every way there is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from loopback import (
    Behaviour,
    LoopbackServer,
    answer,
    blanks,
    cut,
    drip,
    hang,
    raw,
    status,
    truncated,
    wrong_schema,
)
from openai_asking import FAST, SCHEMA, ask, request, settings

from cogtrace.engines import Result
from cogtrace.engines.base import FailureKind
from cogtrace.engines.openai_engine import OpenAIEngine
from cogtrace.engines.retrying import RetryPolicy

pytestmark = pytest.mark.slow

PASSING: dict[str, tuple[Behaviour, FailureKind]] = {
    "status 500": (status(500), "server-error"),
    "status 503": (status(503), "server-error"),
    "status 503 with a wish": (status(503, headers={"Retry-After": "0"}), "overloaded"),
    "status 408": (status(408), "timeout"),
    "status 429": (status(429), "overloaded"),
    "no answer": (hang(), "timeout"),
    "cut before the answer": (cut(0), "unreachable"),
    "cut in the headers": (cut(0.05), "unreachable"),
    "cut in the middle of the answer": (cut(0.8), "unreachable"),
    "truncated JSON": (truncated(), "bad-answer"),
    "an empty answer": (raw(b""), "bad-answer"),
    "not JSON": (raw(b"<html>upstream is busy</html>"), "bad-answer"),
    "no choices": (raw(b'{"choices": []}'), "bad-answer"),
    "an error with status 200": (raw(b'{"error": {"message": "oh"}}'), "bad-answer"),
    "an aborted answer": (answer("half", finish="abort"), "bad-answer"),
}
FINAL: dict[str, tuple[Behaviour, FailureKind, str]] = {
    "status 400": (status(400, "no such field"), "rejected", "status 400: no such field"),
    "status 401": (status(401), "rejected", "OPENAI_API_KEY"),
    "status 403": (status(403), "rejected", "OPENAI_API_KEY"),
    "status 404": (status(404), "rejected", "--model"),
    "status 422": (status(422), "rejected", "status 422"),
    "no credit": (status(429, "You exceeded your current quota"), "rejected", "no credit"),
    "vLLM's words for too long": (
        status(400, "The prompt (length 40000) is longer than the maximum model length of 32768."),
        "too-long",
        "longer than",
    ),
    "OpenAI's words for too long": (
        status(400, "This model's maximum context length is 8192 tokens."),
        "too-long",
        "8192",
    ),
    "status 413": (status(413), "too-long", "413"),
}


@pytest.fixture(params=["session", "client"])
def wire(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_tried_again_and_comes_right(
    name: str, wire: str, server: LoopbackServer
) -> None:
    behaviour, _ = PASSING[name]
    server.behave(behaviour, behaviour)
    (result,) = ask(server, request(), timeout=0.3, arguments={"wire": wire})
    assert (result.text, result.failure, result.attempts) == ("ok", None, 3)
    assert len(server.chats) == 3


@pytest.mark.parametrize("name", PASSING)
def test_what_does_not_pass_ends_as_a_failure_that_names_its_kind(
    name: str, wire: str, server: LoopbackServer
) -> None:
    behaviour, kind = PASSING[name]
    server.always = behaviour
    policy = RetryPolicy(retries=1, bad_answers=1, first=0.01)
    (result,) = ask(server, request(), policy=policy, timeout=0.2, arguments={"wire": wire})
    assert result.failure is not None
    assert (result.finish, result.failure.kind) == ("failed", kind)
    assert result.failure.passing
    assert result.attempts == 2 == len(server.chats)


@pytest.mark.parametrize("name", FINAL)
def test_what_the_server_refuses_is_not_sent_again(
    name: str, wire: str, server: LoopbackServer
) -> None:
    behaviour, kind, words = FINAL[name]
    server.behave(behaviour)
    (result,) = ask(server, request(), arguments={"wire": wire})
    assert result.failure is not None
    assert result.failure.kind == kind
    assert words in result.failure.message
    assert not result.failure.passing
    assert len(server.chats) == 1


def test_a_request_that_fails_does_not_fail_its_batch(wire: str, server: LoopbackServer) -> None:
    def decide(seen: object) -> Behaviour | None:
        body = str(getattr(seen, "raw", b""))
        return status(400) if "bad" in body else hang() if "stuck" in body else None

    server.decide = decide
    texts = ["good", "bad", "good", "stuck", "good"]
    results = ask(
        server,
        *map(request, texts),
        policy=RetryPolicy(retries=1, first=0.01),
        timeout=0.2,
        arguments={"wire": wire},
    )
    kinds = [result.failure and result.failure.kind for result in results]
    assert kinds == [None, "rejected", None, "timeout", None]


def test_answers_that_are_none_are_not_asked_for_again_and_again(server: LoopbackServer) -> None:
    server.always = truncated()
    (result,) = ask(server, request(), policy=RetryPolicy(retries=8, first=0.01))
    assert result.attempts == 3 == len(server.chats)


def test_tokens_of_all_tries_are_counted(server: LoopbackServer) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2}
    server.behave(answer("half", finish="abort", usage=usage), answer("all", usage=usage))
    (result,) = ask(server, request())
    assert (result.text, result.usage.prompt, result.usage.completion) == ("all", 20, 4)


def test_answers_for_the_wrong_schema_and_blanks_are_passed_on_as_they_are(
    wire: str, server: LoopbackServer
) -> None:
    server.behave(wrong_schema(), blanks())
    results = ask(server, *[request(schema=SCHEMA)] * 2, concurrency=1, arguments={"wire": wire})
    assert results[0].text == '{"something": "else entirely"}'
    assert (results[1].text.strip(), results[1].finish) == ("", "length")
    assert len(server.chats) == 2


def test_a_wish_to_be_left_alone_is_granted(wire: str, server: LoopbackServer) -> None:
    server.behave(status(429, headers={"Retry-After": "1"}))
    (result,) = ask(server, request(), arguments={"wire": wire})
    first, second = (seen.at for seen in server.chats)
    assert result.failure is None
    assert second - first >= 1.0
    assert second - first < 3.0


def test_a_wish_to_be_left_alone_holds_back_all_requests(server: LoopbackServer) -> None:
    server.behave(status(429, headers={"Retry-After-Ms": "600"}))
    results = ask(server, *[request()] * 30, concurrency=1)
    first, *others = (seen.at for seen in server.chats)
    assert all(result.failure is None for result in results)
    assert min(others) - first >= 0.6


def test_a_wish_for_hours_is_a_failure_at_once(server: LoopbackServer) -> None:
    server.behave(status(429, headers={"Retry-After": "7200"}))
    results = ask(server, *[request()] * 3, concurrency=1)
    assert [result.failure and result.failure.kind for result in results] == [
        "overloaded",
        None,
        None,
    ]


def test_a_slow_trickle_of_an_answer_is_a_timeout_too(wire: str, server: LoopbackServer) -> None:
    server.always = drip()
    begun = time.monotonic()
    policy = RetryPolicy(retries=0)
    (result,) = ask(server, request(), policy=policy, timeout=0.5, arguments={"wire": wire})
    assert result.failure is not None
    assert result.failure.kind == "timeout"
    assert time.monotonic() - begun < 3


def gone_for(
    server: LoopbackServer, seconds: float, policy: RetryPolicy, wire: str = "session"
) -> list[Result]:
    """Ask 60 questions of a server that goes away after the first few."""

    async def run() -> list[Result]:
        engine = OpenAIEngine(
            settings(server, concurrency=8, arguments={"wire": wire}), policy=policy
        )
        await engine.start()
        results = await engine.complete([request()] * 10)
        server.down_for(seconds)
        results += await engine.complete([request()] * 50)
        await engine.close()
        return results

    return asyncio.run(run())


def test_a_server_that_is_gone_for_a_while_costs_no_request(
    wire: str, server: LoopbackServer
) -> None:
    policy = RetryPolicy(retries=6, first=0.1, longest=0.5)
    results = gone_for(server, 1.0, policy, wire)
    assert [result.failure for result in results] == [None] * 60
    assert max(result.attempts for result in results) > 2
    assert server.served == 60


@pytest.mark.slow
def test_a_server_that_is_gone_for_ten_seconds_costs_no_request_as_things_are_set(
    server: LoopbackServer,
) -> None:
    begun = time.monotonic()
    results = gone_for(server, 10.0, RetryPolicy())
    assert [result.failure for result in results] == [None] * 60
    assert 10.0 <= time.monotonic() - begun < 30.0


def test_when_everything_fails_the_engine_gives_up_and_says_why(
    wire: str, server: LoopbackServer
) -> None:
    async def run() -> tuple[list[Result], list[Result], str | None]:
        engine = OpenAIEngine(settings(server, arguments={"wire": wire}), policy=FAST)
        await engine.start()
        assert engine.trouble is None
        server.always = status(500, "out of memory")
        first = await engine.complete([request()] * 300)
        second = await engine.complete([request()] * 5)
        await engine.close()
        return first, second, engine.trouble

    first, second, trouble = asyncio.run(run())
    assert trouble is not None
    assert "20 requests in a row" in trouble
    assert "out of memory" in trouble
    assert {result.failure.kind for result in first + second if result.failure} == {"server-error"}
    assert len([result for result in first + second if result.failure]) == 305
    assert [result.attempts for result in second] == [0] * 5
    # Those in flight and the twenty after them had all their tries, nobody else had any.
    assert len(server.chats) <= (64 + 20) * 5


def test_giving_up_ends_the_pauses_of_all_others(server: LoopbackServer) -> None:
    def decide(seen: object) -> Behaviour:
        return status(500 if "slow" in str(getattr(seen, "raw", b"")) else 401)

    server.decide = decide
    begun = time.monotonic()
    results = ask(
        server,
        *[request("slow")] * 5,
        *[request()] * 20,
        policy=RetryPolicy(first=60.0, longest=60.0),
    )
    assert all(result.failure for result in results)
    assert time.monotonic() - begun < 10


def test_requests_that_are_refused_one_by_one_end_the_work_only_when_there_are_very_many(
    server: LoopbackServer,
) -> None:
    async def run(count: int) -> str | None:
        engine = OpenAIEngine(settings(server, concurrency=10), policy=FAST)
        await engine.start()
        await engine.complete([request()] * count)
        await engine.close()
        return engine.trouble

    server.always = status(400)
    assert asyncio.run(run(99)) is None
    assert asyncio.run(run(101)) is not None
    server.always = status(400, "maximum context length is 10 tokens")
    assert asyncio.run(run(300)) is None
