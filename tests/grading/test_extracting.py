from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.grading import KINDS, AnswerKind, extract_answer

STATED = [
    ("so the answer is 41.", "41"),
    ("**Answer:** $11005_7$", "11005_7"),
    ("### Final Answer\n\n**42 apples**", "42 apples"),
    ("The answer is:\n\n42\n", "42"),
    ("answer: 3.5 km. Thus we are done.", "3.5 km"),
    ("#### 72", "72"),
    ("The answer is Dr. Hill. She was there.", "Dr. Hill"),
    ("The answer is: **B. Paris**", "B. Paris"),
    ("The answer to the question is Paris, because it is the capital.", "Paris"),
    ("The answer is 7. Wait, no. The answer is 8.", "8"),
    ("The final answer is $\\boxed{12}$. I hope it is correct.", "12"),
    ("First \\boxed{1}, then \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
    ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
    ("The answer is 5.\n\\boxed{6}", "6"),
    ('{"steps": [1], "final_answer": 5}', "5"),
    ('Thus:\n```json\n{"Final Answer": "ten"}\n```', "ten"),
    ('We are done: {"answer": {"x": 1}}', '{"x": 1}'),
    ("<think>The answer is 3.</think>The answer is 4.", "4"),
    ("The answer is 4.</think>", "4"),
    ("Réponse en dernier\n東京", "東京"),
    ("one\n- two", "two"),
]


@pytest.mark.parametrize(("text", "answer"), STATED)
def test_an_answer_is_found_where_it_is_stated(text: str, answer: str) -> None:
    assert extract_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("It is (A) or (B).\nSo (B) then.", "B"),
        ("The answer is (c) Paris.", "C"),
        ("**D**", "D"),
        ("Not A but C", "C"),
        ("I have no idea", "I have no idea"),
        ("Final answer: B. A is wrong.", "B"),
    ],
)
def test_of_a_choice_only_the_letter_is_taken(text: str, answer: str) -> None:
    assert extract_answer(text, "choice") == answer


def test_of_json_the_last_object_is_taken() -> None:
    text = 'First {"a": 1}, and in the end {"a": [2, {"b": 3}]} it is.'

    assert extract_answer(text, "json") == '{"a": [2, {"b": 3}]}'


@pytest.mark.parametrize("text", ["", " \n ", "\\boxed{}", "**", "word " * 60, "\\boxed{unclosed"])
def test_no_answer_is_none_unless_a_short_last_line_can_be_one(text: str) -> None:
    assert extract_answer(text) in (None, "\\boxed{unclosed")


@settings(deadline=None)
@given(text=st.text(), kind=st.sampled_from([None, *KINDS]))
def test_no_text_raises_and_an_answer_is_never_blank(text: str, kind: AnswerKind | None) -> None:
    found = extract_answer(text, kind)

    assert found is None or found.strip()


@settings(deadline=None)
@given(answer=st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True), noise=st.text(max_size=200))
def test_a_boxed_answer_is_found_after_any_other_text(answer: str, noise: str) -> None:
    assert extract_answer(f"{noise}\nTherefore \\boxed{{{answer}}}") == answer


HOSTILE = ["\\boxed{", "{", "[", "```\n", "```json\n" + "\n" * 50, "answer is ", "*", "#### "]
HOSTILE += ["the answer to ", "(A) ", "</think>", '{"a":', "\\frac", "\n", "answer: \n", "9"]


@pytest.mark.parametrize("kind", [None, "choice", "json"])
@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_texts_take_no_time(piece: str, kind: AnswerKind | None) -> None:
    began = time.perf_counter()

    extract_answer(piece * (100_000 // len(piece)), kind)
    extract_answer(piece * (20_000 // len(piece)), kind, cut=True)

    assert time.perf_counter() - began < 2


CUT = {
    "a statement": (
        None,
        "So far. The answer is 42. Then we check it.\n**Answer:** 42\nWell",
        "42",
    ),
    "a box": (None, r"Hence \boxed{42}, as 6 * 7 = 42.", "42"),
    "a field": (None, '{"steps": [1, 2], "answer": 42}', "42"),
    "a block of JSON": (None, 'Here:\n```json\n{"answer": 42, "l": [1, 2]}\n```\n', "42"),
    "JSON": ("json", '{"answer": 42, "l": [1, 2]}', '{"answer": 42, "l": [1, 2]}'),
    "a letter": ("choice", "It cannot be (A), so the answer is (C). As for (D), no.", "C"),
    "hashes": (None, "6 * 7 = 42\n#### 42\n\nThat was", "42"),
}


@pytest.mark.parametrize(("kind", "text", "answer"), CUT.values(), ids=CUT)
def test_a_text_cut_off_anywhere_has_the_answer_that_it_states_or_none(
    kind: AnswerKind | None, text: str, answer: str
) -> None:
    found = [extract_answer(text[:end], kind, cut=True) for end in range(len(text) + 1)]

    assert set(found) == {None, answer}
    assert found[-1] == answer


@pytest.mark.parametrize(
    "text",
    ["17 + 24 = 4", "<think>The answer is 7. No, wait", "<think>The answer is 7.</think>", "(B)"],
)
@pytest.mark.parametrize("kind", [None, "choice", "numeric"])
def test_what_a_text_happens_to_end_in_when_it_is_cut_off_is_no_answer(
    text: str, kind: AnswerKind | None
) -> None:
    assert extract_answer(text, kind, cut=True) is None
