from __future__ import annotations

import json
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cogtrace.grading import KINDS, AnswerKind, alike, is_correct, normalise, same_answer

PLAIN_KINDS: list[AnswerKind | None] = [None, "exact", "choice", "numeric", "json"]
plain_kinds = st.sampled_from(PLAIN_KINDS)
NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.decimals(-1000, 1000, places=3).map(str),
    st.tuples(st.integers(1, 99), st.integers(1, 99)).map(lambda p: f"{p[0]}/{p[1]}"),
)
ANSWERS = st.one_of(
    st.text(max_size=40), NUMBERS, st.sampled_from("(A) b. C) 12 km 50% \\frac{1}{2}".split())
)

SAME = [
    ("0.5", "1/2"),
    ("\\frac12", "0.5"),
    ("$\\dfrac{1}{2}$", "\\frac{1}{2}"),
    ("1 3/4", "1.75"),
    ("1e3", "1,000"),
    ("3 \\times 10^{2}", "300"),
    ("50\\%", "0.5"),
    ("50%", "50"),
    ("$5", "5 dollars"),
    ("x = 5", "5"),
    ("5 million dollars", "$5,000,000"),
    ("12 apples", "12"),
    ("60 km/h", "60"),
    ("5 cm^2", "5 cm²"),
    ("-3", "−3"),
    ("(B)", "B) 12"),
    ("Option B", "b."),
    ("(B) Paris", "paris"),
    ("\\text{Monday}", "Monday."),
    ("90^\\circ", "90 degrees"),
    ("**Paris**", "paris"),
    ("1.00000001", "1"),
    ("1,5", "1.5"),
]
DIFFERENT = [
    ("5x", "5"),
    ("2\\pi", "2"),
    ("7!", "7"),
    ("12 km", "12 miles"),
    ("5 million", "5"),
    ("3-5", "3"),
    ("12 or 13", "12"),
    ("B) 11", "B) 12"),
    ("1/3", "0.333"),
    ("3:5", "3/5"),
    ("Paris", "London"),
    ("1.001", "1"),
    ("-3", "3"),
    ("A", "a cat"),
    ("2^3", "23"),
    ("5 dozen", "5"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_answers_that_mean_the_same_are_the_same(one: str, other: str) -> None:
    assert same_answer(one, other)
    assert same_answer(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_answers_that_mean_something_else_are_not(one: str, other: str) -> None:
    assert not same_answer(one, other)
    assert not same_answer(other, one)


def test_the_kind_says_what_counts() -> None:
    assert not same_answer("0.5", "1/2", "exact")
    assert not same_answer("(B)", "B) 12", "numeric")
    assert same_answer("B) 11", "B) 12", "choice")
    assert not same_answer("0.5", "1/2", "choice")


@settings(deadline=None, max_examples=50)
@given(answer=ANSWERS, kind=plain_kinds)
def test_an_answer_is_the_same_as_itself(answer: str, kind: AnswerKind | None) -> None:
    assert same_answer(answer, answer, kind)


@settings(deadline=None, max_examples=50)
@given(one=ANSWERS, other=ANSWERS, kind=plain_kinds)
def test_it_does_not_matter_which_comes_first(
    one: str, other: str, kind: AnswerKind | None
) -> None:
    assert same_answer(one, other, kind) == same_answer(other, one, kind)


@settings(deadline=None, max_examples=50)
@given(
    answer=st.one_of(NUMBERS, st.from_regex(r"[a-z]{3,9}( [a-z]{3,9})?", fullmatch=True)),
    kind=st.sampled_from([None, "exact", "numeric"]),
    dress=st.sampled_from(
        ["$%s$", "\\boxed{%s}", "**%s**", " %s ", "%s.", "\\text{%s}", "\\(%s\\)", '"%s"', "`%s`"]
    ),
)
def test_dressing_does_not_count(answer: str, kind: AnswerKind | None, dress: str) -> None:
    dressed = dress % answer.upper()

    assert same_answer(dressed, answer, kind)
    assert normalise(dressed) == normalise(answer)


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_what_is_normalised_stays_as_it_is(text: str) -> None:
    once = normalise(text)

    assert normalise(once) == once


@settings(deadline=None, max_examples=50)
@given(st.lists(ANSWERS, max_size=12), plain_kinds)
def test_groups_hold_every_answer_once(answers: list[str], kind: AnswerKind | None) -> None:
    groups = alike(answers, kind)

    assert sorted(place for group in groups for place in group) == list(range(len(answers)))
    assert [group[0] for group in groups] == sorted(group[0] for group in groups)
    assert all(same_answer(answers[g[0]], answers[n], kind) for g in groups for n in g)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "piece", ["9", "\\text{", "{", "[", "1/", "1 ", "$", "*", "\\frac", "\\frac{1}{", "e9", "9^{"]
)
def test_hostile_answers_take_no_time(piece: str, kind: AnswerKind) -> None:
    began = time.perf_counter()

    same_answer(piece * 20_000, piece * 20_001, kind)

    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("text", ["1e999999", "1e-999999", "1/0", "\\frac{1}{0}", "9" * 199, "."])
def test_numbers_that_are_none_are_compared_as_texts(text: str) -> None:
    assert same_answer(text, text, "numeric")
    assert not same_answer(text, "1", "numeric")


def test_json_is_compared_by_what_it_holds() -> None:
    assert same_answer('{"a": 1, "b": "X"}', '```json\n{"b": "x ", "a": 1.0}\n```', "json")
    assert not same_answer('{"a": 1}', '{"a": true}', "json")
    assert not same_answer("[1, 2]", "[2, 1]", "json")
    assert not same_answer("1e999", "1" + "0" * 400, "json")


def test_under_a_schema_only_what_it_names_counts() -> None:
    schema = {
        "type": "object",
        "properties": {"ids": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}},
        "required": ["ids"],
    }

    one, other = '{"ids": [1, 2], "why": "so"}', '{"ids": [2, 1]}'
    assert same_answer(one, other, "json", schema=schema)
    assert not same_answer(one, other, "json")
    unfit = '{"ids": ["1"]}'
    assert same_answer(unfit, unfit, "json", schema=schema)
    assert not same_answer(unfit, '{"ids":  ["1"], "x": 1}', "json", schema=schema)


@settings(deadline=None, max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    )
)
def test_json_is_the_same_however_it_is_written(data: object) -> None:
    assume(isinstance(data, dict | list))
    plain = json.dumps(data)
    assume("Infinity" not in plain)
    assert same_answer(plain, json.dumps(data, indent=3, ensure_ascii=False), "json")


def test_deep_json_is_no_json_but_harms_nobody() -> None:
    deep = "[" * 50_000 + "]" * 50_000

    assert same_answer(deep, deep, "json")
    assert not same_answer(deep, f"[{deep}]", "json") or deep[:20_000] == f"[{deep}]"[:20_000]


def test_right_is_what_equals_the_reference() -> None:
    assert is_correct("41.0", "41") is True
    assert is_correct(None, "41") is False
    assert is_correct("41", None) is None
