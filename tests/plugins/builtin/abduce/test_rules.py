from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cogtrace.errors import OptionError
from cogtrace.plugins.builtin.abduce.conditions import Facts, holds
from cogtrace.plugins.builtin.abduce.rules import apply, build_rules, read_rules, save_rules
from cogtrace.schemas import load_schema

FACTS = Facts(answer="-3 km", text="so it is -3 km", source="sample 2", confidence=0.4, share=0.25)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"answer_matches": r"^-\d"}, True),
        ({"answer_matches": "4"}, False),
        ({"answer_equals": "−3"}, True),
        ({"text_matches": "so it"}, True),
        ({"source_matches": "2$"}, True),
        ({"is_number": True}, True),
        ({"is_number": False}, False),
        ({"number_below": 0}, True),
        ({"number_above": -3}, False),
        ({"chars_below": 100, "chars_above": 5}, True),
        ({"confidence_below": 0.5}, True),
        ({"confidence_above": 0.4}, False),
        ({"share_below": 0.3, "share_above": 0.2}, True),
        ({"not": {"is_number": True}}, False),
        ({"any": [{"is_number": False}, {"number_below": 0}]}, True),
        ({"any": []}, False),
    ],
)
def test_a_condition_holds_if_all_its_keys_do(condition: dict[str, Any], expected: bool) -> None:
    assert holds(condition, FACTS) is expected


def test_every_key_of_the_schema_can_be_tested() -> None:
    from cogtrace.plugins.builtin.abduce.conditions import _TESTS

    assert set(load_schema("abduction-rules")["$defs"]["condition"]["properties"]) == set(_TESTS)


def test_an_unknown_number_is_neither_below_nor_above() -> None:
    unknown = Facts(answer="Paris")

    assert not holds({"number_below": 9e9}, unknown)
    assert not holds({"confidence_below": 2}, unknown)


def test_rules_become_constraints() -> None:
    rules = build_rules(
        {
            "rules": [
                {"id": "drop", "when": {"number_below": 0}, "effect": "drop", "why": "a count"},
                {"id": "short", "when": {"chars_below": 3}},
                {"id": "both", "when": {"answer_equals": "yes"}, "with": {"answer_equals": "no"}},
            ]
        }
    )
    facts = [Facts(answer=a, text=a) for a in ("-1", "yes", "no", "yes")]

    found = apply(rules, facts)

    assert found.banned == {0: "rule drop: a count"}
    assert found.flags == [(0, "rule short"), (2, "rule short")]
    assert found.conflicts == {(1, 2): "rule both", (2, 3): "rule both"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "'rules' is a required property"),
        ({"rules": [{"id": "x", "when": {"answer_match": "a"}}]}, "answer_match"),
        ({"rules": [{"id": "x", "when": {"answer_matches": "("}}]}, "no regular expression"),
        ({"rules": [{"id": "x", "when": {"any": [{"not": {"text_matches": "["}}]}}]}, "regular"),
        (
            {"rules": [{"id": "x", "when": {}, "with": {}, "effect": "drop"}]},
            "'violation' was expected",
        ),
    ],
)
def test_bad_rules_are_refused_with_the_reason(data: object, said: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(data))

    with pytest.raises(OptionError, match=said) as caught:
        read_rules(str(path))
    assert "rules.json" in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[" * 99_999, None])
def test_a_file_that_is_none_is_refused_by_name(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(OptionError, match=r"rules\.json"):
        read_rules(str(path))


def test_the_examples_of_the_schema_are_saved_and_read_again(tmp_path: Path) -> None:
    for example in load_schema("abduction-rules")["examples"]:
        save_rules(example, tmp_path / "rules.json")
        assert read_rules(str(tmp_path / "rules.json")) == build_rules(example)
