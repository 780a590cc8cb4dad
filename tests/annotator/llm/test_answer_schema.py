"""What an answer must look like, and how long it may get."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.annotator.llm.answers import (
    QUOTE_CHARS,
    answer_schema,
    answer_tokens,
    read_answer,
)
from cogtrace.annotator.llm.model import LlmOptions, Question, Reading, Verdict
from cogtrace.engines.filling import smallest, varied
from cogtrace.taxonomy import load_taxonomy

_ELEMENTS = load_taxonomy().elements
TWO = Question("two", _ELEMENTS[:2])
A, B = (element.id for element in TWO.elements)
ALL = Question("all", _ELEMENTS)
PLAIN = LlmOptions()
QUOTES = LlmOptions(quotes=True)
GOOD: dict[str, Any] = {"evidence": [[3, 4]], "reason": "it says so", "score": 2}
ABSENT: dict[str, Any] = {"evidence": [], "reason": "", "score": 0}


def _read(answer: object) -> Reading:
    return read_answer(json.dumps(answer), "stop", TWO, 2, 9, PLAIN)


def _valid(schema: dict[str, Any], value: object) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("question", [TWO, ALL, Question("one", _ELEMENTS[:1])])
@pytest.mark.parametrize("options", [PLAIN, QUOTES])
def test_the_schema_is_valid_and_lists_all_keys_in_order(
    question: Question, options: LlmOptions
) -> None:
    schema = answer_schema(question, 1, 7, options)
    jsonschema.Draft202012Validator.check_schema(schema)
    names = [element.id for element in question.elements]
    assert list(schema["properties"]) == schema["required"] == names
    verdict = schema.get("$defs", {}).get("verdict") or schema["properties"][names[0]]
    assert list(verdict["properties"]) == verdict["required"] == ["evidence", "reason", "score"]


@pytest.mark.parametrize("options", [PLAIN, QUOTES])
def test_every_object_in_the_schema_is_closed_and_requires_all_its_keys(
    options: LlmOptions,
) -> None:
    objects = []

    def collect(value: object) -> None:
        if isinstance(value, dict):
            if value.get("type") == "object":
                objects.append(value)
            for inner in value.values():
                collect(inner)

    collect(answer_schema(TWO, 1, 7, options))
    assert len(objects) == (3 if options.quotes else 2)
    for found in objects:
        assert found["additionalProperties"] is False
        assert found["required"] == list(found["properties"])


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"evidence": [[2, 9], [2, 2], [9, 9], [5, 6]]}, True),
        ({"evidence": [[5, 5]] * 5}, False),
        ({"evidence": [[1, 3]]}, False),
        ({"evidence": [[9, 10]]}, False),
        ({"evidence": [[3]]}, False),
        ({"evidence": [[3, 4, 5]]}, False),
        ({"evidence": [3, 4]}, False),
        ({"reason": "x" * 81}, False),
        ({"score": 3}, False),
        ({"score": "2"}, False),
        ({"sure": True}, False),
    ],
)
def test_the_schema_admits_only_what_reading_accepts(change: dict[str, Any], fits: bool) -> None:
    answer = {A: GOOD | change, B: ABSENT}
    assert _valid(answer_schema(TWO, 2, 9, PLAIN), answer) is fits
    # An overlong reason comes from servers that ignore maxLength; it is only cut.
    assert (A in _read(answer).verdicts) is (fits or "reason" in change)


def test_windows_of_the_same_range_share_one_schema() -> None:
    again = Question("two", load_taxonomy().elements[:2])
    assert answer_schema(TWO, 2, 9, PLAIN) is answer_schema(again, 2, 9, LlmOptions(votes=3))
    assert answer_schema(TWO, 2, 9, PLAIN) is not answer_schema(TWO, 2, 8, PLAIN)


@given(st.integers(0, 2**32), st.booleans(), st.integers(1, 500), st.integers(0, 80))
def test_whatever_fits_the_schema_is_read_or_refused_for_what_it_means(
    seed: int, quotes: bool, first: int, more: int
) -> None:
    options = QUOTES if quotes else PLAIN
    answer = varied(answer_schema(ALL, first, first + more, options), random.Random(seed))
    reading = read_answer(json.dumps(answer), "stop", ALL, first, first + more, options)
    assert reading.verdicts.keys() | reading.problems.keys() == answer.keys()
    assert not reading.verdicts.keys() & reading.problems.keys()
    codes = {problem.code for problem in reading.problems.values()}
    assert codes <= {"reversed-range", "score-without-evidence", "evidence-without-score"}


def test_the_smallest_answer_says_that_nothing_is_shown() -> None:
    answer = json.dumps(smallest(answer_schema(ALL, 1, 9, PLAIN)))
    reading = read_answer(answer, "stop", ALL, 1, 9, PLAIN)
    assert set(reading.verdicts.values()) == {Verdict(0, (), "")}


@pytest.mark.parametrize("options", [PLAIN, QUOTES, LlmOptions(evidence=9, reason_chars=300)])
@pytest.mark.parametrize("question", [TWO, ALL])
def test_the_token_limit_leaves_room_for_the_longest_answer(
    question: Question, options: LlmOptions
) -> None:
    pair = [10_000, 10_001]
    quote = {"sentences": pair, "quote": "q" * QUOTE_CHARS}
    entry = {
        "evidence": [quote if options.quotes else pair] * options.evidence,
        "reason": "理" * options.reason_chars,
        "score": 2,
    }
    answer = {element.id: entry for element in question.elements}
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    # A tokenizer that has every mark, digit and Chinese character as a token of its own,
    # and two letters of a word at a time.
    letters = sum(char.isascii() and char.isalpha() for char in text)
    assert answer_tokens(question, options) >= len(text) - letters + letters / 2
