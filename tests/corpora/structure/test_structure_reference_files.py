"""What of the reference's JSON is read, in its own way and in ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from naive_structure import Told
from reference_folders import record, write_records

from cogtrace.corpora.structure import Corpus, Mode, Settings, analyse, load_reference
from cogtrace.errors import InputError

ONE = Told([("A", 0, 50)], "x")


def _spans(corpus: Corpus) -> list[tuple[str, float, float]]:
    names = [corpus.elements[number] for number in corpus.element]
    return list(zip(names, corpus.start.tolist(), corpus.end.tolist(), strict=True))


def _with_spans(spans: Any, score: Any = 2) -> dict[str, Any]:
    made = record(1, ONE)
    made["element_annotation"] = {"A": {"score": score, "spans": spans}}
    return made


@pytest.mark.parametrize(
    ("span", "read"),
    [
        ([3, 9], [(3, 9)]),
        (["3", 9], [(3, 9)]),
        ([3, "٩"], [(3, 9)]),
        ([9, 3], [(9, 3)]),
        ([3, 9.5], [(3, 9.5)]),
        ([-3, 9], [(-3, 9)]),
        ([True, 9], [(1, 9)]),
        ([3, "-9"], []),
        ([" 3", 9], []),
        (["3.0", 9], []),
        ([3], []),
        ([3, 9, 1], []),
        ("39", []),
        ({"start": 3}, []),
        (None, []),
    ],
)
@pytest.mark.parametrize("mode", ["reference", "corrected"])
def test_a_span_is_a_list_of_two_bounds(
    tmp_path: Path, span: Any, read: list[tuple[float, float]], mode: Mode
) -> None:
    records = {"k": _with_spans([span, [100, 200]])}

    corpus = load_reference(write_records(tmp_path, records), mode)

    assert _spans(corpus) == [("A", *bounds) for bounds in [*read, (100, 200)]]
    assert corpus.notes == ()


@pytest.mark.parametrize(
    "bound", ["NaN", "Infinity", "null", "[1]", "9007199254740993", "1" + "0" * 400]
)
def test_bounds_that_cannot_be_computed_with_are_left_out_and_noted(
    tmp_path: Path, bound: str
) -> None:
    text = json.dumps({"k": _with_spans([["@", 9], [100, 200]])}).replace('"@"', bound)

    corpus = load_reference(write_records(tmp_path, text))

    assert _spans(corpus) == [("A", 100, 200)]
    assert corpus.notes == ("m.json: 1 spans without usable offsets left out",)


@pytest.mark.parametrize(
    ("score", "counts"), [(2, True), (2.5, True), (3, True), (1, False), (True, False), (0, False)]
)
def test_an_element_counts_from_score_2_on(tmp_path: Path, score: Any, counts: bool) -> None:
    corpus = load_reference(write_records(tmp_path, {"k": _with_spans([[3, 9]], score)}))

    assert bool(_spans(corpus)) == counts


def _without(field: str) -> dict[str, Any]:
    made = record(2, ONE)
    del made[field]
    return made


BAD: dict[str, Any] = {
    "no task": _without("task"),
    "no problem type": _without("problem_type"),
    "no correctness": _without("correctness"),
    "no annotation": _without("element_annotation"),
    "a score that is a string": _with_spans([], "2"),
    "no spans where they count": {
        **record(2, ONE),
        "element_annotation": {"A": {"score": 2}},
    },
    "a superscript": _with_spans([["²", 9]]),
    "a type that is a number": {**record(2, ONE), "problem_type": "10"},
    "a type that is a list of numbers": {**record(2, ONE), "problem_type": [10]},
    "a type that is no list": {**record(2, ONE), "problem_type": 10},
    "an unknown type": {**record(2, ONE), "problem_type": ["77"]},
    "an empty list of types": {**record(2, ONE), "problem_type": []},
    "a list": [],
    "spans that are a number": _with_spans(5),
}


@pytest.mark.parametrize("why", BAD)
def test_a_bad_record_takes_its_file_with_it_only_in_reference_mode(
    tmp_path: Path, why: str
) -> None:
    write_records(tmp_path, {"good": record(1, ONE)}, "a.json")
    write_records(tmp_path, {"also": record(5, ONE, "n"), "bad": BAD[why]}, "b.json")

    strict = load_reference(tmp_path, "reference")
    lenient = load_reference(tmp_path, "corrected")

    assert (strict.traces, len(strict.notes)) == (1, 1)
    assert strict.notes[0].startswith("b.json: left out whole (")
    if why == "no task":  # which nothing needs
        assert (lenient.traces, lenient.notes) == (3, ())
    else:
        assert lenient.traces == 2
        assert lenient.notes[0].startswith("b.json: 1 records left out (the first: 'bad', ")


@pytest.mark.parametrize(
    ("votes", "label"),
    [
        (None, None),
        ("", None),
        ("Logical", "Logical"),
        ("-1", "-1"),
        (["10", "10", "3"], "Logical"),
        (["3", "10"], "Rule-Using"),
        (["10", "n/a"], "No Type Matched"),
        (["12"], "Factual Recall/Comprehension"),
        ("11", "Algorithmic"),
    ],
)
def test_a_problem_type_is_a_label_or_the_most_frequent_vote(
    tmp_path: Path, votes: Any, label: str | None
) -> None:
    records = {"k": {**record(1, ONE), "problem_type": votes}}

    corpus = load_reference(write_records(tmp_path, records), "reference")

    assert corpus.types == (() if label is None else (label,))
    assert corpus.trace_type.tolist() == ([-1] if label is None else [0])


def test_derived_records_are_passed_over(tmp_path: Path) -> None:
    records = {
        "1": record("x_hier_1", ONE),
        "graph_2": {**record(2, ONE)},
        "graph_3": _without("question_id"),
        "4": record(4, ONE),
    }

    corpus = load_reference(write_records(tmp_path, records), "reference")

    assert corpus.traces == 2  # the id counts, and the key only where there is none


def test_the_same_question_of_the_same_model_is_one_trace(tmp_path: Path) -> None:
    first = {"1": record(1, Told([("A", 0, 50)], "x", False))}
    again = {"1": record(1, Told([("B", 100, 150)], "y", True))}
    write_records(tmp_path, {**first, "2": record(2, ONE)}, "a.json")
    write_records(tmp_path, again, "b.json")

    corpus = load_reference(tmp_path, "reference")

    assert corpus.traces == 2
    assert _spans(corpus) == [("A", 0, 50), ("B", 100, 150), ("A", 0, 50)]
    assert corpus.correct.tolist() == [1, 1]  # from where it was met last
    assert [corpus.types[n] for n in corpus.trace_type] == ["x", "x"]  # from where it was first


def test_the_first_records_model_is_that_of_the_file(tmp_path: Path) -> None:
    write_records(tmp_path, {"1": record(1, ONE, "m"), "2": record(2, ONE, "n")}, "a.json")
    write_records(tmp_path, {"2": record(2, ONE, "m")}, "b.json")

    assert load_reference(tmp_path, "reference").traces == 2


@pytest.mark.parametrize(("name", "right"), [("Image", 1), ("my-AUDIO", 1), ("text", 0)])
def test_paths_of_images_and_audio_count_as_right_in_reference_mode(
    tmp_path: Path, name: str, right: int
) -> None:
    # The name of the test is in the path of its folder: what is asked about lies beside it.
    records = {"1": record(1, Told([("A", 0, 50)], None, False))}
    folder = write_records(tmp_path.parent / f"{name}-{tmp_path.name[-1]}", records)

    assert load_reference(folder, "reference").correct.tolist() == [right]
    assert load_reference(folder, "corrected").correct.tolist() == [0]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[" * 100_000, '{"a": 1', "\x00", '{"\\ud800": {"x": "\\udc00"']
)
def test_a_broken_file_is_noted_and_the_others_are_read(tmp_path: Path, text: str) -> None:
    write_records(tmp_path, {"1": record(1, ONE)}, "a.json")
    write_records(tmp_path, text, "b.json")

    corpus = load_reference(tmp_path)

    assert corpus.traces == 1
    assert corpus.notes[0].startswith("b.json: left out whole (")


def test_lone_surrogates_do_not_cost_a_file(tmp_path: Path) -> None:
    text = json.dumps({"1": {**record(1, ONE), "task": "\ud800"}, "2": record(2, ONE)})

    assert load_reference(write_records(tmp_path, text), "reference").traces == 2


def test_a_folder_without_traces_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one file per model"):
        load_reference(tmp_path)
    with pytest.raises(InputError, match=r"no trace in its 1 files; m\.json: left out whole"):
        load_reference(write_records(tmp_path, "{"))


def test_the_result_does_not_depend_on_how_elements_are_named(tmp_path: Path) -> None:
    told = Told([("<script>", 0, 50), ("\u202e{0}%s", 100, 150)], "../../etc")

    found = analyse(
        load_reference(write_records(tmp_path, {"1": record(1, told)})), Settings(min_support=1)
    )

    assert [edge.source for edge in found.edges] == ["<script>"] * 2
