"""Lint finds each kind of fault, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cogtrace.errors import TaxonomyError
from cogtrace.taxonomy.lint import lint_taxonomy

Data = dict[str, Any]
Plant = Callable[[Data, Data], object]
WriteFile = Callable[[object], Path]

SMALL = Path(__file__).with_name("small.json")


def _cue(text: str, strength: str = "weak", **fields: Any) -> Data:
    return {"text": text, "strength": strength, **fields}


def test_the_bundled_taxonomy_has_no_errors() -> None:
    assert [finding for finding in lint_taxonomy() if finding.level == "error"] == []


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert lint_taxonomy(SMALL) == []


@pytest.mark.parametrize(
    ("plant", "place", "message"),
    [
        pytest.param(
            lambda first, data: first.update(aliases=["planning"]),
            "planning",
            "the name 'planning' is taken by 'checking'",
            id="alias of another",
        ),
        pytest.param(
            lambda first, data: data["elements"].append(data["elements"][1] | {"aliases": []}),
            "planning",
            "the name 'planning' is taken by 'planning'",
            id="element twice",
        ),
        pytest.param(
            lambda first, data: data["dimensions"].append(data["dimensions"][0]),
            "acts",
            "dimension twice",
            id="dimension twice",
        ),
        pytest.param(
            lambda first, data: data["problem_types"].append(data["problem_types"][0]),
            "story",
            "problem type twice",
            id="problem type twice",
        ),
        pytest.param(
            lambda first, data: first.update(dimension="dreams"),
            "checking",
            "unknown dimension 'dreams'",
            id="unknown dimension",
        ),
        pytest.param(
            lambda first, data: first["related"][0].update(element="dreaming"),
            "checking",
            "related to 'dreaming'",
            id="related to nothing",
        ),
        pytest.param(
            lambda first, data: first["related"][0].update(element="checking"),
            "checking",
            "related to 'checking'",
            id="related to itself",
        ),
        pytest.param(
            lambda first, data: first["examples"][1].update(quotes=["Then I walked once more."]),
            "checking, example 2",
            "'Then I walked once more.' is not in the text",
            id="quote not in the text",
        ),
        pytest.param(
            lambda first, data: first["examples"][1].update(quotes=["is"]),
            "$.elements[0].examples[1].quotes[0]",
            "too short",
            id="quote too short for the schema",
        ),
        pytest.param(
            lambda first, data: first["examples"][1].update(
                text="The sum is 6. Is the sum 6? Then I looked.", quotes=["sum"]
            ),
            "checking, example 2",
            "'sum' stands 2 times in the text",
            id="quote twice in the text",
        ),
        pytest.param(
            lambda first, data: first["examples"][1].update(quotes=[]),
            "checking, example 2",
            "score 1 with 0 quotes",
            id="score without quotes",
        ),
        pytest.param(
            lambda first, data: first["examples"][0].update(quotes=["The sum is 5."]),
            "checking, example 1",
            "score 0 with 1 quotes",
            id="quotes without score",
        ),
        pytest.param(
            lambda first, data: first["examples"][6].update(score=1, quotes=["Then I snored"]),
            "checking, example 7",
            "a hard negative scores 0, not 1",
            id="hard negative with a score",
        ),
        pytest.param(
            lambda first, data: first["cues"].append(first["cues"][0]),
            "checking",
            "the cue 'i looked at' is there 2 times",
            id="cue twice",
        ),
        pytest.param(
            lambda first, data: first["cues"].append(_cue("Look")),
            "checking",
            "'Look' is not in lower case",
            id="capital in a cue",
        ),
        pytest.param(
            lambda first, data: first["cues"].append(_cue("to  look")),
            "checking",
            "single spaces",
            id="two spaces in a cue",
        ),
        pytest.param(
            lambda first, data: first["cues"].append(_cue("... look")),
            "checking",
            "a gap at its edge",
            id="gap at the edge of a cue",
        ),
        pytest.param(
            lambda first, data: first["cues"].append(_cue(",")),
            "checking",
            "','",
            id="cue without a word",
        ),
        pytest.param(
            lambda first, data: first["cues"].append(_cue("then i dozed", "strong")),
            "checking, example 4",
            "the strong cue 'then i dozed' matches this example of score 0",
            id="strong cue in an example of score 0",
        ),
        pytest.param(
            lambda first, data: first["cues"].append(_cue("i snored", "strong")),
            "checking, example 7",
            "the strong cue 'i snored' matches this hard negative",
            id="strong cue in a hard negative",
        ),
        pytest.param(
            lambda first, data: first["scoring"].update(present=0.4),
            "checking",
            "'present' is below 'partial'",
            id="thresholds the wrong way round",
        ),
        pytest.param(
            lambda first, data: first["scoring"].update(screen=0.6),
            "checking",
            "'screen' is above 'partial'",
            id="ruled out although scored",
        ),
        pytest.param(
            lambda first, data: first["cues"][0].update(strength="huge"),
            "$.elements[0].cues[0].strength",
            "'huge' is not one of",
            id="against the schema",
        ),
        pytest.param(
            lambda first, data: first.pop("rubric"),
            "$.elements[0]",
            "'rubric' is a required property",
            id="field missing",
        ),
    ],
)
def test_each_kind_of_error_is_found_at_its_place(
    plant: Plant,
    place: str,
    message: str,
    small: Data,
    write_file: WriteFile,
) -> None:
    plant(small["elements"][0], small)

    errors = [finding for finding in lint_taxonomy(write_file(small)) if finding.level == "error"]
    assert [error.place for error in errors] == [place]
    assert message in errors[0].message


def _lengthen(first: Data, data: Data) -> None:
    for example in first["examples"]:
        if example["score"] == 2:
            example["text"] += " And there is more to say about it."


@pytest.mark.parametrize(
    ("plant", "place", "message"),
    [
        pytest.param(
            lambda first, data: first["examples"].pop(2),
            "checking",
            "fewer than two worked examples of score 2",
            id="one example of a score",
        ),
        pytest.param(
            lambda first, data: first["examples"][3].update(hard_negative=True),
            "checking",
            "fewer than two worked examples of score 0",
            id="hard negatives are no worked examples",
        ),
        pytest.param(
            _lengthen, "checking", "much longer than those of another", id="length tells the score"
        ),
        pytest.param(
            lambda first, data: first["cues"].append(_cue("i dozed", "medium")),
            "checking, example 4",
            "the medium cue 'i dozed' matches this example of score 0",
            id="medium cue in an example of score 0",
        ),
        pytest.param(
            lambda first, data: first["cues"].append(_cue("the sum ... snored", "medium")),
            "checking, example 7",
            "'the sum ... snored' matches this hard negative",
            id="gap cue in a hard negative",
        ),
        pytest.param(
            lambda first, data: first["cues"].append(_cue("then i snored", "medium", at="start")),
            "checking, example 7",
            "'then i snored' matches this hard negative",
            id="starting cue in a hard negative",
        ),
    ],
)
def test_each_kind_of_warning_is_found_at_its_place(
    plant: Plant, place: str, message: str, small: Data, write_file: WriteFile
) -> None:
    plant(small["elements"][0], small)

    (finding,) = lint_taxonomy(write_file(small))
    assert (finding.level, finding.place) == ("warning", place)
    assert message in finding.message


@pytest.mark.parametrize(
    "cue",
    [
        pytest.param(_cue("i snored"), id="weak"),
        pytest.param(_cue("snored once more it", "medium"), id="over a full stop"),
        pytest.param(_cue("snore", "strong"), id="piece of a word"),
        pytest.param(_cue("i snored", "strong", at="start"), id="not at the start"),
        pytest.param(_cue("snored ... then", "strong"), id="parts in the wrong order"),
        pytest.param(_cue("i looked", "strong"), id="in an example of score 1"),
    ],
)
def test_a_cue_that_would_not_mislead_is_left_alone(
    cue: Data, small: Data, write_file: WriteFile
) -> None:
    small["elements"][0]["cues"].append(cue)

    assert lint_taxonomy(write_file(small)) == []


def test_errors_come_before_warnings(small: Data, write_file: WriteFile) -> None:
    small["elements"][0]["examples"].pop(2)
    small["elements"][1]["cues"].append(_cue("I"))

    levels = [finding.level for finding in lint_taxonomy(write_file(small))]
    assert levels == ["error", "warning"]


def test_what_is_no_json_is_an_error_and_no_finding(write_file: WriteFile) -> None:
    with pytest.raises(TaxonomyError, match="line 1, column 2"):
        lint_taxonomy(write_file("{'id': 'small'}"))


def test_a_number_of_the_wrong_kind_is_reported_and_breaks_nothing(
    small: Data, write_file: WriteFile
) -> None:
    small["elements"][0]["scoring"]["after"] = 1.0

    for finding in lint_taxonomy(write_file(small)):
        assert finding.level == "error"
        assert "after" in finding.place + finding.message
