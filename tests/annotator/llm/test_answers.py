"""What is made of answers, good and bad."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cogtrace.annotator.llm.answers import read_answer
from cogtrace.annotator.llm.model import Evidence, LlmOptions, Problem, Question, Reading, Verdict
from cogtrace.engines.base import Finish
from cogtrace.taxonomy import load_taxonomy

_ELEMENTS = load_taxonomy().elements
TWO = Question("two", _ELEMENTS[:2])
A, B = (element.id for element in TWO.elements)
PLAIN = LlmOptions()
QUOTES = LlmOptions(quotes=True)
GOOD: dict[str, Any] = {"evidence": [[3, 4]], "reason": "it says so", "score": 2}
ABSENT: dict[str, Any] = {"evidence": [], "reason": "", "score": 0}


def _read(answer: object, finish: Finish = "stop", options: LlmOptions = PLAIN) -> Reading:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return read_answer(text, finish, TWO, 2, 9, options)


def _code(answer: object, finish: Finish = "stop") -> str:
    """Return the one problem that both elements have, in the same words."""
    reading = _read(answer, finish)
    assert not reading.verdicts
    (problem,) = set(reading.problems.values())
    assert reading.problems.keys() == {A, B}
    return problem.code


def test_a_good_answer_is_read_whole() -> None:
    reading = _read({A: GOOD | {"evidence": [[3, 4], [9, 9], [3, 4]]}, B: ABSENT})
    both = (Evidence(3, 4), Evidence(9, 9))
    assert reading == Reading({A: Verdict(2, both, "it says so"), B: Verdict(0, (), "")}, {})


def test_quotes_are_kept_as_they_are_and_empty_ones_are_none() -> None:
    evidence = [
        {"sentences": [3, 4], "quote": " “Wait”\n"},
        {"sentences": [5, 5], "quote": ""},
        {"sentences": [6, 6], "quote": "q" * 500},
    ]
    reading = _read({A: GOOD | {"evidence": evidence}, B: ABSENT}, options=QUOTES)
    assert reading.verdicts[A].evidence == (
        Evidence(3, 4, " “Wait”\n"),
        Evidence(5, 5),
        Evidence(6, 6, "q" * 500),
    )


@pytest.mark.parametrize(
    "frame",
    ["{}", " \n{}\n\t ", "```json\n{}\n```", "```\n{}```", "\ufeff{}", "{}" + " " * 500],
)
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_blanks_and_a_code_fence_around_the_json_do_not_matter(frame: str, finish: Finish) -> None:
    answer = json.dumps({A: GOOD, B: ABSENT}, indent=2)
    assert not _read(frame.replace("{}", answer), finish).problems


@pytest.mark.parametrize(
    "frame",
    [
        "Here it is: {}",
        "{} But on second thoughts it is absent.",
        "{}{}",
        "{}\n```\n{}",
        "<answer>{}</answer>",
        "[{}",
    ],
)
def test_words_or_json_beside_the_answer_make_it_unusable(frame: str) -> None:
    answer = json.dumps({A: GOOD, B: ABSENT})
    assert _code(frame.replace("{}", answer)) == "not-json"


@pytest.mark.parametrize(
    ("text", "finish", "code"),
    [
        ("", "stop", "blank"),
        (" \n" * 900, "length", "blank"),
        ('{"' + A + '":' + "\n" * 900, "length", "blank"),
        ('{"' + A + '":{"evidence":[[3,', "length", "cut-off"),
        ('{"' + A + '":{"evidence":[[3,', "stop", "not-json"),
        ("```json", "length", "cut-off"),
        ("I cannot help with that.", "stop", "not-json"),
        ("{'a': 1}", "stop", "not-json"),
        ("", "filtered", "filtered"),
        ('{"' + A, "filtered", "filtered"),
        ("[]", "stop", "schema-broken"),
        ("null", "stop", "schema-broken"),
        ("2", "stop", "schema-broken"),
        ("[" * 100_000, "stop", "not-json"),
        ('{"a":' * 100_000, "length", "cut-off"),
    ],
)
def test_an_answer_that_is_none_is_a_problem_of_every_element(
    text: str, finish: Finish, code: str
) -> None:
    assert _code(text, finish) == code


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (None, "schema-broken"),
        ("present", "schema-broken"),
        ([3, 4], "schema-broken"),
        ({"evidence": [[3, 4]], "reason": ""}, "schema-broken"),
        (GOOD | {"sure": 1}, "schema-broken"),
        (GOOD | {"reason": None}, "schema-broken"),
        (GOOD | {"score": 3}, "schema-broken"),
        (GOOD | {"score": -1}, "schema-broken"),
        (GOOD | {"score": True}, "schema-broken"),
        (GOOD | {"score": "2"}, "schema-broken"),
        (GOOD | {"score": 1.5}, "schema-broken"),
        (GOOD | {"score": float("nan")}, "schema-broken"),
        (GOOD | {"score": float("inf")}, "schema-broken"),
        (GOOD | {"score": 10**30}, "schema-broken"),
        (GOOD | {"evidence": None}, "schema-broken"),
        (GOOD | {"evidence": [3, 4]}, "schema-broken"),
        (GOOD | {"evidence": [[3]]}, "schema-broken"),
        (GOOD | {"evidence": [[3, 4, 5]]}, "schema-broken"),
        (GOOD | {"evidence": [["3", "4"]]}, "schema-broken"),
        (GOOD | {"evidence": [{"sentences": [3, 4], "quote": "x"}]}, "schema-broken"),
        (GOOD | {"evidence": [[3, 3]] * 5}, "schema-broken"),
        (GOOD | {"evidence": [[3, 10**17]]}, "unknown-sentence"),
        (GOOD | {"evidence": [[1, 3]]}, "unknown-sentence"),
        (GOOD | {"evidence": [[3, 4], [9, 10]]}, "unknown-sentence"),
        (GOOD | {"evidence": [[0, 0]]}, "unknown-sentence"),
        (GOOD | {"evidence": [[-3, 4]]}, "unknown-sentence"),
        (GOOD | {"evidence": [[3, 4], [5, 4]]}, "reversed-range"),
        (GOOD | {"evidence": []}, "score-without-evidence"),
        (GOOD | {"score": 0}, "evidence-without-score"),
    ],
)
def test_a_bad_entry_is_refused_by_its_reason_and_spares_the_other(entry: Any, code: str) -> None:
    reading = _read({A: entry, B: GOOD})
    assert reading.verdicts == {B: Verdict(2, (Evidence(3, 4),), "it says so")}
    assert reading.problems[A].code == code
    assert A in reading.problems[A].message


def test_a_missing_entry_is_refused_and_one_that_nobody_asked_for_is_ignored() -> None:
    reading = _read({B: ABSENT, "something-else": "anything"})
    assert reading.problems == {A: Problem("schema-broken", f'"{A}" is missing')}
    assert reading.verdicts.keys() == {B}


def test_a_number_too_long_to_be_read_spoils_only_its_own_entry() -> None:
    long = '{"evidence": [[%s, 4]], "reason": "", "score": 1}' % ("9" * 10_000)
    reading = _read(f'{{"{A}": {long}, "{B}": {json.dumps(GOOD)}}}')
    assert reading.problems[A].code == "schema-broken"
    assert B in reading.verdicts


@pytest.mark.parametrize(
    "entry",
    [
        '{"evidence": [], "reason": "", "score": 0, "score": 0}',
        '{"evidence": [], "evidence": [[3, 4]], "reason": "", "score": 1}',
        '{"evidence": [[3, 4]], "reason": "", "score": 1, "\\u0073core": 2}',
    ],
)
def test_a_key_that_is_given_twice_means_nothing(entry: str) -> None:
    reading = _read(f'{{"{A}": {entry}, "{B}": {json.dumps(GOOD)}}}')
    assert reading.problems[A].code == "schema-broken"
    assert "more than once" in reading.problems[A].message
    assert B in reading.verdicts


def test_an_element_that_is_answered_twice_has_no_answer() -> None:
    good, absent = json.dumps(GOOD), json.dumps(ABSENT)
    reading = _read(f'{{"{A}": {good}, "{A}": {absent}, "{B}": {good}}}')
    assert reading.problems[A].message == f'"{A}" is there more than once'
    assert B in reading.verdicts


def test_a_key_that_is_repeated_in_a_piece_of_evidence_breaks_only_its_entry() -> None:
    piece = '{"sentences": [3, 4], "quote": "a", "quote": "b"}'
    entry = f'{{"evidence": [{piece}], "reason": "", "score": 1}}'
    reading = _read(f'{{"{A}": {entry}, "{B}": {json.dumps(ABSENT)}}}', options=QUOTES)
    assert reading.problems[A].code == "schema-broken"
    assert B in reading.verdicts


def test_many_repeated_keys_do_not_take_long() -> None:
    keys = ",".join(f'"k{n % 60_000}":1' for n in range(120_000))
    reading = _read("{" + keys + f',"{A}":{json.dumps(GOOD)},"{B}":{json.dumps(GOOD)}}}')
    assert reading.verdicts.keys() == {A, B}


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("  two\n\nlines\t", "two lines"),
        ("a\x1b[31mb\x00\x7f", "a[31mb"),
        ("a\u202eb\u200bc\ufeff", "abc"),
        ("a\u00a0b\u3000c", "a b c"),
        ("\ud800x", "x"),
        ("👩\u200d🚀 naïve 数", "👩\u200d🚀 naïve 数"),
        ("x" * 79 + " " + "y" * 50, "x" * 79),
        ("{A} %s ${B}", "{A} %s ${B}"),
    ],
)
def test_a_reason_is_kept_on_one_line_without_what_cannot_be_seen(reason: str, kept: str) -> None:
    verdict = _read({A: GOOD | {"reason": reason}, B: ABSENT}).verdicts[A]
    assert verdict.reason == kept


def test_a_message_shows_no_control_characters_and_is_short() -> None:
    reading = _read({A: GOOD | {"\x1b[2J\u202e" + "k" * 9_000: 1}, B: ABSENT})
    message = reading.problems[A].message
    assert message.isprintable()
    assert len(message) <= 200


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 12) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([A, B, "evidence", "reason", "score", "sentences", "quote"]), inner
        )
    ),
    max_leaves=20,
)


@given(_JSON, st.sampled_from([PLAIN, QUOTES]))
def test_any_json_puts_each_element_in_exactly_one_place(value: Any, options: LlmOptions) -> None:
    reading = _read(json.dumps(value), options=options)
    assert sorted([*reading.verdicts, *reading.problems]) == sorted([A, B])


@example('{"\\ud800')
@example("```")
@example("```json\n```")
@example("Infinity")
@given(st.text(st.sampled_from('{}[]":,0123 -.eE\\u\n`' + "\ud800NaIinfty"), max_size=60))
def test_any_text_is_refused_for_all_elements_or_read(text: str) -> None:
    reading = _read(text)
    assert sorted([*reading.verdicts, *reading.problems]) == sorted([A, B])
