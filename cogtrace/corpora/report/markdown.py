"""A report as Markdown (GitHub's): charts and pictures as the tables behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import singledispatch
from typing import Final

from cogtrace import __version__
from cogtrace.corpora.report.building import Report
from cogtrace.corpora.report.values import shown
from cogtrace.printable import printable
from cogtrace.sections import (
    Block,
    Chart,
    Column,
    Facts,
    Notice,
    Picture,
    Points,
    Prose,
    Table,
)

# Whatever Markdown or HTML would take for more than text, at the start or anywhere.
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]#|<>~^$&@]|^[-+=]|(?<=^\d)[.)]|(?<=:)/|(?<=www)\.")
_LONGEST: Final = 2_000  # characters of a cell


def to_markdown(report: Report) -> str:
    """Return a report as Markdown."""
    lines = [f"# {text(report.title)}", ""]
    for problem in report.missing:
        lines += [f"> **Warning:** {text(problem)}", ""]
    for part in report.parts:
        lines += [f"## {text(part.title)}", ""]
        if not part.built_in:
            lines += [f"From {text(part.package)}.", ""]
        for block in part.section.blocks:
            lines += [*render(block), ""]
    return "\n".join([*lines, f"Made by cogtrace {text(__version__)}."]) + "\n"


def text(value: str) -> str:
    """Return text on one line, with nothing in it that Markdown or HTML would obey."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(printable(value).split()))


@singledispatch
def render(block: Block) -> Iterator[str]:
    """Yield the lines of a block."""
    raise TypeError(f"{type(block).__name__} is no block")


@render.register
def _prose(block: Prose) -> Iterator[str]:
    yield text(block.text)


@render.register
def _points(block: Points) -> Iterator[str]:
    yield f"### {text(block.title)}"
    yield ""
    yield from (
        f"- {f'**{text(lead)}.** ' if lead else ''}{text(point)}" for lead, point in block.items
    )


@render.register
def _facts(block: Facts) -> Iterator[str]:
    yield from (f"- {text(name)}: **{text(value)}**" for name, value in block.items)


@render.register
def _notice(block: Notice) -> Iterator[str]:
    yield f"> **{'Warning' if block.kind == 'warning' else 'Note'}:** {text(block.text)}"


@render.register
def _chart(block: Chart) -> Iterator[str]:
    yield from _table(block.table)


@render.register
def _picture(block: Picture) -> Iterator[str]:
    yield text(block.words)
    if block.table is not None:
        yield ""
        yield from _table(block.table)


@render.register
def _table(block: Table) -> Iterator[str]:
    yield f"**{text(block.title)}**"
    yield ""
    yield _row([text(column.title or column.name) for column in block.columns])
    yield _row(["---" if column.kind == "text" else "---:" for column in block.columns])
    for row in block.rows:
        yield _row([_cell(value, column) for value, column in zip(row, block.columns, strict=True)])
    if block.note:
        yield ""
        yield text(block.note)


def _cell(value: str | float | None, column: Column) -> str:
    return text(shown(value, column.kind)[:_LONGEST])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
