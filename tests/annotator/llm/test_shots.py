"""Worked examples are chosen by a stated rule and answered in the form asked for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from cogtrace.annotator.llm.answers import answer_schema, read_answer
from cogtrace.annotator.llm.model import LlmOptions, Question
from cogtrace.annotator.llm.shots import choose_shots, cost, shot_answer, shot_window
from cogtrace.annotator.llm.windows import estimate_tokens
from cogtrace.taxonomy import Element, Example, build_taxonomy, load_taxonomy

ELEMENTS = load_taxonomy().elements
_WORKED = [(element, example) for element in ELEMENTS for example in element.examples]


@pytest.mark.parametrize("quotes", [False, True])
def test_the_answer_to_every_example_is_valid_in_the_form_asked_for(quotes: bool) -> None:
    options = LlmOptions(quotes=quotes)
    for element, example in _WORKED:
        window = shot_window(example)
        question = Question(element.id, (element,))
        answer = shot_answer(element, example, options)
        schema = answer_schema(question, window.first, window.last, options)
        Draft202012Validator(schema).validate(msgspec.json.decode(answer))
        read = read_answer(answer, "stop", question, window.first, window.last, options)
        assert not read.problems
        assert read.verdicts[element.id].score == example.score


def test_a_quote_within_or_across_sentences_becomes_the_sentences_it_touches() -> None:
    example = Example(
        text="One is first. Two is second. Three is third.",
        score=2,
        quotes=("is second. Three", "is first", "not there", "Two is second. Three is third."),
        why="Numbers in order.",
    )
    answer = shot_answer(ELEMENTS[0], example, LlmOptions())
    assert answer == (
        '{"logical-coherence":{"evidence":[[2,3],[1,1]],"reason":"Numbers in order.","score":2}}'
    )


def test_reasons_are_cut_between_clauses_and_evidence_to_what_is_allowed() -> None:
    example = Example(
        text="A b. C d. E f.", score=1, quotes=("A b.", "C d.", "E f."), why="First this; then that"
    )
    answer = shot_answer(ELEMENTS[0], example, LlmOptions(reason_chars=15, evidence=2))
    assert '"evidence":[[1,1],[2,2]],"reason":"First this"' in answer
    assert '"reason":"First"' in shot_answer(ELEMENTS[0], example, LlmOptions(reason_chars=7))


def test_examples_fit_the_budget_and_vary_in_score_dimension_and_element() -> None:
    shots = choose_shots(ELEMENTS, 1_500, estimate_tokens)
    assert sum(cost(*shot, estimate_tokens) for shot in shots) <= 1_500
    assert len(shots) >= 6
    assert [x.score for _, x in shots[:6]] == [2, 0, 1, 2, 0, 1]
    assert all(x.hard_negative for _, x in shots if x.score == 0)
    assert len({e.dimension for e, _ in shots[:4]}) == 4
    assert len({e.id for e, _ in shots}) == len(shots)
    assert shots == choose_shots(ELEMENTS, 1_500, estimate_tokens)


def test_no_element_comes_twice_before_each_has_come_once() -> None:
    shots = choose_shots(ELEMENTS, 100_000, estimate_tokens)
    assert {e.id for e, _ in shots[:28]} == {e.id for e in ELEMENTS}
    assert len(set(map(id, (x for _, x in shots)))) == len(shots)


@pytest.mark.parametrize("budget", [-1, 0, 30])
def test_a_budget_too_small_for_any_example_gives_none(budget: int) -> None:
    assert choose_shots(ELEMENTS, budget, estimate_tokens) == ()


def test_a_taxonomy_with_few_kinds_of_examples_gives_those(tiny_taxonomy: dict[str, Any]) -> None:
    elements = build_taxonomy(tiny_taxonomy, "tiny").elements
    shots = choose_shots(elements, 10_000, estimate_tokens)
    assert sorted(e.id for e, _ in shots) == ["guessing", "re-reading", "turning-back"]


def _with(*examples: Example) -> Element:
    return msgspec.structs.replace(ELEMENTS[0], examples=examples)


def test_plain_negatives_are_shown_only_where_there_are_no_hard_ones() -> None:
    plain = Example(text="It rains.", score=0, quotes=())
    hard = Example(text="It pours.", score=0, quotes=(), hard_negative=True)
    assert [x for _, x in choose_shots([_with(plain)], 1_000, estimate_tokens)] == [plain]
    assert [x for _, x in choose_shots([_with(plain, hard)], 1_000, estimate_tokens)] == [hard]


def test_an_example_whose_quotes_are_not_in_its_text_is_not_used() -> None:
    lost = Example(text="It rains.", score=2, quotes=("It snows.",))
    assert choose_shots([_with(lost)], 1_000, estimate_tokens) == ()
