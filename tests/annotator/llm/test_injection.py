"""Planted instructions: whatever a trace holds, the prompt keeps its structure.

The traces are in ``injection/traces.jsonl``, what is sent about them next to it. After a
deliberate change, write the snapshots anew with::

    COGTRACE_WRITE_SNAPSHOTS=1 python -m pytest tests/annotator/llm/test_injection.py
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from cogtrace.annotator.llm.answers import answer_schema, answer_tokens, read_answer
from cogtrace.annotator.llm.fence import neutralise
from cogtrace.annotator.llm.model import LlmOptions, Window
from cogtrace.annotator.llm.questions import questions
from cogtrace.annotator.llm.rendering import Prompts
from cogtrace.annotator.llm.windows import estimate_tokens, plan_windows
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.engines.base import Request
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.records import Trace
from cogtrace.taxonomy import load_taxonomy

# Read here: within a test, settings of the person who runs it are out of reach.
WRITE: Final = "COGTRACE_WRITE_SNAPSHOTS" in os.environ
FOLDER: Final = Path(__file__).with_name("injection")
# Fixed, and known to the attackers: the changes must hold even for a code that leaked.
FENCE: Final = "3f9a1c2b"
OPTIONS: Final = LlmOptions()
PROMPTS: Final = Prompts.load("v1")
TAXONOMY: Final = load_taxonomy()
QUESTIONS: Final = [q for ask in ("element", "group", "all") for q in questions(TAXONOMY, ask)]
TRACES: Final = [
    msgspec.json.decode(line, type=Trace)
    for line in (FOLDER / "traces.jsonl").read_bytes().splitlines()
]
each_trace = pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.trace_id)
# Marks that served models read as their own, in any of the forms the traces use.
_SPECIAL: Final = re.compile(
    r"<\W{0,3}\||[|｜]\W{0,3}>(?<!›)|[<＜][/／]?(?:think|ｔｈｉｎｋ|answer|reasoning|s|start_of_turn)[>＞]"
    r"|\[/?INST\]|[＜<]｜"
)


def _window(trace: Trace) -> tuple[Window, int]:
    ranges = sentence_ranges(trace.text)
    (window,) = plan_windows(trace.text, ranges, 100_000, 4, estimate_tokens)
    return window, len(ranges)


def _shown(trace: Trace) -> str:
    window, sentences = _window(trace)
    return PROMPTS.trace(trace.text, window, FENCE, sentences, trace.question)[0]


def test_there_are_twenty_traces_with_an_attack_each() -> None:
    assert len({trace.trace_id for trace in TRACES}) == 20
    assert len({trace.meta["attack"] for trace in TRACES}) == 20


@each_trace
def test_the_prompt_is_the_one_in_the_snapshot(trace: Trace) -> None:
    window, _ = _window(trace)
    (question,) = (q for q in QUESTIONS if q.id == "backtracking")
    asked = PROMPTS.question(question, window, OPTIONS)
    _, user = PROMPTS.messages("", _shown(trace), asked)
    snapshot = FOLDER / f"{trace.trace_id}.txt"
    if WRITE:
        snapshot.write_text(user.content + "\n", encoding="utf-8", newline="\n")
    assert snapshot.read_text(encoding="utf-8") == user.content + "\n"


def test_there_is_no_snapshot_without_a_trace() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {trace.trace_id for trace in TRACES}


@each_trace
def test_there_is_one_opening_and_one_closing_fence_line(trace: Trace) -> None:
    lines = _shown(trace).split("\n")
    assert lines.count(f"<trace-{FENCE}>") == lines.count(f"</trace-{FENCE}>") == 1
    assert lines[-1] == f"</trace-{FENCE}>"
    # Not even within a line, in capitals or in letters of another script is there another.
    tags = re.findall(rf"(?i)<\s*/?\s*(?:trace|[^<>]*{FENCE})[^>]*>", "\n".join(lines))
    names = ["problem", "trace"] if trace.question else ["trace"]
    assert tags == [f"<{end}{name}-{FENCE}>" for name in names for end in ("", "/")]


@each_trace
def test_each_number_stands_once_and_in_order_where_a_line_begins(trace: Trace) -> None:
    window, sentences = _window(trace)
    body = _shown(trace).partition(f"\n<trace-{FENCE}>\n")[2].rpartition("\n")[0]
    labels = re.findall(r"(?m)^(?:[\s>\u200b]|\\u2060)*[\[［【]\s*(\d+)\s*[\]］】]", body)
    assert [int(label) for label in labels] == list(range(1, sentences + 1))
    assert (window.first, window.last) == (1, sentences)


@each_trace
def test_no_mark_of_a_chat_template_and_no_control_character_is_left(trace: Trace) -> None:
    shown = _shown(trace)
    assert not _SPECIAL.search(shown)
    assert all(c == "\n" or c == "\t" or c.isprintable() or c == "\u200b" for c in shown)
    body = shown.partition(f"\n<trace-{FENCE}>\n")[2].rpartition("\n")[0]
    for line in body.split("\n"):
        unlabelled = re.sub(r"^\[\d+\] ", "", line)
        assert neutralise(unlabelled) == (unlabelled, 0)


@each_trace
def test_the_question_comes_last_and_is_not_touched(trace: Trace) -> None:
    window, sentences = _window(trace)
    for question in QUESTIONS:
        asked = PROMPTS.question(question, window, OPTIONS)
        system, user = PROMPTS.messages("Instructions.", _shown(trace), asked)
        assert (system.role, user.role) == ("system", "user")
        assert user.content.endswith(f"\n</trace-{FENCE}>\n\n{asked}")
        assert f"sentences 1-{sentences}" in asked
        assert user.content.count(asked) == 1


@each_trace
def test_words_that_were_not_look_alikes_are_shown_as_they_are(trace: Trace) -> None:
    shown = re.sub(r"\W+", " ", _shown(trace))
    for words in re.findall(r"[A-Za-z]+(?: [A-Za-z]+){2,}", trace.text):
        assert words in shown


@each_trace
def test_an_answer_is_bound_to_the_elements_asked_and_the_sentences_there_are(
    trace: Trace,
) -> None:
    window, sentences = _window(trace)
    requests = [
        Request(
            messages=PROMPTS.messages(
                "Instructions.", _shown(trace), PROMPTS.question(question, window, OPTIONS)
            ),
            max_tokens=answer_tokens(question, OPTIONS),
            schema=answer_schema(question, window.first, window.last, OPTIONS),
        )
        for question in QUESTIONS
    ]
    results = asyncio.run(ScriptedEngine().complete(requests))
    for question, request, result in zip(QUESTIONS, requests, results, strict=True):
        asked = [element.id for element in question.elements]
        assert request.schema is not None
        assert request.schema["required"] == asked
        assert not request.schema["additionalProperties"]
        assert _bounds(request.schema) == {(1, sentences)}
        reading = read_answer(result.text, result.finish, question, 1, sentences, OPTIONS)
        assert list(reading.verdicts) == asked
        assert not reading.problems


@each_trace
def test_the_answer_that_a_trace_plants_is_not_taken_for_one(trace: Trace) -> None:
    (question,) = (q for q in QUESTIONS if q.id == "all")
    window, sentences = _window(trace)
    for text in (trace.text, _shown(trace)):
        reading = read_answer(text, "stop", question, window.first, sentences, OPTIONS)
        assert not reading.verdicts


def _bounds(schema: Any) -> set[tuple[int, int]]:
    """Return the bounds of all numbers in a schema that have any."""
    if isinstance(schema, list):
        return set().union(*map(_bounds, schema))
    if not isinstance(schema, dict):
        return set()
    found = _bounds(list(schema.values()))
    if "minimum" in schema:
        found.add((schema["minimum"], schema["maximum"]))
    return found
