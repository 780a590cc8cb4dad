"""Charts are drawn when the page is built, and only harmless parts of them reach it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pages import HOSTILE, seen

from cogtrace.corpora.report.charts import Scale, curves, heat_map, intervals
from cogtrace.corpora.report.html.drawing import cleaned, draw_chart
from cogtrace.errors import PluginError

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {}>{}</svg>'
)


def _clean(inside: str, attributes: str = "") -> str:
    return cleaned(SVG.format(attributes, inside), "chart", "words")


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<style>* { fill: red }</style>",
        '<image href="https://evil.example/x.png"/>',
        '<use xlink:href="https://evil.example/x.svg#a"/>',
        "<foreignObject><iframe xmlns='http://www.w3.org/1999/xhtml' src='x'/></foreignObject>",
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
        "<title>x</title>",
        '<g display="none"><text>x</text></g>',
    ],
)
def test_what_could_run_or_load_is_left_out(inside: str) -> None:
    assert _clean(inside + "<g/>") == '<svg role="img" aria-label="words"></svg>'


@pytest.mark.parametrize(
    "attribute",
    [
        'onclick="alert(1)"',
        'style="fill: url(https://evil.example)"',
        'fill="url(https://evil.example/#a)"',
        'fill="red; background: url(x)"',
        'fill="var(--x, url(https://evil.example))"',
        'clip-path="url(https://evil.example/#a)"',
        'transform="translate(1) url(#x)"',
        'class="facts"',
        'id="a b"',
        'href="javascript:alert(1)"',
        'xlink:href="javascript:alert(1)"',
        'tabindex="0"',
    ],
)
def test_attributes_that_are_not_known_are_left_out(attribute: str) -> None:
    drawn = _clean(f'<rect {attribute} width="3"/>', attribute)

    assert drawn == '<svg role="img" aria-label="words"><rect width="3"/></svg>'


def test_links_lead_nowhere_but_what_they_hold_stays() -> None:
    assert "<text>x</text></svg>" in _clean('<a xlink:href="javascript:1"><text>x</text></a>')


def test_ids_become_those_of_the_chart() -> None:
    drawn = _clean(
        '<clipPath id="clip1"><path d="M1,2"/></clipPath><g clip-path="url(#clip1)">x</g>'
    )

    assert 'id="chart-clip1"' in drawn
    assert 'clip-path="url(#chart-clip1)"' in drawn


@pytest.mark.parametrize(
    "svg",
    [
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        '<?xml-stylesheet href="x"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "<html/>",
        "<svg/>",
        '<svg xmlns="http://www.w3.org/2000/svg">',
        "",
    ],
)
def test_what_is_no_plain_drawing_is_refused(svg: str) -> None:
    with pytest.raises(PluginError, match="the drawing"):
        cleaned(svg, "chart", "words")


def _spec(value: str, **options: Any) -> dict[str, Any]:
    return {
        "data": {"values": [{"x": value, "y": 1}]},
        "mark": {"type": "point", "href": "https://evil.example", "tooltip": True},
        "encoding": {
            "x": {"field": "x", "type": "nominal", "title": value},
            "href": {"field": "x"},
        },
        **options,
    }


def test_hostile_data_is_text_in_a_chart() -> None:
    drawn = draw_chart(_spec(HOSTILE, title=HOSTILE), "chart", HOSTILE)

    found = seen(drawn)
    assert found.faults == []
    assert {node.tag for node in found.nodes} <= {"svg", "g", "path", "line", "text"}
    assert not [key for node in found.nodes for key in node.attributes if key.startswith("on")]
    assert not set("\u202e\x1b\x00\ud800") & set(drawn)
    assert "evil.example" not in drawn
    assert any("<script>alert(1)" in node.text for node in found.of("text"))


@pytest.mark.parametrize("url", ["https://evil.example/x.json", "//x/y.csv", "/etc/passwd"])
def test_a_chart_cannot_load_data(url: str) -> None:
    with pytest.raises(PluginError, match="External data url not allowed"):
        draw_chart(_spec("a") | {"data": {"url": url}}, "chart", "words")


def test_a_chart_cannot_read_files(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x,y\nsecret,1\n")
    spec = _spec("a") | {"data": {"url": (tmp_path / "x.csv").as_uri()}}

    assert "secret" not in draw_chart(spec, "chart", "words")


def test_a_specification_without_sense_is_named() -> None:
    with pytest.raises(PluginError, match="the chart cannot be drawn"):
        draw_chart({"mark": "nonsense"}, "chart", "words")


def test_the_shapes_of_our_charts_can_be_drawn_from_anything_they_may_meet() -> None:
    scale = Scale(title="t", domain=(-1, 1), reference=0.0)
    row = {"y": HOSTILE, "kind": "one", "x": 0.5, "low": None, "high": None}
    specs = [
        intervals([("", [], [])], scale, ("one", "two")),
        intervals([(HOSTILE, [HOSTILE], [row])], scale, ("one",)),
        heat_map([], x=[], y=[]),
        heat_map([{"x": "a", "y": "b", "value": 0.5, "text": "5"}], x=["a"], y=["b"]),
        curves([{"panel": "p", "x": 0.1, "y": 0.2, "low": None, "high": None}], ["p"], 0.1),
    ]

    for number, spec in enumerate(specs):
        assert draw_chart(spec, f"c{number}", "words").startswith("<svg")


def test_colours_of_the_page_reach_the_drawing() -> None:
    spec = heat_map([{"x": "a", "y": "b", "value": 0.5, "text": "5"}], x=["a"], y=["b"])

    drawn = draw_chart(spec, "chart", "words")

    assert 'fill="var(--heat)"' in drawn
    assert "#000" not in drawn
    assert "black" not in drawn
