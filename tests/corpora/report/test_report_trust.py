"""How far to trust the annotator, and shares corrected for its errors, in every form."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judged_jobs import NAMES, gold_table, judged, judged_job, random_judged
from pages import HOSTILE, seen

from cogtrace.corpora.evaluation import Settings, evaluate
from cogtrace.corpora.evaluation.figures import Counts, ElementFigure, Estimate, Evaluation
from cogtrace.corpora.evaluation.writing import pooled_reliability, write_json
from cogtrace.corpora.report import Report, ReportInput, build_report, read_input
from cogtrace.corpora.report.building import Part
from cogtrace.corpora.report.document import to_json
from cogtrace.corpora.report.html import to_html
from cogtrace.corpora.report.markdown import to_markdown
from cogtrace.corpora.report.verdicts import LEAST, sentence, verdict
from cogtrace.corpora.statistics import Settings as StatisticsSettings
from cogtrace.errors import OptionError
from cogtrace.plugins.manager import load
from cogtrace.schemas import problems
from cogtrace.sections import Block, Chart, Notice, Points, Prose, Table
from cogtrace.taxonomy import build_taxonomy

_NAME = HOSTILE.replace("\ud800", "").replace("\x00", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_taxonomy: dict[str, Any]) -> Path:
    """Return a folder with a job, and what an evaluation by two people says of it."""
    folder = tmp_path_factory.mktemp("trust")
    rows = [
        replace(row, trace_id=f"{_NAME}{number}", text=f"{_NAME} {row.text}")
        for number, row in enumerate(random_judged(1))
    ]
    ours = judged(rows, 2)
    judged_job(folder / "job", ours, build_taxonomy(tiny_taxonomy, "tiny"))
    people = {_NAME: ours[:10] + judged(rows, 3)[10:], "ben": judged(rows, 4)}
    table = gold_table(folder / "gold.csv", people)
    settings = Settings(gold=str(table), bootstrap=50, random_sample=True, min_n=5)
    write_json(evaluate([folder / "job"], settings), folder / "evaluation.json")
    return folder


@pytest.fixture(scope="module")
def source(folder: Path) -> ReportInput:
    settings = StatisticsSettings(bootstrap=50, evaluation=str(folder / "evaluation.json"))
    return read_input([folder / "job"], settings=settings)


@pytest.fixture(scope="module")
def report(source: ReportInput) -> Report:
    return build_report(source, load([]))


def _part(report: Report, name: str) -> Part:
    (part,) = (part for part in report.parts if part.name == name)
    return part


def _tables(part: Part) -> dict[str, Table]:
    blocks: list[Block | Table] = [
        block.table if isinstance(block, Chart) else block for block in part.section.blocks
    ]
    return {block.name: block for block in blocks if isinstance(block, Table)}


def _rows(table: Table) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def test_corrected_shares_stand_beside_the_raw_ones(report: Report, source: ReportInput) -> None:
    rows = _rows(_tables(_part(report, "prevalence"))["corrected"])

    expected = [row for row in source.statistics.corrected if not row.group]
    raw = {row.element: row.shown for row in source.statistics.prevalence if not row.group}
    assert len(rows) == len(expected) == 2 * len(NAMES)
    for row, figure in zip(rows, expected, strict=True):
        assert (row["id"], row["method"]) == (figure.element, figure.method)
        assert (row["corrected"], row["low"]) == (figure.corrected, figure.low)
        assert row["raw"] == raw[figure.element]
    by_group = _rows(_tables(_part(report, "prevalence"))["corrected-by-group"])
    assert {row["group"] for row in by_group} == {"large", "small"}


def test_agreement_stands_beside_the_guess_from_length(report: Report, folder: Path) -> None:
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    figures = {entry["element"]: entry for entry in evaluation["comparisons"][0]["elements"]}

    rows = _rows(_tables(_part(report, "trust"))["trust"])

    assert [row["id"] for row in rows] == list(NAMES)
    for row in rows:
        entry = figures[row["id"]]
        for name in ("presence_f1", "kappa_quadratic", "sentence_f1"):
            found, guess = entry["metrics"][name], entry["length_only"][name]
            bounds = (row[name], row[f"{name}_low"], row[f"{name}_high"])
            assert bounds == (found["value"], found["low"], found["high"])
            assert row[f"{name}_length_only"] == guess["value"]


def test_people_confidence_and_disagreements_have_their_tables(
    report: Report, source: ReportInput
) -> None:
    tables = _tables(_part(report, "trust"))

    assert source.judged is not None
    mutual = _rows(tables["gold-agreement"])
    assert [row["id"] for row in mutual] == [e.element for e in source.judged.evaluation.agreement]
    sure = _rows(tables["reliability"])
    assert sum(row["n"] for row in sure) == sum(
        row.n for entry in source.judged.comparison.elements for row in entry.reliability
    )
    listed = _rows(tables["disagreements"])
    first = source.judged.comparison.disagreements[0]
    assert len(listed) == len(source.judged.comparison.disagreements) > 5
    assert (listed[0]["trace_id"], listed[0]["quote"]) == (first.trace_id, first.quote)


def test_the_summary_says_whom_to_trust(report: Report, source: ReportInput) -> None:
    (findings,) = (
        block
        for block in report.parts[0].section.blocks
        if isinstance(block, Points) and block.title == "What stands out"
    )

    assert source.judged is not None
    about, said = findings.items[0]
    assert about == "Trust"
    assert said.startswith(sentence(source, source.judged))
    assert "of 3 elements can be trusted" in said


def test_the_page_is_sound_and_hostile_words_are_text(report: Report) -> None:
    page = to_html(report)

    assert page.problems == ()
    found = seen(page.content)
    assert found.faults == []
    (section,) = found.of("section", id="section-trust")
    assert "<script>alert(1)</script>" in section.text
    assert len(found.of("script")) == 3
    assert not set("\u202e\x1b\x00") & set(page.content)
    charts = [node for node in found.of("svg") if node.attributes.get("role") == "img"]
    assert sum("guess from length" in chart.attributes["aria-label"] for chart in charts) == 1


def test_markdown_and_json_say_the_same(report: Report, folder: Path) -> None:
    document = json.loads(to_json(report))
    text = to_markdown(report)

    assert problems("report", document) == []
    written = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert document["evaluation"] == written
    assert "## How far to trust it" in text
    assert "**The most telling disagreements**" in text
    assert not re.search(r"(?<!\\)<", text)


def test_without_an_evaluation_nothing_is_said_of_trust(folder: Path) -> None:
    source = read_input([folder / "job"], settings=StatisticsSettings(bootstrap=0))

    report = build_report(source, load([]))

    assert "trust" not in [part.name for part in report.parts]
    assert "corrected" not in _tables(_part(report, "prevalence"))
    assert "can be trusted" not in to_markdown(report)


def test_an_evaluation_without_intervals_leaves_everything_open(
    folder: Path, tmp_path: Path
) -> None:
    settings = Settings(
        gold=str(folder / "gold.csv"), bootstrap=0, annotator="ben", disagreements=0
    )
    write_json(evaluate([folder / "job"], settings), tmp_path / "e.json")
    source = read_input(
        [folder / "job"],
        settings=StatisticsSettings(bootstrap=0, evaluation=str(tmp_path / "e.json")),
    )

    report = build_report(source, load([]))

    part = _part(report, "trust")
    assert {row["trusted"] for row in _rows(_tables(part)["trust"])} == {"not known"}
    assert not {"gold-agreement", "disagreements"} & _tables(part).keys()
    assert any(
        "none of 3 elements can be trusted, none cannot; of 3 the labels do not tell" in block.text
        for block in part.section.blocks
        if isinstance(block, Prose)
    )
    assert to_html(report).problems == ()


def test_an_evaluation_of_another_annotator_is_refused(
    folder: Path, tmp_path: Path, tiny_taxonomy: dict[str, Any]
) -> None:
    rows = judged(random_judged(1), 2)
    other = judged_job(tmp_path / "other", rows, build_taxonomy(tiny_taxonomy, "tiny"), "another")

    with pytest.raises(OptionError, match="about another annotator"):
        read_input(
            [other],
            settings=StatisticsSettings(evaluation=str(folder / "evaluation.json")),
        )


def test_an_evaluation_of_no_element_of_the_jobs_says_so(folder: Path, tmp_path: Path) -> None:
    text = (folder / "evaluation.json").read_text(encoding="utf-8")
    for name in NAMES:
        text = text.replace(f'"{name}"', f'"{name}-too"')
    (tmp_path / "e.json").write_text(text, encoding="utf-8")
    settings = StatisticsSettings(bootstrap=5, evaluation=str(tmp_path / "e.json"))

    report = build_report(read_input([folder / "job"], settings=settings), load([]))

    notices = [b.text for b in _part(report, "prevalence").section.blocks if isinstance(b, Notice)]
    assert notices == ["The evaluation is about none of these elements, so no share is corrected."]
    assert to_html(report).problems == ()


def _entry(
    value: float | None, low: float | None, high: float | None, guess: float | None, small: bool
) -> ElementFigure:
    def kappa(value: float | None, low: float | None, high: float | None) -> dict[str, Estimate]:
        return {"kappa_quadratic": Estimate(value=value, low=low, high=high, se=None, n=50)}

    nothing = dict.fromkeys(Counts.__struct_fields__, 0)
    return ElementFigure(
        element="guessing",
        metrics=kappa(value, low, high),
        length_only=kappa(guess, None, None),
        counts=Counts(**nothing),
        reliability=[],
        small=small,
    )


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ((0.6, LEAST, 0.8, 0.1, False), "yes"),
        ((0.6, LEAST, 0.8, None, False), "yes"),
        ((0.6, 0.39, 0.8, 0.1, False), "not known"),
        ((0.6, 0.5, 0.8, 0.1, True), "not known"),
        ((0.6, None, None, 0.1, False), "not known"),
        ((None, None, None, None, False), "not known"),
        ((0.6, 0.5, 0.8, 0.6, False), "no"),
        ((0.3, 0.1, 0.39, 0.1, False), "no"),
        ((0.3, 0.1, LEAST, 0.1, False), "not known"),
        ((-0.2, -0.4, 0.1, 0.0, False), "no"),
    ],
)
def test_the_rule_of_trust(figures: tuple[Any, ...], expected: str) -> None:
    assert verdict(_entry(*figures)) == expected


def test_confidence_of_all_elements_together_is_that_of_all_spans(folder: Path) -> None:
    found: Evaluation = evaluate(
        [folder / "job"], Settings(gold=str(folder / "gold.csv"), bootstrap=0)
    )
    (comparison,) = found.comparisons

    pooled = pooled_reliability(comparison)

    error = sum(abs((row.confidence or 0) - (row.right or 0)) * row.n for row in pooled)
    assert error / sum(row.n for row in pooled) == pytest.approx(
        comparison.overall["calibration_error_pooled"].value
    )
