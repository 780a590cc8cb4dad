"""Walks as pictures (SVG), for light and dark pages.

Relations differ in line and in words as well as in colour, and the colours are told
apart by colour-blind readers (Okabe and Ito). Labels are all that a picture shows of
the data, and they are escaped; nothing is loaded, no script runs.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Final

from cogtrace.corpora.structure.records import NodeRow, Step, Structure, Walk
from cogtrace.printable import printable

_WIDTH: Final = 460
_BOX: Final = (20, 300, 48)  # left, width, height
_TOP: Final = 76
_PITCH: Final = 100  # from one box to the next
_LONGEST: Final = 36  # characters of a label

# Colours are written out for each theme: not every viewer knows CSS variables.
_COLOURS: Final = """\
.ink {{ fill: {ink}; }}
.faint {{ fill: {faint}; }}
.paper {{ fill: {paper}; }}
.box {{ fill: {box}; stroke: {faint}; }}
.next {{ stroke: {next}; }}
.contains {{ stroke: {contains}; }}
.parallel {{ stroke: {parallel}; }}
.head.next {{ fill: {next}; }}
.head.contains {{ fill: {contains}; }}
"""
_LIGHT: Final = {
    "ink": "#1a1a1a",
    "faint": "#595959",
    "paper": "#ffffff",
    "box": "#f2f2f2",
    "next": "#0072b2",
    "contains": "#b84c00",
    "parallel": "#007a5a",
}
_DARK: Final = {
    "ink": "#f0f0f0",
    "faint": "#b4b4b4",
    "paper": "#16181c",
    "box": "#2a2d33",
    "next": "#56b4e9",
    "contains": "#f0a030",
    "parallel": "#35c79a",
}
_STYLE: Final = f"""
text {{ font-family: system-ui, sans-serif; font-size: 15px; }}
.faint {{ font-size: 12.5px; }}
.title {{ font-weight: 600; }}
path {{ fill: none; stroke-width: 2.5; }}
path.contains {{ stroke-width: 6; }}
path.parallel {{ stroke-dasharray: 7 5; }}
path.head {{ stroke-width: 0; }}
{_COLOURS.format(**_LIGHT)}@media (prefers-color-scheme: dark) {{
{_COLOURS.format(**_DARK)}}}
"""


def write_pictures(structure: Structure, folder: Path) -> list[Path]:
    """Write a picture of each walk that there is into a folder, and return their paths.

    Names are made of the problem type and the variant, e.g. ``logical-success.svg``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = {(row.problem_type, row.element): row for row in structure.nodes}
    written: list[Path] = []
    for walk in structure.walks:
        if not walk.nodes:
            continue
        path = _free(folder, f"{_slug(walk.problem_type)}-{walk.variant}", written)
        path.write_text(draw(walk, rows), encoding="utf-8", newline="\n")
        written.append(path)
    return written


def draw(walk: Walk, rows: dict[tuple[str, str], NodeRow]) -> str:
    """Return the picture of a walk of at least one node.

    ``rows`` holds its nodes by problem type and element.
    """
    which = "right traces" if walk.variant == "success" else "all traces"
    title = f"{_label(walk.problem_type)}: walk of {which}"
    height = _TOP + len(walk.nodes) * _PITCH - (_PITCH - _BOX[2]) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{title}</title>',
        f'<desc id="desc">{_words(walk)}</desc>',
        f"<style>{_STYLE}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text class="ink title" x="{_BOX[0]}" y="30">{title}</text>',
        f'<text class="faint" x="{_BOX[0]}" y="50">{_caption(walk)}</text>',
    ]
    for place, element in enumerate(walk.nodes):
        row = rows[walk.problem_type, element]
        parts += _box(_TOP + place * _PITCH, element, row)
    for place, step in enumerate(walk.edges):
        parts += _arrow(_TOP + place * _PITCH + _BOX[2], step, len(walk.ties[place + 1]))
    return "\n".join([*parts, "</svg>\n"])


def _box(top: int, element: str, row: NodeRow) -> list[str]:
    left, width, height = _BOX
    middle = left + width // 2
    share = "" if row.p_element is None else f"in {row.p_element:.0%} of traces"
    figures = ", ".join(part for part in (share, _npmi(row.npmi)) if part)
    return [
        f'<rect class="box" x="{left}" y="{top}" width="{width}" height="{height}" rx="6"/>',
        f'<text class="ink" x="{middle}" y="{top + 20}" text-anchor="middle">'
        f"{_label(element)}</text>",
        f'<text class="faint" x="{middle}" y="{top + 38}" text-anchor="middle">{figures}</text>',
    ]


def _arrow(top: int, step: Step, candidates: int) -> list[str]:
    x = _BOX[0] + _BOX[1] // 2
    bottom = top + _PITCH - _BOX[2]
    kind = step.relation
    directed = kind != "parallel"
    end = bottom - 9 if directed else bottom
    parts = [f'<path class="{kind}" d="M{x} {top}V{end}"/>']
    if directed:
        head = f"M{x - 8} {bottom - 11}H{x + 8}L{x} {bottom}Z"
        parts.append(f'<path class="head {kind}" d="{head}"/>')
    tie = f", one of {candidates} equals" if candidates > 1 else ""
    words = ", ".join(part for part in (kind, _npmi(step.npmi)) if part) + tie
    parts.append(f'<text class="faint" x="{x + 16}" y="{(top + bottom) // 2 + 4}">{words}</text>')
    return parts


def _caption(walk: Walk) -> str:
    follows = "association with success" if walk.variant == "success" else "frequency"
    return f"each step: the edge of highest {follows}"


def _words(walk: Walk) -> str:
    steps = (f", {step.relation} {_label(step.target)}" for step in walk.edges)
    return _label(walk.nodes[0]) + "".join(steps)


def _npmi(value: float | None) -> str:
    # Adding zero makes a plain one of what rounds to a negative zero.
    return "" if value is None else f"NPMI {round(value, 2) + 0:+.2f}".replace("-", "−")


def _label(name: str) -> str:
    """Return a label that is safe in a page, on one line and of bounded length."""
    flat = " ".join(printable(name).split())
    return html.escape(flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "type"


def _free(folder: Path, stem: str, taken: list[Path]) -> Path:
    """Return a path for a picture that no other one of this run has."""
    path, number = folder / f"{stem}.svg", 1
    while path in taken:
        number += 1
        path = folder / f"{stem}-{number}.svg"
    return path
