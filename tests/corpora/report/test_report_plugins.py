"""Sections of packages: they appear, and a broken one is named while the rest stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pages import seen
from statistics_jobs import make_job, random_rows

from cogtrace.corpora.report import Report, ReportInput, build_report
from cogtrace.corpora.report.document import to_json
from cogtrace.corpora.report.html import to_html
from cogtrace.corpora.report.markdown import to_markdown
from cogtrace.plugins.manager import load

DOCS = Path(__file__).parents[3] / "docs" / "report.md"
Build = Callable[[str], Report]

HEAD = """
from cogtrace.extensions import hookimpl
from cogtrace.sections import *

@hookimpl
def cogtrace_report_sections():
    return [SectionKind(name="acme", title="A <b>section</b> of ours", build=build)]

"""
GOOD = """
def build(report):
    groups = report.statistics.groups
    table = Table(
        name="sizes",
        title="Sizes",
        columns=(Column("group"), Column("n", kind="count")),
        rows=tuple((report.group_name(row.group), row.n) for row in groups),
    )
    spec = {
        "data": {"values": [{"x": row.n} for row in groups]},
        "mark": {"type": "bar", "color": "var(--c3)"},
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    chart = Chart(draw=lambda: spec, table=table, words="what it shows")
    return Section(blocks=(Prose("All <i>is</i> well."), chart))
"""


def _last(report: Report, parts: int = 1) -> Report:
    """Return the report with its last sections alone."""
    return replace(report, parts=report.parts[-parts:])


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_source: ReportInput) -> Build:
    """Return a function that builds a report with a section of a plugin's source."""
    monkeypatch.syspath_prepend(tmp_path)

    def build(source: str) -> Report:
        (tmp_path / "acme_section.py").write_text(HEAD + source, encoding="utf-8")
        monkeypatch.delitem(sys.modules, "acme_section", raising=False)
        return build_report(small_source, load([EntryPoint("acme", "acme_section", "cogtrace")]))

    return build


def test_a_section_of_a_plugin_is_shown_in_every_form(plugin: Build) -> None:
    report = plugin(GOOD)

    page = to_html(_last(report))
    assert page.problems == ()
    found = seen(page.content)
    (section,) = found.of("section", id="section-acme")
    assert section.text.startswith("A <b>section</b> of oursFrom an unknown package.All <i>is</i>")
    assert 'fill="var(--c3)"' in page.content
    assert "## A \\<b\\>section\\</b\\> of ours" in to_markdown(report)
    assert '"A <b>section</b> of ours"' in to_json(report)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def build(report): raise RuntimeError('out of <luck>')", "RuntimeError: out of <luck>"),
        ("def build(report): return '<p>markup</p>'", "build returned str, not a Section"),
        ("def build(report): return Section(blocks=('<p>',))", "block 1: str is no block"),
        ("def build(report): return Section(blocks=(Prose(3),))", "int in place of a text"),
        (
            "def build(report): return Section(blocks=(Table(name='a b', title='', columns=(), "
            "rows=()),))",
            "a table's name is a word",
        ),
        (
            "def build(report): return Section(blocks=(Table(name='a', title='', "
            "columns=(Column('x', kind='share'),), rows=(('<b>',),)),))",
            "in a column of kind 'share'",
        ),
        (
            "def build(report): return Section(blocks=(Table(name='a', title='', "
            "columns=(Column('x'),), rows=((1, 2),)),))",
            "2 values for 1 columns",
        ),
        (
            "def build(report): return Section(blocks=(Table(name='a', title='', "
            "columns=(Column('x'),), rows=(({},),)),))",
            "dict is no value of a table",
        ),
        (
            "def build(report): return Section(blocks=(Chart(draw={}, table=None, words=''),))",
            "NoneType is no Table",
        ),
        (
            "def build(report): return Section(blocks=3)",
            "TypeError",
        ),
    ],
)
def test_a_broken_section_is_named_in_its_place_and_the_others_stand(
    plugin: Build,
    source: str,
    error: str,
    small_report: Report,
) -> None:
    report = plugin(source)

    page = to_html(_last(report))
    (problem,) = page.problems
    assert problem.startswith("The section 'acme' of an unknown package cannot be shown: ")
    assert error in problem
    (section,) = seen(page.content).of("section", id="section-acme")
    assert problem in section.text
    assert [part.section.blocks[0] for part in report.parts[:-1]] == [
        part.section.blocks[0] for part in small_report.parts
    ]


@pytest.mark.parametrize("draw", ["1 / 0", "{'mark': 'nonsense'}", "None", "'<svg>'"])
def test_a_chart_that_cannot_be_drawn_is_named_on_the_page(plugin: Build, draw: str) -> None:
    report = plugin(
        "def build(report):\n"
        "    table = Table(name='a', title='', columns=(), rows=())\n"
        f"    return Section(blocks=(Chart(draw=lambda: {draw}, table=table, words='w'),))\n"
    )

    page = to_html(_last(report))
    (problem,) = page.problems
    assert problem.startswith("The section 'acme' of an unknown package cannot be shown: ")
    assert to_markdown(report)  # which needs no drawing


def test_the_example_of_the_documentation_works(plugin: Build) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)

    report = plugin(code)

    assert (report.problems, report.missing) == ((), ())
    assert report.parts[-1].title == "Lengths"
    assert to_html(_last(report)).problems == ()


def test_a_section_that_has_nothing_to_say_is_left_out(plugin: Build, small_report: Report) -> None:
    report = plugin("def build(report): return None")

    assert len(report.parts) == len(small_report.parts)
    assert report.problems == ()


def test_a_plugin_that_cannot_be_loaded_is_named_on_the_page(plugin: Build) -> None:
    report = plugin("import a_module_that_nobody_has")

    (missing,) = report.missing
    assert "plugin 'acme'" in missing
    assert missing in seen(to_html(_last(report)).content).of("main")[0].text
    assert report.problems == ()


def test_names_of_sections_never_share_an_id(plugin: Build) -> None:
    report = plugin(
        "def build(report): return Section(blocks=())\n"
        "@hookimpl\n"
        "def cogtrace_report_sections():\n"
        "    names = ('traces', 'a b', 'a-b', '<x>', 'summary!')\n"
        "    return [SectionKind(name=name, title=name, build=build) for name in names]\n"
    )

    page = to_html(_last(report, 5)).content
    ids = [node.attributes["id"] for node in seen(page).nodes if "id" in node.attributes]
    assert len(set(ids)) == len(ids)
    mine = [name for name in ids if name.startswith("section-") and not name.endswith("-title")]
    assert mine == [
        "section-traces-2", "section-a-b", "section-a-b-2", "section-x", "section-summary",
        "section-traces",
    ]  # fmt: skip


def test_an_installed_package_adds_its_section_to_the_command(tmp_path: Path) -> None:
    """Lays a package down as an installer does, and runs the real command."""
    (tmp_path / "acme.py").write_text(HEAD + GOOD, encoding="utf-8")
    (tmp_path / "bad.py").write_text(
        (HEAD + "def build(report): raise KeyError('oh')").replace('"acme"', '"bad"'),
        encoding="utf-8",
    )
    for name in ("acme", "bad"):
        info = tmp_path / f"{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[cogtrace]\n{name} = {name}\n")
    job = make_job(tmp_path / "job", random_rows(1, 30))
    command = ["report", str(job), "-o", str(tmp_path / "out.md"), "--bootstrap", "5"]

    done = subprocess.run(
        [sys.executable, "-m", "cogtrace", *command],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert "warning: The section 'bad' of bad 1.2 cannot be shown: KeyError: 'oh'" in done.stderr
    text = (tmp_path / "out.md").read_text(encoding="utf-8")
    assert "From acme 1.2." in text
    assert "The section 'bad' of bad 1.2 cannot be shown" in text
