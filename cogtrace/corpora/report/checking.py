"""What a section must be, checked before it is rendered: a plugin may return anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cogtrace.errors import PluginError
from cogtrace.sections import (
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

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KINDS: Final = ("text", "count", "share", "points", "number", "flag")
_CELL: Final = (str, int, float, bool, type(None))


def check_section(section: object) -> None:
    """Check what a plugin returned for a section.

    Raises:
        PluginError: it is not made of what sections are made of; says where.
    """
    if not isinstance(section, Section):
        raise PluginError(f"build returned {type(section).__name__}, not a Section")
    for place, block in enumerate(section.blocks, start=1):
        for fault in _faults(block):
            raise PluginError(f"block {place}: {fault}")


def _faults(block: object) -> Iterator[str]:
    match block:
        case Prose(text) | Notice(text):
            yield from _texts(text)
        case Points(title, items):
            yield from _texts(title, *(text for item in items for text in item))
        case Facts(items):
            yield from _texts(*(text for item in items for text in item))
        case Chart():
            yield from _texts(block.words)
            yield from _table(block.table)
            if not callable(block.draw):
                yield "draw must be a function that returns a specification"
        case Picture():
            yield from _texts(block.words, block.svg)
            if block.table is not None:
                yield from _table(block.table)
        case Table():
            yield from _table(block)
        case _:
            yield f"{type(block).__name__} is no block of a section"


def _table(table: object) -> Iterator[str]:
    if not isinstance(table, Table):
        yield f"{type(table).__name__} is no Table"
        return
    yield from _texts(table.title, table.note)
    if not (isinstance(table.name, str) and _NAME.fullmatch(table.name)):
        yield f"a table's name is a word of letters, digits, '-', '_' and '.', not {table.name!r}"
    for column in table.columns:
        if not isinstance(column, Column) or column.kind not in _KINDS:
            yield f"{column!r:.80} is no column"
            return
        yield from _texts(column.name, column.title)
    for row in table.rows:
        if len(row) != len(table.columns):
            yield f"table {table.name!r}: {len(row)} values for {len(table.columns)} columns"
        for value, column in zip(row, table.columns, strict=False):
            if not isinstance(value, _CELL):
                yield f"table {table.name!r}: {type(value).__name__} is no value of a table"
            elif column.kind != "text" and isinstance(value, str):
                yield f"table {table.name!r}: {value!r:.40} in a column of kind {column.kind!r}"


def _texts(*texts: object) -> Iterator[str]:
    for text in texts:
        if not isinstance(text, str):
            yield f"{type(text).__name__} in place of a text"
