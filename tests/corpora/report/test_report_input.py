"""What a report is made from, on corpora of all sorts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pages import HOSTILE, read_made, seen, taxonomy_of
from statistics_jobs import ELEMENTS, Made, make_job, random_rows

from cogtrace.annotator.builtin import cogtrace_annotators
from cogtrace.corpora.report import Report, ReportInput, build_report, read_input
from cogtrace.corpora.report.html import to_html
from cogtrace.corpora.report.markdown import to_markdown
from cogtrace.corpora.report.provenance import describe
from cogtrace.corpora.statistics import Settings
from cogtrace.errors import JobError, OptionError
from cogtrace.plugins.manager import load
from cogtrace.sections import Chart, Notice, Picture, Points, Prose, Table

FEW = Settings(bootstrap=10)


def test_groups_are_by_model_where_there_are_several(small_source: ReportInput) -> None:
    assert small_source.statistics.parameters["by"] == ["model"]
    assert list(small_source.groups) == ["large", "person", "small"]


@pytest.mark.parametrize(
    ("models", "by", "groups"),
    [
        (["one"] * 4, None, []),
        ([None] * 4, None, []),
        ([f"m{n}" for n in range(31)], None, []),
        (["a", None, "a", "b"], None, ["a", "b", "(none)"]),
        (["a", "b"], (), []),
        (["a", "b"], ("level",), ["1"]),
    ],
)
def test_the_groups_of_a_report(
    tmp_path: Path, models: list[str | None], by: Any, groups: list[str]
) -> None:
    rows = [
        Made(f"t{n}", "a text", {"counting": 1}, question=f"q{n}", model=model, meta={"level": 1})
        for n, model in enumerate(models)
    ]

    source = read_made(tmp_path / "job", rows, by=by)

    assert list(source.groups) == groups


def test_elements_come_in_the_order_and_with_the_names_of_the_taxonomy(tmp_path: Path) -> None:
    names = list(reversed(ELEMENTS))
    taxonomy = taxonomy_of(names, "A name", "Seen when the trace does so at some point.")

    source = read_made(tmp_path / "job", taxonomy=taxonomy)

    assert list(source.elements) == names
    assert source.names["turning-back"] == "A name"
    assert source.names["counting"] == "A name (4)"  # no two are alike


def test_without_a_readable_taxonomy_ids_are_names_and_the_report_says_so(
    small_source: ReportInput, small_report: Report
) -> None:
    assert small_source.names == {name: name for name in ELEMENTS}
    assert "the taxonomy of this job cannot be read" in to_markdown(small_report)


def test_names_are_short_printable_and_distinct(tmp_path: Path) -> None:
    rows = [
        Made(f"t{n}", "a text", {"counting": 1}, question=f"q{n}", model="x" * 80 + str(n))
        for n in range(3)
    ]
    rows.append(Made("t9", "a text", {"counting": 1}, question="q9", model=HOSTILE[:-3]))

    groups = list(read_made(tmp_path / "job", rows).groups)

    assert len(groups) == 4
    assert all(len(name) < 54 and name.isprintable() for name in groups)


def test_structure_is_that_of_the_traces_that_meet_the_conditions(tmp_path: Path) -> None:
    rows = random_rows(1, 90)
    some = [row for row in rows if row.model == "small" and row.correct is not None]

    source = read_made(tmp_path / "all", rows, where=["model=small", "correct!=null"])

    alone = read_made(tmp_path / "some", some)
    assert source.structure == alone.structure
    assert source.structure.parameters["traces"] == source.everything.n == len(some)


def test_a_trace_in_two_folders_counts_once_in_each_in_structure_too(tmp_path: Path) -> None:
    folders = [make_job(tmp_path / name, random_rows(1, 30)) for name in "ab"]

    source = read_input(folders, settings=FEW)

    alone = read_input(folders[:1], settings=FEW).structure
    assert source.everything.n == 60
    assert [row.traces for row in source.structure.nodes] == [2 * n.traces for n in alone.nodes]
    assert [row.p_element for row in source.structure.nodes] == [n.p_element for n in alone.nodes]
    assert to_html(build_report(source, load([]))).problems == ()


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", random_rows(1, 10))

    with pytest.raises(JobError, match="no job here"):
        read_input([tmp_path], settings=FEW)
    with pytest.raises(JobError, match="no trace meets --where"):
        read_input([folder], settings=FEW, where=["model=nobody"])
    with pytest.raises(OptionError, match="no column 'nothing'"):
        read_input([folder], settings=FEW, by=("nothing",))


def _plain(count: int, **options: Any) -> list[Made]:
    options.setdefault("scores", {"counting": 1})
    return [Made(f"t{n}", f"text number {n}", question=f"q{n}", **options) for n in range(count)]


CORPORA = {
    "one trace": _plain(1),
    "no grade": _plain(30),
    "all right": _plain(30, correct=True),
    "no span": _plain(30, correct=None),
    "nothing shown": _plain(30, scores=dict.fromkeys(ELEMENTS, 0)),
    "one group": _plain(30, model="m"),
    "spans everywhere": _plain(30, spans={"counting": [(0, 4)]}, correct=False),
    "empty texts": [Made(f"t{n}", "", {"counting": 0}) for n in range(3)],
    "not asked": [Made("t1", "a text", {"counting": 1}), Made("t2", "b text", {"doubting": 2})],
}


@pytest.mark.parametrize("name", CORPORA)
def test_a_corpus_of_any_sort_makes_a_report(name: str, tmp_path: Path) -> None:
    source = read_made(tmp_path / "job", CORPORA[name], draws=5)

    report = build_report(source, load([]))

    page = to_html(report)
    assert page.problems == ()
    assert not {"nan", "None", "inf"} & {node.text for node in seen(page.content).of("td")}
    assert to_markdown(report)
    assert report.parts[0].name == "summary"


def test_without_grades_the_section_on_success_says_so(tmp_path: Path) -> None:
    report = build_report(read_made(tmp_path / "job", CORPORA["no grade"], draws=5), load([]))

    (part,) = (part for part in report.parts if part.name == "success")
    (notice,) = part.section.blocks
    assert isinstance(notice, Notice)
    assert notice.text.startswith("No trace is graded")


def test_two_taxonomies_stand_side_by_side_and_the_summary_warns(tmp_path: Path) -> None:
    sources = []
    for number, some in enumerate((ELEMENTS[:3], ELEMENTS[1:])):
        rows = [
            Made(f"t{number}{n}", f"text {number} {n}", dict.fromkeys(some, 1), question=f"q{n}")
            for n in range(25)
        ]
        folder = make_job(tmp_path / f"job{number}", rows, elements=some)
        sources.append(folder)

    report = build_report(read_input(sources, settings=FEW), load([]))

    assert report.source.everything.n == 50
    assert report.title == "job0 and job1"
    text = to_markdown(report)
    assert "2 of 4 elements were not asked about" in text
    assert to_html(report).problems == ()


def test_every_table_and_chart_says_how_many_traces_its_figures_rest_on(
    small_report: Report,
) -> None:
    tables = [
        block if isinstance(block, Table) else block.table
        for part in small_report.parts
        for block in part.section.blocks
        if isinstance(block, Table | Chart)
    ]
    without = {"inputs", "options", "elements", "quarantine-examples"}

    assert len(tables) >= 8
    for table in tables:
        if table.name not in without:
            assert {"n", "n_a", "traces", "rows"} & {column.name for column in table.columns}, table


def test_the_summary_says_what_by_what_and_with_which_caveats(small_report: Report) -> None:
    blocks = small_report.parts[0].section.blocks
    text = " ".join(block.text for block in blocks if isinstance(block, Prose))
    said = {block.title: block.items for block in blocks if isinstance(block, Points)}

    assert "This report is about 120 reasoning traces answering" in text
    assert "The annotator, “made-up”, comes from a plugin." in text
    assert len(said["What stands out"]) >= 3
    caveats = " ".join(point for _, point in said["Keep in mind"])
    for what in (
        "no proof that the model or the person thought so",
        "Long traces show more of everything",
        "Association is not cause",
        "fewer than 10 traces",
    ):
        assert what in caveats
    assert "goes by wording" not in caveats  # that is about the cue annotator


@pytest.mark.parametrize("name", [kind.name for kind in cogtrace_annotators()] + ["encoder"])
def test_what_our_own_annotators_do_is_said_in_words(name: str) -> None:
    assert "plugin" not in describe(name)


def test_walks_are_pictures_with_words(small_report: Report) -> None:
    (part,) = (part for part in small_report.parts if part.name == "structure")

    pictures = [block for block in part.section.blocks if isinstance(block, Picture)]

    assert pictures
    assert all(picture.words.startswith("ALL, walk of") for picture in pictures)
