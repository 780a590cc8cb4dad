"""Lint finds each kind of fault, and nothing where there is none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cogtrace.errors import TaxonomyError
from cogtrace.taxonomy.lint import lint_taxonomy

Data = dict[str, Any]
Plant = Callable[[Data], object]
WriteFile = Callable[[object], Path]
WriteFolder = Callable[[Data], Path]


def _cue(text: str, strength: str = "weak", **fields: Any) -> Data:
    return {"text": text, "strength": strength, **fields}


def test_the_bundled_taxonomy_has_no_errors() -> None:
    assert [finding for finding in lint_taxonomy() if finding.level == "error"] == []


def test_nothing_is_found_where_nothing_is_wrong(
    small: Data, write_file: WriteFile, write_folder: WriteFolder
) -> None:
    assert lint_taxonomy(write_file(small)) == []
    assert lint_taxonomy(write_folder(small)) == []


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
            lambda first, data: data["elements"].append(copy.deepcopy(data["elements"][1])),
            "planning",
            "the name 'planning' is taken",
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
            lambda first, data: first["examples"][1].update(quotes=["is"]) or None,
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
            lambda first, data: first["examples"][6].update(score=1, quotes=["Then I slept"]),
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
            lambda first, data: first["cues"].append(_cue("then i slept", "strong")),
            "checking, example 1",
            "the strong cue 'then i slept' matches this example of score 0",
            id="strong cue in an example of score 0",
        ),
        pytest.param(
            lambda first, data: first["scoring"].update(present=0.4),
            "checking",
            "'present' is below 'partial'",
            id="thresholds the wrong way round",
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
    plant: Callable[[Data, Data], object],
    place: str,
    message: str,
    small: Data,
    write_file: WriteFile,
) -> None:
    plant(small["elements"][0], small)

    errors = [finding for finding in lint_taxonomy(write_file(small)) if finding.level == "error"]
    assert place in {finding.place for finding in errors}
    assert all(message in f.message for f in errors if f.place == place and "old-" not in f.message)
