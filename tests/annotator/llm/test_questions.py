"""What is asked at once, for the bundled taxonomy and for any other."""

from __future__ import annotations

from typing import Any

import pytest

from cogtrace.annotator.llm.model import Ask
from cogtrace.annotator.llm.questions import narrowed, questions
from cogtrace.taxonomy import build_taxonomy, load_taxonomy


@pytest.mark.parametrize(("ask", "count"), [("element", 28), ("group", 4), ("all", 1)])
def test_each_element_is_asked_about_exactly_once_and_in_order(ask: Ask, count: int) -> None:
    taxonomy = load_taxonomy()
    asked = questions(taxonomy, ask)
    assert len(asked) == count
    by_dimension = [e.id for d in taxonomy.dimensions for e in taxonomy.in_dimension(d.id)]
    assert [e.id for q in asked for e in q.elements] == (
        by_dimension if ask == "group" else list(taxonomy.element_ids)
    )


def test_questions_are_named_after_what_they_ask_about(tiny_taxonomy: dict[str, Any]) -> None:
    taxonomy = build_taxonomy(tiny_taxonomy, "tiny")
    assert [q.id for q in questions(taxonomy, "element")] == list(taxonomy.element_ids)
    assert [q.id for q in questions(taxonomy, "group")] == ["looking", "moving"]
    assert [q.id for q in questions(taxonomy, "all")] == ["all"]


def test_a_dimension_without_elements_is_not_asked_about(tiny_taxonomy: dict[str, Any]) -> None:
    taxonomy = build_taxonomy(tiny_taxonomy, "tiny").only(["guessing"])
    assert [q.id for q in questions(taxonomy, "group")] == ["moving"]


def test_a_narrowed_question_keeps_its_name_and_its_own_order() -> None:
    (question,) = questions(load_taxonomy(), "all")
    some = narrowed(question, ["backtracking", "productivity"])
    assert some.id == "all"
    assert [e.id for e in some.elements] == ["productivity", "backtracking"]
    assert narrowed(question, [e.id for e in question.elements]) is question


@pytest.mark.parametrize("names", [[], ["backtracking", "juggling"]])
def test_a_question_cannot_be_narrowed_to_what_it_does_not_ask(names: list[str]) -> None:
    (question,) = questions(load_taxonomy(), "all")
    with pytest.raises(ValueError, match="question all asks about"):
        narrowed(question, names)
