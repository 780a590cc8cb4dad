"""Charts drawn to SVG when the page is built, and only what is known to be harmless of it.

The drawing comes from a specification that a plugin may have made. What reaches the page
is written anew from the parsed picture: known elements, known attributes, values of known
form. Nothing is loaded while drawing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any, Final
from xml.etree import ElementTree

from cogtrace.corpora.report.charts import altair
from cogtrace.corpora.report.labels import label
from cogtrace.errors import PluginError
from cogtrace.printable import printable

_SVG: Final = "{http://www.w3.org/2000/svg}"
_ELEMENTS: Final = {
    "svg", "g", "path", "line", "rect", "circle", "text", "tspan", "defs", "clipPath",
    "linearGradient", "radialGradient", "stop",
}  # fmt: skip
_NUMBERS: Final = {
    "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "r", "cx", "cy", "fx", "fy", "rx", "ry",
    "width", "height", "offset", "opacity", "fill-opacity", "stroke-opacity", "stop-opacity",
    "stroke-width", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "font-size",
    "font-weight", "d", "viewBox", "transform", "gradientTransform", "points",
}  # fmt: skip
_WORDS: Final = {
    "text-anchor", "dominant-baseline", "font-style", "font-weight", "stroke-linecap",
    "stroke-linejoin", "display", "gradientUnits", "clipPathUnits",
}  # fmt: skip
_COLOURS: Final = {"fill", "stroke", "stop-color"}
_NUMBER: Final = re.compile(r"[-+0-9.,eE\sA-Za-z()%]*")  # of paths and transforms as well
_WORD: Final = re.compile(r"[a-zA-Z-]*")
_COLOUR: Final = re.compile(
    r"#[0-9a-fA-F]{3,8}|[a-zA-Z]+|var\(--[a-z0-9-]+\)|(?:rgb|hsl)a?\([0-9.,%\s/deg]*\)"
)
_LINK: Final = re.compile(r"url\(['\"]?#([A-Za-z0-9_.-]+)['\"]?\)")
_DEFAULTS: Final = {"opacity": "1", "stroke-width": "1", "display": "inline"}

_CONFIG: Final[dict[str, Any]] = {
    "aria": False,
    "background": "transparent",
    "font": "Helvetica, Arial, sans-serif",
    # Room for fonts that are wider than the one which places were computed with.
    "padding": {"left": 28, "right": 12, "top": 4, "bottom": 4},
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--fg)",
        "titleColor": "var(--muted)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12.5,
        "titleFontSize": 12.5,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelLimit": 260,
    },
    "axisY": {"ticks": False, "labelPadding": 8, "domain": False},
    "legend": {
        "labelColor": "var(--fg)",
        "titleColor": "var(--muted)",
        "labelFontSize": 12.5,
        "labelLimit": 300,
        "columnPadding": 28,
        "symbolSize": 70,
        "offset": 10,
    },
    "header": {"labelColor": "var(--fg)", "labelFontSize": 12.5, "titleColor": "var(--muted)"},
    "title": {"color": "var(--muted)", "fontSize": 12.5, "fontWeight": "bold", "offset": 6},
    "range": {"category": [f"var(--c{number})" for number in range(12)]},
}


def draw_chart(spec: dict[str, Any], name: str, words: str) -> str:
    """Return a chart as SVG for a page; ``name`` makes its ids different from all others.

    Raises:
        OptionError: what draws charts is not installed.
        PluginError: the specification cannot be drawn.
    """
    altair()
    import vl_convert

    try:
        drawn = vl_convert.vegalite_to_svg(_shown(spec), config=_CONFIG, allowed_base_urls=[])
    except ValueError as error:
        raise PluginError(f"the chart cannot be drawn: {label(str(error), 200)}") from error
    return cleaned(drawn, name, words)


def cleaned(svg: str, name: str, words: str) -> str:
    """Return what is harmless of a picture, its ids made its own.

    Raises:
        PluginError: it is no picture.
    """
    if "<!" in svg or "<?" in svg:  # entities that grow, other people's style sheets
        raise PluginError("the drawing holds declarations")
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise PluginError(f"the drawing is no SVG ({error})") from error
    if root.tag != f"{_SVG}svg":
        raise PluginError("the drawing is no SVG")
    inside = "".join(_inside(root, name))
    size = "".join(_attributes(root, name))
    return f'<svg{size} role="img" aria-label="{html.escape(printable(words))}">{inside}</svg>'


def _inside(element: ElementTree.Element, name: str) -> Iterator[str]:
    yield html.escape(printable(element.text or ""), quote=False)
    for child in element:
        yield from _written(child, name)
        yield html.escape(printable(child.tail or ""), quote=False)


def _written(element: ElementTree.Element, name: str) -> Iterator[str]:
    tag = str(element.tag).removeprefix(_SVG)
    if tag == "a" and element.tag == f"{_SVG}a":
        yield from _inside(element, name)  # a link leads nowhere, what it holds stays
        return
    if element.tag == tag or tag not in _ELEMENTS or _invisible(element, tag):
        return
    inside = "".join(_inside(element, name))
    attributes = "".join(_attributes(element, name))
    if tag == "g" and not attributes:
        yield inside
    elif inside:
        yield f"<{tag}{attributes}>{inside}</{tag}>"
    elif tag not in ("g", "defs"):
        yield f"<{tag}{attributes}/>"


def _invisible(element: ElementTree.Element, tag: str) -> bool:
    """Say whether it is only there to be pointed at, which nothing here does."""
    flat = element.get("d", "-") in ("", "M0,0h0v0h0Z")
    return element.get("display") == "none" or (tag == "path" and flat)


def _attributes(element: ElementTree.Element, name: str) -> Iterator[str]:
    for key, value in element.attrib.items():
        link = _LINK.fullmatch(value)
        if key == "id" and _LINK.fullmatch(f"url(#{value})"):
            kept = f"{name}-{value}"
        elif key in (*_COLOURS, "clip-path") and link:
            kept = f"url(#{name}-{link[1]})"
        elif (
            (key in _NUMBERS and _NUMBER.fullmatch(value))
            or (key in _WORDS and _WORD.fullmatch(value))
            or (key in _COLOURS and _COLOUR.fullmatch(value))
        ):
            kept = value
        else:
            continue
        if _DEFAULTS.get(key) != kept:
            yield f' {key}="{html.escape(kept)}"'


def _shown(value: Any) -> Any:
    """Return a specification whose texts are safe to show."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_shown(key): _shown(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(inner) for inner in value]
    return value
