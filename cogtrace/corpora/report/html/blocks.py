"""Blocks of sections as HTML. Every text goes through `text`, nothing else escapes."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from functools import singledispatchmethod
from typing import Final

from cogtrace.corpora.report.html.drawing import draw_chart
from cogtrace.corpora.report.labels import count
from cogtrace.corpora.report.values import raw, shown
from cogtrace.printable import printable
from cogtrace.sections import (
    Block,
    Cell,
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

_LONGEST: Final = 2_000  # characters of a cell
_WIDE: Final = 60  # characters from which a cell is not to be squeezed
MOST_ROWS: Final = 3_000  # of a table


def text(value: str) -> str:
    """Return text as it may stand anywhere in a page, in attributes too."""
    return html.escape(printable(value))


class Blocks:
    """Renders the blocks of one section; ``name`` tells its ids from those of others."""

    def __init__(self, name: str, draw: Callable[..., str] = draw_chart) -> None:
        self._name = name
        self._draw = draw
        self._number = 0

    def section(self, section: Section) -> str:
        """Return all blocks.

        Raises:
            Exception: whatever the drawing of a chart raises.
        """
        parts: list[str] = []
        pictures: list[str] = []
        for block in (*section.blocks, None):
            if isinstance(block, Picture):  # pictures that follow each other stand side by side
                pictures.append(self.block(block))
                continue
            if pictures:
                parts.append(f'<div class="pictures">{"".join(pictures)}</div>')
                pictures = []
            if block is not None:
                parts.append(self.block(block))
        return "\n".join(parts)

    @singledispatchmethod
    def block(self, block: Block) -> str:
        """Return one block."""
        raise TypeError(f"{type(block).__name__} is no block")

    @block.register
    def _prose(self, block: Prose) -> str:
        return f"<p>{text(block.text)}</p>"

    @block.register
    def _points(self, block: Points) -> str:
        items = "".join(
            f"<li>{f'<strong>{text(lead)}.</strong> ' if lead else ''}{text(point)}</li>"
            for lead, point in block.items
        )
        return f"<h3>{text(block.title)}</h3><ul>{items}</ul>"

    @block.register
    def _facts(self, block: Facts) -> str:
        items = "".join(
            f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in block.items
        )
        return f'<dl class="facts">{items}</dl>'

    @block.register
    def _notice(self, block: Notice) -> str:
        kind = "warning" if block.kind == "warning" else "note"
        return f'<p class="notice {kind}" role="note">{text(block.text)}</p>'

    @block.register
    def _table_block(self, block: Table) -> str:
        if block.folded:
            return self._folded(block)
        return f'<div class="data">{self._scrolled(block)}{self._button(block)}</div>'

    @block.register
    def _chart(self, block: Chart) -> str:
        self._number += 1
        svg = self._draw(block.draw(), f"{self._name}-{self._number}", block.words)
        return (
            f"<figure><figcaption>{text(block.table.title)}</figcaption>"
            f'<div class="scroll" tabindex="0" role="group" '
            f'aria-label="{text(block.table.title)}">{svg}</div>'
            f"{self._folded(block.table)}</figure>"
        )

    @block.register
    def _picture(self, block: Picture) -> str:
        # As an image: no script in it runs, no style of it reaches the page, ids are its own.
        data = base64.b64encode(block.svg.encode("utf-8", "replace")).decode("ascii")
        image = f'<img alt="{text(block.words)}" src="data:image/svg+xml;base64,{data}">'
        table = "" if block.table is None else self._folded(block.table)
        return f'<figure class="picture">{image}{table}</figure>'

    def _folded(self, table: Table) -> str:
        rows = f"{count(len(table.rows))} row{'' if len(table.rows) == 1 else 's'}"
        return (
            f'<details class="data"><summary>Table: {text(table.title)} ({rows})</summary>'
            f"{self._scrolled(table)}{self._button(table)}</details>"
        )

    def _scrolled(self, table: Table) -> str:
        head = "".join(
            f'<th scope="col" data-name="{text(column.name)}"{_side(column)}>'
            f"{text(column.title or column.name)}</th>"
            for column in table.columns
        )
        body = "".join(
            f"<tr>{''.join(map(_cell, row, table.columns))}</tr>" for row in table.rows[:MOST_ROWS]
        )
        note = f'<p class="small">{text(table.note)}</p>' if table.note else ""
        if len(table.rows) > MOST_ROWS:
            some = f"the first {count(MOST_ROWS)} of {count(len(table.rows))} rows"
            note += f'<p class="small">Shown are {some}; --format json gives them all.</p>'
        return (
            f'<div class="scroll" tabindex="0" role="group" aria-label="{text(table.title)}">'
            f'<table data-csv="{text(table.name)}"><caption>{text(table.title)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
        )

    def _button(self, table: Table) -> str:
        label = f"Save as CSV: {table.title}"
        return f'<button type="button" class="csv" hidden aria-label="{text(label)}">CSV</button>'


def _cell(value: Cell, column: Column) -> str:
    if isinstance(value, str):
        cut = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
        wide = ' class="long"' if len(cut) > _WIDE else ""
        return f"<td{wide}>{text(cut)}</td>"
    return f'<td class="n" data-v="{raw(value)}">{text(shown(value, column.kind))}</td>'


def _side(column: Column) -> str:
    return "" if column.kind == "text" else ' class="n"'
