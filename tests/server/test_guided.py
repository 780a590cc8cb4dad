"""A guided answer: blocks around the question, all else of the request as it came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import proxy_plugins
import pytest
from loopback import LoopbackServer, answer, raw, status
from proxied import QUESTION, Proxied, error_of, proxied, until


@pytest.fixture(scope="module")
def running() -> Iterator[Proxied]:
    with proxied() as proxy:
        yield proxy


@pytest.fixture
def proxy(running: Proxied) -> Proxied:
    running.upstream.always = answer("Answer: 41")
    running.upstream.requests.clear()
    return running


def _last(proxy: Proxied) -> dict[str, Any]:
    return proxy.upstream.chats[-1].body


def test_a_question_is_prepared_by_a_plugin_and_answered_by_the_model(proxy: Proxied) -> None:
    proxy.upstream.behave(answer("add them"))

    reply = proxy.chat(model="tiny+say")

    first, second = (seen.body for seen in proxy.upstream.chats)
    assert first["messages"] == [{"role": "user", "content": f"In your own words: {QUESTION}"}]
    assert second == {
        "model": "tiny",
        "messages": [{"role": "user", "content": f"In other words: add them\n\n{QUESTION}"}],
    }
    assert reply.json()["choices"][0]["message"]["content"] == "Answer: 41"


def test_the_usage_is_of_everything_and_headers_say_what_it_was(proxy: Proxied) -> None:
    first = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    second = {
        "prompt_tokens": 30,
        "completion_tokens": 4,
        "total_tokens": 34,
        "prompt_tokens_details": {"cached_tokens": 16},
        "odd": 1,
    }
    proxy.upstream.behave(answer("add", usage=first), answer("41", usage=second))

    reply = proxy.chat(model="tiny+say")

    assert reply.json()["usage"] == second | {
        "prompt_tokens": 40,
        "completion_tokens": 6,
        "total_tokens": 46,
    }
    told = {name: reply.headers[f"x-cogtrace-{name}"] for name in ("plugins", "calls", "tokens")}
    assert told == {"plugins": "say", "calls": "2", "tokens": "46"}


def test_all_of_an_answer_but_its_usage_stays_as_it_is(proxy: Proxied) -> None:
    body = b'{"choices":[{"message":{"content":"a"},"x":1.50}],"y":[1e3, 2],"usage":null}'
    proxy.upstream.behave(raw(body))

    reply = proxy.chat(model="tiny+frame")

    assert reply.content.startswith(body[: body.index(b"null")])


FIELDS = {
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "tool_choice": "auto",
    "response_format": {"type": "json_object"},
    "n": 2,
    "logprobs": True,
    "seed": 7,
    "temperature": 0.3,
    "stop": ["x"],
    "nobody_knows": {"deep": [1, None]},
}


def test_fields_of_a_request_go_through_untouched(proxy: Proxied) -> None:
    proxy.chat(model="tiny+frame", **FIELDS)

    sent = _last(proxy)
    assert {name: sent[name] for name in FIELDS} == FIELDS


def test_blocks_stand_around_the_question_and_the_history_stays(proxy: Proxied) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    history = [
        {"role": "system", "content": "Be brief.", "name": "boss"},
        {"role": "user", "content": "Call f."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
        {"role": "assistant", "content": "It is done."},
    ]
    asked = {"role": "user", "content": QUESTION, "name": "me"}

    proxy.post({"model": "tiny+say+frame", "messages": [*history, asked]})

    sent = _last(proxy)["messages"]
    assert sent[0] == {"role": "system", "content": "Be brief.\n\nSYSTEM", "name": "boss"}
    assert sent[1:-1] == history[1:]
    words = f"In other words: Answer: 41\n\nBEFORE\n\n{QUESTION}\n\nAFTER"
    assert sent[-1] == {"role": "user", "content": words, "name": "me"}
    seen = [(message.role, message.content) for message in proxy_plugins.histories[-1]]
    assert seen == [("system", "Be brief."), ("user", "Call f."), ("assistant", "It is done.")]


def test_parts_of_a_question_keep_their_order_and_their_bytes(proxy: Proxied) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "x"}}
    parts = [image, {"type": "text", "text": "What is this?"}, image, {"type": "text", "text": "?"}]

    proxy.chat(parts, model="tiny+frame")

    before, after = ({"type": "text", "text": text} for text in ("BEFORE", "AFTER"))
    assert _last(proxy)["messages"][-1]["content"] == [parts[0], before, *parts[1:], after]
    assert _last(proxy)["messages"][0] == {"role": "system", "content": "SYSTEM"}


def test_votes_are_drawn_with_the_clients_own_request(proxy: Proxied) -> None:
    call = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    texts = iter(["Answer: 40", "Answer: 41", "Answer: 41"])
    proxy.upstream.behave(*(answer(text, tool_calls=call) for text in texts))

    reply = proxy.chat(
        model="tiny+vote:samples=3", tools=FIELDS["tools"], seed=7, cogtrace={"samples": None}
    )

    sent = [seen.body for seen in proxy.upstream.chats]
    assert {body["seed"] for body in sent} == {7, 8, 9}
    assert all(body["tools"] == FIELDS["tools"] for body in sent)
    message = reply.json()["choices"][0]["message"]
    assert (message["content"], message["tool_calls"]) == ("Answer: 41", call)
    assert reply.headers["x-cogtrace-calls"] == "3"
    assert reply.json()["usage"]["total_tokens"] == int(reply.headers["x-cogtrace-tokens"])


def test_samples_can_be_asked_for_without_any_plugin(proxy: Proxied) -> None:
    proxy.upstream.behave(answer("Answer: 1"), answer("Answer: 2"), answer("Answer: 2"))

    reply = proxy.chat(cogtrace={"samples": 3})

    assert reply.json()["choices"][0]["message"]["content"] == "Answer: 2"


def test_a_plugin_that_solves_in_its_own_way_gives_the_answer(proxy: Proxied) -> None:
    proxy.upstream.always = answer("Yes.")

    reply = proxy.chat(model="tiny+debate", max_tokens=77)

    body = reply.json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "Yes. Yes. Answer: 7"
    assert body["choices"][0]["message"]["reasoning"] == "hm"
    assert {seen.body["max_tokens"] for seen in proxy.upstream.chats} == {77}


def test_a_question_back_is_the_answer(proxy: Proxied) -> None:
    reply = proxy.chat("which?", model="tiny+ask-back")

    choice = reply.json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (
        "Which one do you mean?",
        "stop",
    )
    assert reply.headers["x-cogtrace-outcome"] == "clarification"
    assert proxy.upstream.chats == []


def test_where_no_answer_is_good_enough_the_model_is_said_to_refuse(proxy: Proxied) -> None:
    proxy.upstream.always = answer("bad")

    reply = proxy.chat(model="tiny+drop")

    message = reply.json()["choices"][0]["message"]
    assert message["content"] is None
    assert "good enough" in message["refusal"]
    assert reply.headers["x-cogtrace-outcome"] == "unanswered"


UNGUIDABLE = [
    pytest.param([{"role": "tool", "tool_call_id": "c", "content": "4"}], id="result of a tool"),
    pytest.param([{"role": "assistant", "content": "So"}], id="answer to be continued"),
    pytest.param([{"role": "user", "content": ""}], id="no text"),
    pytest.param([{"role": "user", "content": [{"type": "image_url"}]}], id="only an image"),
]


@pytest.mark.parametrize("end", UNGUIDABLE)
def test_what_does_not_end_with_a_question_goes_through(proxy: Proxied, end: list[Any]) -> None:
    messages = [{"role": "user", "content": "Call f."}, *end]

    reply = proxy.post({"model": "tiny+say", "messages": messages, "cogtrace": None})

    assert (reply.status_code, len(proxy.upstream.chats)) == (200, 1)
    assert _last(proxy) == {"model": "tiny", "messages": messages}
    assert "the last message" in reply.headers["x-cogtrace-skipped"]


@pytest.mark.parametrize(
    ("plugin", "fields"),
    [
        ("drop", {"n": 2}),
        ("debate", {"tools": FIELDS["tools"]}),
        ("debate", {"response_format": {"type": "json_object"}}),
        ("debate", {"logprobs": True}),
    ],
)
def test_fields_that_a_plan_cannot_honour_are_refused_or_go_before_the_servers_own_plan(
    proxy: Proxied, plugin: str, fields: dict[str, Any]
) -> None:
    refused = proxy.chat(model=f"tiny+{plugin}", **fields)
    assert refused.status_code == 400
    assert error_of(refused)["param"] == next(iter(fields))
    with proxied(plugin) as other:
        passed = other.chat(**fields)
        assert passed.headers["x-cogtrace-skipped"].startswith(next(iter(fields)))
        assert len(other.upstream.chats) == 1


def test_what_a_plugin_asks_may_be_refused_upstream_and_that_is_the_answer(proxy: Proxied) -> None:
    proxy.upstream.behave(status(429, "slow down", headers={"Retry-After": "7"}))

    reply = proxy.chat(model="tiny+say")

    assert (reply.status_code, reply.headers["retry-after"]) == (429, "7")
    assert reply.json()["error"]["message"] == "slow down"
    assert len(proxy.upstream.chats) == 1


def test_a_plugin_that_fails_is_named_and_its_words_are_not_shown(
    proxy: Proxied, capfd: pytest.CaptureFixture[str]
) -> None:
    reply = proxy.chat(model="tiny+broken")

    assert reply.status_code == 500
    assert error_of(reply)["message"] == "the guidance plugin broken failed (scaffolds: raised)"
    assert proxy_plugins.SECRET not in reply.text + "".join(capfd.readouterr())


def test_who_watches_sees_the_answer_streamed_or_not(proxy: Proxied) -> None:
    for stream in (False, True):
        proxy_plugins.seen.clear()
        proxy.chat(model="tiny+watch", stream=stream)
        until(lambda: len(proxy_plugins.seen) == 4)
        kinds = [event.kind for event in proxy_plugins.seen]
        assert kinds == ["call", "candidates", "choice", "end"], stream
        assert proxy_plugins.seen[0].value.text == "Answer: 41"


def test_a_bound_on_tokens_holds_for_all_calls_together() -> None:
    from cogtrace.server import Limits

    with proxied(limits=Limits(tokens=400)) as proxy:
        reply = proxy.chat(model="tiny+say")
        most = [seen.body["max_tokens"] for seen in proxy.upstream.chats]
        assert reply.status_code == 200
        assert 0 < most[1] < most[0] < 400
        refused = proxy.chat("word " * 400, model="tiny+say")
        assert (refused.status_code, error_of(refused)["code"]) == (400, "bound_reached")


def test_two_clients_at_a_time_do_not_wait_for_each_other() -> None:
    import threading
    import time

    from loopback import Seen, wait

    upstream = LoopbackServer()

    def decide(seen: Seen) -> Any:
        return wait(1.0) if b"slow" in seen.raw else None

    upstream.decide = decide
    with proxied("say", upstream=upstream) as proxy:
        slow = threading.Thread(target=proxy.chat, args=("slow",))
        slow.start()
        begun = time.monotonic()
        proxy.chat("quick")
        took = time.monotonic() - begun
        slow.join()
    assert took < 0.9


def test_json_that_a_client_sends_is_not_made_any_different(proxy: Proxied) -> None:
    body = b'{"model":"tiny+frame","messages":[{"role":"user","content":"q"}],"a":1.0,"b":[1e2]}'

    proxy.post(body)

    assert b'"a":1.0,"b":[1e2]' in proxy.upstream.chats[-1].raw
    assert json.loads(proxy.upstream.chats[-1].raw)["model"] == "tiny"
