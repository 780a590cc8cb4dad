"""Each block of a section in each form; what data holds is text and nothing else."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from pages import HOSTILE, seen

from cogtrace.corpora.report.building import Part, Report
from cogtrace.corpora.report.document import to_json
from cogtrace.corpora.report.html.blocks import MOST_ROWS, Blocks
from cogtrace.corpora.report.markdown import render
from cogtrace.corpora.report.values import raw, shown
from cogtrace.sections import (
    Block,
    Chart,
    Column,
    Facts,
    Notice,
    Picture,
    Points,
    Prose,
    Section,
    Table,
)


def _table(value: str = "plain", **options: Any) -> Table:
    return Table(
        name="things",
        title=value,
        columns=(Column("thing", value), Column("n", kind="count"), Column("share", kind="share")),
        rows=((value, 1_234, 0.25), (value, 0, None)),
        note=value,
        **options,
    )


def _blocks(value: str) -> list[Block]:
    table = _table(value)
    return [
        Prose(value),
        Points(value, ((value, value), ("", value))),
        Facts(((value, value),)),
        Notice(value),
        Notice(value, "warning"),
        table,
        _table(value, folded=True),
        Chart(draw=lambda: {"title": value}, table=table, words=value),
        Picture(svg=f"<svg>{value}</svg>", words=value, table=table),
        Picture(svg="<svg/>", words=value),
    ]


def _drawn(spec: dict[str, Any], name: str, words: str) -> str:
    return f'<svg id="{name}"></svg>'


def _html(*blocks: Block) -> str:
    return Blocks("section-test", _drawn).section(Section(blocks=blocks))


@pytest.mark.parametrize("block", _blocks(HOSTILE), ids=lambda block: type(block).__name__)
def test_hostile_text_stays_text_on_a_page(block: Block) -> None:
    page = _html(block)

    found = seen(page)
    assert found.faults == []
    plain = seen(_html(*(b for b in _blocks("x") if type(b) is type(block))))
    assert {node.tag for node in found.nodes} <= {node.tag for node in plain.nodes}
    assert not [key for node in found.nodes for key in node.attributes if key.startswith("on")]
    assert not set("\u202e\x1b\x00\ud800") & set(page)
    page.encode()
    told = "".join(node.text for node in found.nodes if not node.path)
    told += "".join(node.attributes.get("alt", "") for node in found.nodes)
    assert "<script>alert(1)</script>" in told


@pytest.mark.parametrize("block", _blocks(HOSTILE), ids=lambda block: type(block).__name__)
def test_hostile_text_stays_text_in_markdown(block: Block) -> None:
    text = "\n".join(render(block))

    assert not set("\u202e\x1b\x00\ud800") & set(text)
    # Every character that Markdown or HTML obeys has a backslash before it, but for ours.
    ours = re.compile(
        r"^> \*\*(Note|Warning):\*\* |\*\*(?=\\?<)|(?<=\S)\*\*|^### |^\|[ :|-]*$", re.M
    )
    rest = re.sub(r"\\.", "", ours.sub("", text))
    rest = "\n".join(line.strip("| ").replace(" | ", "") for line in rest.splitlines())
    assert not set("<>`[]*|{}&$#") & set(rest), rest


def test_a_page_shows_numbers_and_keeps_what_was_computed_for_csv() -> None:
    cells = seen(_html(_table())).of("td")

    assert [cell.text for cell in cells] == ["plain", "1,234", "25.0%", "plain", "0", "–"]
    assert [cell.attributes.get("data-v") for cell in cells] == [
        None, "1234", "0.25", None, "0", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "kind", "text", "computed"),
    [
        (0.123456789, "share", "12.3%", "0.123457"),
        (-0.0004, "points", "+0.0", "-0.0004"),
        (-0.25, "points", "−25.0", "-0.25"),
        (1234567, "count", "1,234,567", "1234567"),
        (1234.5, "number", "1,234", "1234.5"),
        (0.00012345, "number", "0.000123", "0.00012345"),
        (True, "flag", "yes", "true"),
        (False, "flag", "", "false"),
        (float("nan"), "number", "–", ""),
        (float("inf"), "share", "–", ""),
        (None, "share", "–", ""),
        ("a", "text", "a", None),
    ],
)
def test_values_are_shown_by_their_kind(
    value: Any, kind: str, text: str, computed: str | None
) -> None:
    assert shown(value, kind) == text
    if computed is not None:
        assert raw(value) == computed


def test_a_chart_comes_with_its_table_and_a_button_for_csv() -> None:
    chart = Chart(draw=dict, table=_table(), words="what it shows")

    found = seen(_html(chart))

    (figure,) = found.of("figure")
    assert "what it shows" not in figure.text
    assert [node.path[-2:] for node in found.of("table")] == [("details", "div")]
    assert found.of("table")[0].attributes["data-csv"] == "things"
    assert [node.path[-1] for node in found.of("button")] == ["details"]
    assert "Table: plain (2 rows)" in found.of("summary")[0].text


def test_each_scrolling_area_can_be_reached_by_keyboard_and_has_a_name() -> None:
    chart = Chart(draw=dict, table=_table(), words="what it shows")

    areas = [node for node in seen(_html(chart, _table())).nodes if "scroll" in _classes(node)]

    assert len(areas) == 3
    assert {node.attributes.get("tabindex") for node in areas} == {"0"}
    assert all(node.attributes["aria-label"] for node in areas)


def _classes(node: Any) -> list[str]:
    found: list[str] = node.attributes.get("class", "").split()
    return found


def test_pictures_are_images_so_that_nothing_in_them_can_run() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'

    found = seen(_html(Picture(svg=svg, words="a"), Picture(svg=svg, words="b"), Prose("c")))

    images = found.of("img")
    assert [image.attributes["alt"] for image in images] == ["a", "b"]
    head, _, data = images[0].attributes["src"].partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == svg
    assert len([node for node in found.nodes if _classes(node) == ["pictures"]]) == 1
    assert found.of("script") == []


def test_a_long_table_is_cut_on_a_page_and_says_so() -> None:
    long = Table(name="long", title="t", columns=(Column("a"),), rows=(("x",),) * (MOST_ROWS + 5))

    page = _html(long)

    assert page.count("<td>") == MOST_ROWS
    assert "Shown are the first 3,000 of 3,005 rows; --format json gives them all." in page


def test_markdown_has_tables_in_place_of_charts_and_pictures() -> None:
    chart = Chart(draw=dict, table=_table(), words="w")

    lines = list(render(chart))

    assert lines == [
        "**plain**",
        "",
        "| plain | n | share |",
        "| --- | ---: | ---: |",
        "| plain | 1,234 | 25.0% |",
        "| plain | 0 | – |",
        "",
        "plain",
    ]
    assert list(render(Picture(svg="<svg/>", words="a walk"))) == ["a walk"]


def test_plain_words_need_no_backslashes_in_markdown() -> None:
    text = "At 95% [1, 2], self-awareness (n = 20): 3.5 < 4; 2-3 - it is so."

    assert list(render(Prose(text))) == [
        text.replace("[", r"\[").replace("]", r"\]").replace("<", r"\<")
    ]
    assert list(render(Prose("- no list"))) == [r"\- no list"]
    assert list(render(Prose("1. no list"))) == [r"1\. no list"]
    assert list(render(Prose("see https://x.example/ or www.x.example"))) == [
        r"see https:\//x.example/ or www\.x.example"
    ]


@pytest.mark.parametrize("value", ["plain", HOSTILE.replace("\ud800", "")])
def test_json_holds_every_block_as_it_is(value: str, small_report: Report) -> None:
    part = Part(name="n", title=value, package="p", section=Section(blocks=tuple(_blocks(value))))
    report = Report(title=value, source=small_report.source, parts=(part,))

    (section,) = json.loads(to_json(report))["sections"]

    assert section["title"] == value
    kinds = "prose points facts notice notice table table chart picture picture"
    assert [block["kind"] for block in section["blocks"]] == kinds.split()
    assert section["blocks"][1]["items"][0] == {"about": value, "text": value}
    assert section["blocks"][5]["rows"] == [[value, 1234, 0.25], [value, 0, None]]
    assert section["blocks"][7]["table"]["title"] == value
    assert section["blocks"][9]["table"] is None
