"""Answers and errors of chat servers, in the many forms that these have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cogtrace.engines import TokenUsage
from cogtrace.engines.answers import read_answer, read_error, split_thinking


def body(message: dict[str, Any], finish: str | None = "stop", usage: object = None) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"id": "x", "choices": [choice], "usage": usage, "new": [1]}).encode()


@pytest.mark.parametrize(
    ("content", "text", "thought"),
    [
        ("plain", "plain", None),
        ("<think>hm</think>yes", "yes", "hm"),
        ("\n<think>\nhm\n</think>\n\nyes", "yes", "hm"),
        ("<Thinking>hm</Thinking>yes", "yes", "hm"),
        ("<think></think>yes", "yes", ""),
        ("<think>cut while it thou", "", "cut while it thou"),
        ("hm</think>yes", "yes", "hm"),
        ('{"reason": "it says </think> here"}', '{"reason": "it says </think> here"}', None),
        ("the tag <think> is told of", "the tag <think> is told of", None),
        ('<think>a</think>{"b": "</think>"}', '{"b": "</think>"}', "a"),
        ("a </b> b", "a </b> b", None),
        ("", "", None),
    ],
)
def test_think_tags_are_taken_out_of_the_answer(
    content: str, text: str, thought: str | None
) -> None:
    assert split_thinking(content) == (text, thought)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_has_more_than_one_name(field: str) -> None:
    answer = read_answer(body({"content": "yes", field: "hm"}))
    assert (answer.text, answer.reasoning) == ("yes", "hm")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": None, "reasoning": "hm"}, ""),
        ({"reasoning": "hm"}, ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
    ],
)
def test_content_may_be_missing_or_in_parts(message: dict[str, Any], text: str) -> None:
    answer = read_answer(body(message))
    assert (answer.text, answer.failure) == (text, None)


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "filtered"),
        ("tool_calls", "stop"),
        (None, "stop"),
    ],
)
def test_finish_reasons_are_mapped(said: str | None, finish: str) -> None:
    assert read_answer(body({"content": "yes"}, said)).finish == finish


def test_a_refusal_is_a_filtered_answer_without_text() -> None:
    answer = read_answer(body({"content": None, "refusal": "I would rather not"}))
    assert (answer.text, answer.finish) == ("", "filtered")


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (None, TokenUsage()),
        ({}, TokenUsage()),
        ({"prompt_tokens": 9, "completion_tokens": None}, TokenUsage(prompt=9)),
        (
            {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None},
            TokenUsage(prompt=9, completion=2),
        ),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0}},
            TokenUsage(prompt=9, cached=8),
        ),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": None}},
            TokenUsage(prompt=9),
        ),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 7}, TokenUsage(prompt=9, cached=7)),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 99}},
            TokenUsage(prompt=9, cached=9),
        ),
    ],
)
def test_usage_may_be_incomplete(usage: object, read: TokenUsage) -> None:
    assert read_answer(body({"content": "yes"}, usage=usage)).usage == read


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"choices": [{"message": 3}]}',
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b'{"choices": null}',
    ],
)
def test_what_is_no_answer_is_said_to_be_none(data: bytes) -> None:
    failure = read_answer(data).failure
    assert failure is not None
    assert failure.kind == "bad-answer"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"error": {"message": "over there", "type": "x"}}', "over there; x"),
        (b'{"error": "over there"}', "over there"),
        (b'{"message": "over there"}', "over there"),
        (b'{"detail": "over there"}', "over there"),
        (b'{"object": "error", "message": "over there", "code": 400}', "over there"),
        (b"over\n there", "over there"),
        (b'"over there"', "over there"),
        (b"[1, 2]", "[1, 2]"),
    ],
)
def test_the_words_of_an_error_are_found_in_any_form(data: bytes, words: str) -> None:
    assert read_error(400, data).message == f"status 400: {words}"


def test_words_of_the_server_are_shortened_and_made_safe_to_show() -> None:
    data = json.dumps({"error": {"message": "\x1b[2J\u202e" + "long " * 1000}}).encode()
    message = read_error(500, data).message
    assert len(message) < 400
    assert message.isprintable()


def test_a_redirect_is_refused_with_advice() -> None:
    failure = read_error(307, b"")
    assert failure.kind == "rejected"
    assert "--base-url" in failure.message
