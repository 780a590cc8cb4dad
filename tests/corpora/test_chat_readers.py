"""Transcripts and results of batches become traces: one per turn, one per choice."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cogtrace.annotator.job import JobFolder, JobPlan, run_job, verify_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.records import Quarantined, Trace
from cogtrace.taxonomy import load_taxonomy

Write = Callable[..., Path]


def _read(path: Path, form: str) -> list[Trace | Quarantined]:
    rows = list(read_traces(open_inputs([str(path)], form), {}))
    assert [row.line for row in rows] == list(range(1, len(rows) + 1))
    return [row.value for row in rows]


def _traces(path: Path, form: str) -> list[Trace]:
    found = _read(path, form)
    assert all(isinstance(value, Trace) for value in found), found
    return [value for value in found if isinstance(value, Trace)]


def _says(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def test_each_turn_of_an_assistant_is_a_trace_with_the_question_before_it(
    write_jsonl: Write,
) -> None:
    messages = [
        _says("system", "Be brief."),
        _says("user", "What is 2 + 3?"),
        _says("assistant", "It is 5.", reasoning="Two and three make five."),
        _says("user", "And 4?"),
        _says("assistant", "<think>\nFour more: nine.\n</think>\n\nIt is 9."),
        _says("assistant", "Said without a thought."),
        _says("tool", "nothing"),
    ]

    first, second, third = _traces(
        write_jsonl([{"id": "c1", "model": "m", "messages": messages}]), "chat"
    )

    assert (first.trace_id, second.trace_id, third.trace_id) == ("c1#1", "c1#2", "c1#3")
    assert (first.text, first.answer) == ("Two and three make five.", "It is 5.")
    assert (first.question, first.model) == ("What is 2 + 3?", "m")
    assert (second.text, second.answer) == ("Four more: nine.", "It is 9.")
    assert (second.question, second.meta) == ("And 4?", {"transcript": 1, "turn": 2})
    assert (third.text, third.answer) == ("Said without a thought.", None)


@pytest.mark.parametrize(
    ("message", "text", "answer"),
    [
        (_says("assistant", "yes", reasoning_content="so"), "so", "yes"),
        (_says("assistant", None, reasoning_content="so"), "so", None),
        (_says("assistant", "yes", reasoning=" ", reasoning_content="so"), "so", "yes"),
        (_says("assistant", "so it goes</think>yes"), "so it goes", "yes"),
        (_says("assistant", "<think>cut"), "cut", None),
        (_says("assistant", "<think></think>yes"), "<think></think>yes", None),
        (_says("assistant", [{"type": "text", "text": "a"}, {"type": "image"}]), "a", None),
        ({"from": "gpt", "value": "yes"}, "yes", None),
    ],
)
def test_thought_is_the_text_and_what_follows_it_the_answer(
    write_jsonl: Write, message: dict[str, Any], text: str, answer: str | None
) -> None:
    (trace,) = _traces(write_jsonl([{"id": "c", "messages": [message]}]), "chat")

    assert (trace.trace_id, trace.text, trace.answer) == ("c", text, answer)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": []}, "no-turn"),
        ({"messages": [_says("user", "hello")]}, "no-turn"),
        ({"messages": ["x", 5, None]}, "no-turn"),
        ({"messages": [_says("assistant", {"a": 1})]}, "no-turn"),
        ({"messages": "hello"}, "no-messages"),
        ({"text": "hello"}, "no-messages"),
        ("{broken", "bad-json"),
    ],
)
def test_a_transcript_without_a_turn_is_refused_and_the_others_are_read(
    write_jsonl: Write, row: Any, reason: str
) -> None:
    good = {"id": "c", "messages": [_says("assistant", "yes")]}

    bad, trace = _read(write_jsonl([row, good], "chats.log"), "chat")

    assert isinstance(bad, Quarantined)
    assert bad.reason == reason
    assert isinstance(trace, Trace)


def test_transcripts_without_ids_or_with_the_same_one_make_a_sound_job(
    write_jsonl: Write, tmp_path: Path
) -> None:
    two = [_says("assistant", "yes"), _says("assistant", "no")]
    other = [_says("assistant", "maybe"), _says("assistant", "never")]
    rows = [{"messages": two}, {"messages": other}, {"id": 1, "messages": two}]
    path = write_jsonl([*rows, {"id": 1, "messages": other}])
    folder = JobFolder(tmp_path / "out")

    manifest = run_job(
        JobPlan(folder=folder, spec=AnnotatorSpec.cue(load_taxonomy())),
        read_traces(open_inputs([str(path)], "chat"), {}),
    )

    assert (manifest.counts.traces, manifest.counts.quarantined) == (6, 2)
    assert verify_job(folder).problems == []


def _result(name: str, *contents: str, **body: Any) -> dict[str, Any]:
    choices = [
        {"index": n, "finish_reason": "stop", "message": _says("assistant", content)}
        for n, content in enumerate(contents)
    ]
    return {
        "id": f"batch_req_{name}",
        "custom_id": name,
        "response": {"status_code": 200, "body": {"model": "m", "choices": choices} | body},
        "error": None,
    }


@pytest.mark.parametrize("zipped", [False, True])
def test_results_of_a_batch_are_joined_with_the_requests_beside_them(
    write_jsonl: Write, zipped: bool
) -> None:
    path = write_jsonl([_result("a", "<think>so</think>5"), _result("b", "x", "y")], "out.jsonl")
    asked = [_says("system", "s"), _says("user", [{"type": "text", "text": "What is 2 + 3?"}])]
    requests = write_jsonl(
        [{"custom_id": "a", "method": "POST", "body": {"messages": asked}}, "{broken", {"body": 1}],
        "out.requests.jsonl",
    )
    if zipped:
        requests.with_name("out.requests.jsonl.gz").write_bytes(
            gzip.compress(requests.read_bytes())
        )
        requests.unlink()

    first, second, third = _traces(path, "openai-batch")

    assert (first.trace_id, first.text, first.answer) == ("a", "so", "5")
    assert (first.question, first.model) == ("What is 2 + 3?", "m")
    assert first.meta == {"finish_reason": "stop"}
    assert (second.trace_id, second.text, second.question) == ("b#1", "x", None)
    assert (third.trace_id, third.text) == ("b#2", "y")


@pytest.mark.parametrize(
    ("result", "reason", "says"),
    [
        ({"custom_id": "a", "error": {"message": "expired"}}, "request-failed", "expired"),
        (
            {"response": {"status_code": 429, "body": {"error": {"message": "slow down"}}}},
            "request-failed",
            "with 429: 'slow down'",
        ),
        ({"response": {"status_code": 500, "body": "oops"}}, "request-failed", "oops"),
        (_result("a"), "no-turn", "says nothing"),
        (_result("a", "", "b"), "no-turn", "says nothing"),
        (_result("a", choices=5), "bad-result", "no result of a batch"),
        ({"response": []}, "bad-result", "no result of a batch"),
        ({"response": {"body": None}}, "bad-result", "no result of a batch"),
        ({"response": {"status_code": "x", "body": {}}}, "bad-result", "no result of a batch"),
    ],
)
def test_a_failed_request_is_refused_with_its_error_and_the_others_are_read(
    write_jsonl: Write, result: dict[str, Any], reason: str, says: str
) -> None:
    bad, good = _read(write_jsonl([result, _result("b", "yes")]), "openai-batch")

    assert isinstance(bad, Quarantined)
    assert bad.reason == reason
    assert says in bad.message
    assert json.loads(bad.raw or "")
    assert isinstance(good, Trace)
