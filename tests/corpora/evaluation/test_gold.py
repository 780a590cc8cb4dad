"""One gold in every form that is read gives the same figures; bad ones are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from judged_jobs import Judged, gold_table, judged, judged_job, random_judged
from labelled_rows import schoenfeld_row

from cogtrace.annotator.job import JobReader
from cogtrace.corpora.evaluation import Evaluation, Settings, evaluate
from cogtrace.corpora.evaluation.files import read_annotations, read_table
from cogtrace.corpora.evaluation.gold import read_gold
from cogtrace.corpora.importing import Crosswalk, load_crosswalk
from cogtrace.corpora.writers import find_writer, write_export
from cogtrace.errors import InputError, UnknownElement
from cogtrace.taxonomy import Taxonomy, build_taxonomy, load_taxonomy


@pytest.fixture(scope="module")
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    return build_taxonomy(tiny_taxonomy, "tiny")


@pytest.fixture(scope="module")
def rows() -> list[Judged]:
    return random_judged(1, count=12)


@pytest.fixture
def ours(tmp_path: Path, rows: list[Judged], taxonomy: Taxonomy) -> Path:
    return judged_job(tmp_path / "ours", judged(rows, 2), taxonomy)


@pytest.fixture
def gold(tmp_path: Path, rows: list[Judged], taxonomy: Taxonomy) -> Path:
    return judged_job(tmp_path / "gold", judged(rows, 3), taxonomy)


def _label_studio(gold: Path, taxonomy: Taxonomy) -> str:
    pairs = JobReader(gold).pairs()
    pieces = cast("list[str]", list(find_writer("label-studio").write(pairs, taxonomy)))
    tasks = json.loads("".join(pieces))
    for number, task in enumerate(tasks):
        (made,) = task.pop("predictions")
        task |= {"id": number, "annotations": [{"completed_by": 1, "result": made["result"]}]}
    return json.dumps(tasks, indent=1)


def _export(form: str) -> Callable[[Path, Taxonomy], str]:
    return lambda gold, taxonomy: "".join(write_export(JobReader(gold), form))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("gold.csv", _export("csv")),
        ("gold.jsonl", _export("jsonl")),
        ("gold.json", _export("reference")),
        ("tasks.json", _label_studio),
    ],
)
def test_every_form_of_a_gold_gives_the_same_figures(
    tmp_path: Path,
    ours: Path,
    gold: Path,
    taxonomy: Taxonomy,
    name: str,
    make: Callable[[Path, Taxonomy], str],
) -> None:
    path = tmp_path / name
    path.write_text(make(gold, taxonomy), encoding="utf-8", newline="")

    found, expected = (
        evaluate([ours], Settings(gold=str(source), bootstrap=10)) for source in (path, gold)
    )

    assert _figures(found) == _figures(expected)
    assert found.notes == expected.notes


def _figures(found: Evaluation) -> list[Any]:
    return [(c.elements, c.overall, c.traces, c.rows) for c in found.comparisons]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["trace_id,element,score", "t,guessing,3"], r":2: the score is '3', not 0, 1 or 2"),
        (["trace_id,element", "t,guessing"], r"no column 'score'.*There is trace_id, element"),
        (["trace_id,element,score", ",guessing,1"], ":2: no trace_id or no element"),
        (
            ["trace_id,element,score,start,end", "t,guessing,1,5,5"],
            r":2: \[5, 5\) is no stretch of a text",
        ),
        (["trace_id,element,score,start,end", "t,guessing,0,1,5"], ":2: a span with score 0"),
        (
            ["trace_id,element,score", "t,guessing,1", "t,guessing,2"],
            ":3: gold gave guessing in 't' the score 1 before, and 2 here",
        ),
        (["trace_id,element,score"], "no label in it"),
        (["trace_id,element,score", 't,"x'], ":2: "),
    ],
)
def test_a_bad_table_is_refused_with_its_line(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    path = tmp_path / "gold.csv"
    path.write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(InputError, match=message):
        read_table(str(path))


def test_columns_have_their_usual_names_and_an_annotator_need_not_be_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "gold.tsv"
    path.write_text("Item\tRater\tLabel\tScore\nt\tx\tguessing\t2\nt\t\tguessing\t0\n")

    found = read_table(str(path))

    assert found.annotators == ["x", "gold"]
    assert [row.scores for row in found.rows] == [{"guessing": 2}, {"guessing": 0}]


@pytest.mark.parametrize("line", ["{}", "[1]", "{broken", '{"trace_id": 1}'])
def test_a_line_that_is_no_annotation_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(line + "\n", encoding="utf-8")

    with pytest.raises(InputError, match=r"gold\.jsonl:1"):
        read_annotations(str(path))


def test_labels_that_are_no_elements_are_refused(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = gold_table(tmp_path / "gold.csv", {"a": [Judged("t", "x", {"gessing": 1})]})

    with pytest.raises(UnknownElement, match="did you mean guessing"):
        read_gold(str(path), taxonomy)


def test_aliases_of_elements_are_known(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = gold_table(tmp_path / "gold.csv", {"a": [Judged("t", "x", {"u-turn": 1})]})

    (row,) = read_gold(str(path), taxonomy).rows

    assert row.scores == {"turning-back": 1}


@pytest.fixture
def rules(tmp_path: Path) -> Crosswalk:
    path = tmp_path / "rules.json"
    data = {
        "scheme": "episodes",
        "taxonomy": "tiny",
        "rules": [
            {"element": "re-reading", "label": "Verify", "relation": "exact"},
            {"element": "re-reading", "label": "Implement", "relation": "close"},
            {"element": "guessing", "label": "Read", "relation": "exact"},
        ],
    }
    path.write_text(json.dumps(data), encoding="utf-8")
    return load_crosswalk(path)


def test_labels_of_another_scheme_become_elements_by_the_crosswalk(
    tmp_path: Path, taxonomy: Taxonomy, rules: Crosswalk
) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text(json.dumps(schoenfeld_row()) + "\n", encoding="utf-8")
    text = schoenfeld_row()["response"]

    found = read_gold(str(path), taxonomy, crosswalk=rules)

    (row,) = found.rows
    assert row.trace_id == "schoenfeld-7"
    assert row.scores == {"re-reading": 2, "guessing": 2}
    assert [text[start:end] for start, end, _ in row.places["guessing"]] == [
        "We need the area of a square of side 3."
    ]
    assert len(row.places["re-reading"]) == 3
    (note,) = found.notes
    assert note == (
        "Labels of the gold without a rule, left out: paragraph General, paragraph Verify."
    )


def test_a_table_of_other_labels_is_read_by_the_crosswalk_too(
    tmp_path: Path, taxonomy: Taxonomy, rules: Crosswalk
) -> None:
    told = Judged(
        "t",
        "x" * 40,
        {"Verify": 1, "Implement": 2, "Plan": 2},
        {"Verify": [(0, 5), (20, 30)], "Implement": [(3, 9)], "Plan": [(0, 1)]},
    )
    path = gold_table(tmp_path / "gold.csv", {"a": [told]})

    (row,) = read_gold(str(path), taxonomy, crosswalk=rules).rows

    assert row.scores == {"re-reading": 2}
    assert row.places == {"re-reading": [(0, 9, None), (20, 30, None)]}


def test_a_crosswalk_without_a_rule_for_any_label_is_refused(
    tmp_path: Path, taxonomy: Taxonomy, rules: Crosswalk
) -> None:
    path = gold_table(tmp_path / "gold.csv", {"a": [Judged("t", "x", {"Plan": 1})]})

    with pytest.raises(InputError, match="no label has a rule in the crosswalk; there is Plan"):
        read_gold(str(path), taxonomy, crosswalk=rules)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, taxonomy: Taxonomy) -> None:
    for name in ("none.csv", "none.jsonl"):
        with pytest.raises(InputError, match=r"none\."):
            read_gold(str(tmp_path / name), taxonomy)


def test_real_labels_of_people_are_read_by_a_crosswalk(dev_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    rule = {"element": "verification", "label": "Verify", "relation": "exact"}
    content = {"scheme": "schoenfeld", "taxonomy": "cognitive", "rules": [rule]}
    path.write_text(json.dumps(content), encoding="utf-8")

    found = read_gold(
        str(dev_data / "schoenfeld_dev.jsonl.gz"),
        load_taxonomy(),
        crosswalk=load_crosswalk(path),
    )

    assert len(found.rows) == 25
    assert sum(len(row.places["verification"]) for row in found.rows) > 300
