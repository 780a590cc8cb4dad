"""Streams: tokens as they come, progress before them, and what was spent at their end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from loopback import answer, raw, status, stream, wait
from proxied import QUESTION, Proxied, proxied, until


@pytest.fixture(scope="module")
def running() -> Iterator[Proxied]:
    with proxied() as proxy:
        yield proxy


@pytest.fixture
def proxy(running: Proxied) -> Proxied:
    running.upstream.always = answer("Answer: 41")
    running.upstream.requests.clear()
    return running


def _chunk(text: str, **more: Any) -> bytes:
    chunk = {"id": "x", "choices": [{"index": 0, "delta": {"content": text}}]} | more
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _events(body: str) -> list[Any]:
    """Return the JSON of each event, and the text of those that are none."""
    found: list[Any] = []
    for event in filter(None, body.split("\n\n")):
        data = event.removeprefix("data: ")
        found.append(json.loads(data) if data.startswith("{") else data)
    return found


@pytest.mark.parametrize("model", ["tiny", "tiny+frame", "tiny+say"])
def test_tokens_arrive_one_by_one_as_the_model_writes_them(proxy: Proxied, model: str) -> None:
    words = [_chunk(f"w{n} ") for n in range(8)]
    proxy.upstream.decide = lambda seen: (
        stream(*words, b"data: [DONE]\n\n", pace=0.06) if b'"stream"' in seen.raw else None
    )
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": QUESTION}]}

    times, got = [], b""
    with proxy.http.stream("POST", "/v1/chat/completions", json=body) as response:
        for piece in response.iter_raw():
            times.append(time.monotonic())
            got += piece
    proxy.upstream.decide = None

    assert len(times) >= 6
    assert times[-1] - times[0] > 0.3
    assert got.startswith(b"".join(words))  # byte for byte


def test_a_stream_ends_with_what_was_spent_and_shows_the_usage_only_if_asked(
    proxy: Proxied,
) -> None:
    quiet = _events(proxy.chat(model="tiny+say", stream=True).text)
    told = _events(
        proxy.chat(model="tiny+say", stream=True, stream_options={"include_usage": True}).text
    )

    assert not [event for event in quiet if isinstance(event, dict) and event.get("usage")]
    assert quiet[-1] == told[-1] == "[DONE]"
    spent = json.loads(told[-2].removeprefix(": cogtrace "))
    assert spent["plugins"] == ["say"]
    assert spent["calls"] == 2
    usage = next(event["usage"] for event in told if event.get("usage"))
    assert usage["total_tokens"] == spent["tokens"] == sum(spent["tokens_by_plugin"].values())
    assert spent["tokens_by_plugin"]["say"] > 0
    assert proxy.upstream.chats[-1].body["stream_options"] == {"include_usage": True}


def test_the_client_is_told_what_goes_on_while_it_waits(proxy: Proxied) -> None:
    proxy.upstream.behave(wait(0.6, answer("add them")))

    body = proxy.chat(model="tiny+say", stream=True).text

    assert body.startswith(": cogtrace say …\n\n")
    assert '"content":"Answer:"' in body


def test_an_answer_that_is_no_single_generation_comes_as_proper_chunks(proxy: Proxied) -> None:
    call = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    proxy.upstream.always = answer("Answer: 41", tool_calls=call, reasoning_content="hm")
    asked = {"stream": True, "stream_options": {"include_usage": True}}

    first, last, usage, told, done = _events(proxy.chat(model="tiny+vote:samples=2", **asked).text)

    assert first["object"] == "chat.completion.chunk"
    delta = first["choices"][0]["delta"]
    assert (delta["content"], delta["reasoning_content"]) == ("Answer: 41", "hm")
    assert delta["tool_calls"] == [{"index": 0, **call[0]}]
    assert last["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] > 0
    assert json.loads(told.removeprefix(": cogtrace "))["calls"] == 2
    assert done == "[DONE]"


def test_an_error_before_the_first_byte_has_its_own_status(proxy: Proxied) -> None:
    proxy.upstream.behave(answer("add"), status(429, "slow down", headers={"Retry-After": "3"}))

    reply = proxy.chat(model="tiny+say", stream=True)

    assert (reply.status_code, reply.headers["retry-after"]) == (429, "3")


def test_an_error_after_it_comes_as_an_event(proxy: Proxied) -> None:
    proxy.upstream.behave(wait(0.5, status(400, "no such thing")))

    reply = proxy.chat(model="tiny+say", stream=True)

    assert reply.status_code == 200
    assert _events(reply.text)[-1]["error"]["message"] == "no such thing"


def test_a_stream_that_is_cut_ends_with_an_error_and_a_plain_one_is_cut_too(
    proxy: Proxied,
) -> None:
    import httpx

    proxy.upstream.always = stream(*[_chunk("w")] * 5, stop_after=2)

    guided = _events(proxy.chat(model="tiny+frame", stream=True).text)
    with pytest.raises(httpx.RemoteProtocolError):
        proxy.chat(stream=True)

    assert [event for event in guided if "choices" in event] == [json.loads(_chunk("w")[6:])] * 2
    assert guided[-1]["error"]["code"] == "upstream_cut"
    assert proxy.chat(model="tiny+frame", stream=True).status_code == 200


GARBAGE = [
    pytest.param([b"\x00\xff\xfe{]\n\n", b"data: {broken\n\n", b"data: [DONE]\n\n"], id="bytes"),
    pytest.param([b'data: {"usage": [{}]}\n\n', b"data: []\n\n", b"data: 5\n\n"], id="types"),
    pytest.param([b"data: " + b'{"usage": {' * 5_000 + b"\n\n"], id="deep"),
    pytest.param([b": hm\r\n\r\n", b"data:no space\r\r", b"\n\n\n\n", b"no end"], id="ends"),
]


@pytest.mark.parametrize("events", GARBAGE)
@pytest.mark.parametrize("model", ["tiny+frame", "tiny+watch"])
def test_garbage_in_a_stream_harms_nobody(proxy: Proxied, events: list[bytes], model: str) -> None:
    proxy.upstream.behave(stream(*events))

    reply = proxy.chat(model=model, stream=True)

    before, _, after = reply.content.partition(b": cogtrace {")
    left = before + after.partition(b"\n\n")[2]
    assert after
    assert left == b"".join(events)
    assert proxy.chat(model="tiny+frame").status_code == 200


def test_a_usage_of_wrong_types_counts_nothing(proxy: Proxied) -> None:
    strange = b'data: {"choices": [1], "usage": {"prompt_tokens": "x", "odd": 1}}\n\n'
    proxy.upstream.behave(stream(strange, b"data: [DONE]\n\n"))

    first, _, _ = _events(proxy.chat(model="tiny+frame", stream=True).text)

    assert first["usage"] == {
        "prompt_tokens": 0,
        "odd": 1,
        "completion_tokens": 0,
        "total_tokens": 0,
    }


def test_an_event_without_an_end_is_not_collected_for_ever() -> None:
    from cogtrace.server import Limits

    with proxied("frame", limits=Limits(answer_bytes=100_000)) as proxy:
        proxy.upstream.behave(stream(_chunk("w"), *[b"x" * 40_000] * 5))
        streamed = _events(proxy.chat(stream=True).text)
        assert streamed[-1]["error"]["code"] == "upstream_bad_answer"
        proxy.upstream.behave(raw(b" " * 200_000))
        assert proxy.chat().status_code == 502


def test_an_upstream_that_does_not_stream_is_told_of(proxy: Proxied) -> None:
    proxy.upstream.behave(raw(b"{}"))

    assert proxy.chat(model="tiny+frame", stream=True).status_code == 502


def test_tokens_of_streams_are_counted(proxy: Proxied) -> None:
    line = 'cogtrace_tokens_total{plugin="pipeline",kind="completion"}'
    before = proxy.metric(line)

    proxy.chat(model="tiny+frame", stream=True)

    until(lambda: proxy.metric(line) > before)
