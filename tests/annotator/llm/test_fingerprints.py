"""Equal names exactly where the answers would be equal."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.annotator.llm.fingerprints import (
    digest,
    question_fingerprint,
    run_fingerprint,
    trace_name,
    unit_key,
)
from cogtrace.annotator.llm.model import LlmOptions, Question
from cogtrace.records import Trace
from cogtrace.taxonomy import load_taxonomy

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ELEMENTS = load_taxonomy().elements
RUN: dict[str, Any] = {
    "model": "m",
    "arguments": {"dtype": "float32"},
    "options": LlmOptions(),
    "window_tokens": 4_000,
    "exact_tokens": True,
    "prompts": "sha",
    "system": "You read traces.",
}


def _run(**changes: Any) -> str:
    return run_fingerprint(**RUN | changes)


def _with(**options: Any) -> str:
    return _run(options=LlmOptions(**options))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "M"},
        {"arguments": {}},
        {"arguments": {"dtype": "float16"}},
        {"arguments": {"dtype": "float32", "seed": 0}},
        {"window_tokens": 4_001},
        {"exact_tokens": False},
        {"prompts": "sha2"},
        {"system": "You read traces. "},
    ],
)
def test_what_decides_answers_changes_the_name_of_a_run(changes: dict[str, Any]) -> None:
    assert _run(**changes) != _run()


# Options that are named elsewhere (by the question, or by what they lead to) or change no answer.
_ELSEWHERE = {"ask", "audit", "prompts", "window_tokens", "shots_tokens"}
_OTHER: dict[str, Any] = {
    "ask": "element",
    "votes": 3,
    "evidence": 2,
    "reason_chars": 81,
    "quotes": True,
    "shots_tokens": 0,
    "window_tokens": 500,
    "overlap": 5,
    "max_windows": 9,
    "temperature": 0.5,
    "prompts": "v2",
    "audit": 0.5,
}


@pytest.mark.parametrize("name", LlmOptions.__struct_fields__)
def test_each_option_counts_unless_it_is_named_elsewhere(name: str) -> None:
    assert (_with(**{name: _OTHER[name]}) == _run()) == (name in _ELSEWHERE)


def test_a_temperature_that_is_the_usual_one_is_no_change() -> None:
    assert _with(temperature=0.0) == _with()
    assert _with(votes=3, temperature=0.7) == _with(votes=3)
    assert _with(votes=3, temperature=0.0) != _with(votes=3)


@pytest.mark.parametrize(
    "name", ["tensor_parallel_size", "gpu_memory_utilization", "max_num_seqs", "max_model_len"]
)
def test_arguments_that_only_decide_the_speed_are_no_change(name: str) -> None:
    assert _run(arguments={"dtype": "float32", name: 2}) == _run()


def test_the_order_of_arguments_is_no_change() -> None:
    arguments = {"dtype": "float32", "rope": {"a": 1, "b": 2**80}, "seed": 1}
    turned = {"seed": 1, "rope": {"b": 2**80, "a": 1}, "dtype": "float32"}
    assert _run(arguments=arguments) == _run(arguments=turned)


def test_a_question_is_named_by_its_run_its_elements_and_its_words() -> None:
    one = Question("all", ELEMENTS[:2])
    names = {
        question_fingerprint("run", one, "words"),
        question_fingerprint("run2", one, "words"),
        question_fingerprint("run", Question("all", ELEMENTS[:3]), "words"),
        question_fingerprint("run", Question("all", ELEMENTS[1::-1]), "words"),
        question_fingerprint("run", one, "other words"),
    }
    assert len(names) == 5
    assert question_fingerprint("run", Question("x", ELEMENTS[:2]), "words") in names


def _key(trace: Trace, fingerprint: str) -> bytes:
    return unit_key(trace_name(trace), fingerprint)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a\x01b", "c"), ("a", "b\x01c")),
        (("a\x00", None), ("a", None)),
        (("a", ""), ("a", None)),
        (("a", "b"), ("ab", "")),
        (("\ud800", None), ("\udfff", None)),
    ],
)
def test_text_and_question_of_a_trace_do_not_run_into_each_other(
    one: tuple[str, str | None], other: tuple[str, str | None]
) -> None:
    names = {trace_name(Trace(trace_id="1", text=t, question=q)) for t, q in (one, other)}
    assert len(names) == 2


@given(TEXT, TEXT, st.none() | TEXT, st.none() | TEXT, st.sampled_from("ab"), st.sampled_from("ab"))
def test_a_unit_is_named_by_text_problem_and_question_and_by_nothing_else(
    text: str, other: str, problem: str | None, another: str | None, f: str, g: str
) -> None:
    trace = Trace(trace_id="1", text=text, question=problem, model="m", meta={"a": 1})
    copy = Trace(trace_id="2", text=other, question=another)

    same = (text, problem, f) == (other, another, g)
    assert (_key(trace, f) == _key(copy, g)) == same
    assert len(_key(trace, f)) == 16


JSON = st.recursive(
    st.none()
    | st.booleans()
    | TEXT
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=4))
def test_a_digest_stands_for_its_parts_and_where_one_ends(one: list[Any], other: list[Any]) -> None:
    same = msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")
    assert (digest(*one) == digest(*other)) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("ab", "")),
        (("a", "b"), ("ab",)),
        (("a\0b",), ("a", "b")),
        ((None,), ("null",)),
        ((1,), ("1",)),
        ((1,), (True,)),
        (([1], 2), ([1, 2],)),
        (("é",), ("e\u0301",)),
        ((2**64,), (2**64 + 1,)),
    ],
)
def test_parts_that_look_alike_have_other_digests(
    one: tuple[Any, ...], other: tuple[Any, ...]
) -> None:
    assert digest(*one) != digest(*other)
    assert len(digest(*one)) == 32
