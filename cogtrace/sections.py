"""What a section of a report is made of: data, never markup.

A section says in words, tables, charts and pictures what it has to say; the page, the
Markdown and the JSON form of a report are made from the same section, and whatever text
is in it is escaped there. A package adds sections by the hook `cogtrace_report_sections`::

    from cogtrace.extensions import hookimpl
    from cogtrace.sections import Column, Prose, Section, SectionKind, Table

    def build(report):
        groups = report.statistics.groups
        table = Table(
            name="sizes",
            title="Traces by group",
            columns=(Column("group"), Column("n", kind="count")),
            rows=tuple((str(row.group), row.n) for row in groups),
        )
        return Section(blocks=(Prose("How many traces there are."), table))

    @hookimpl
    def cogtrace_report_sections():
        return [SectionKind(name="sizes", title="Sizes", build=build)]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "Block",
    "Cell",
    "Chart",
    "Column",
    "Facts",
    "Notice",
    "Picture",
    "Points",
    "Prose",
    "Section",
    "SectionKind",
    "Table",
]

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Points:
    """A list under a heading of its own: what each point is about (or ""), and the point."""

    title: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """A few figures that come first, each with its name."""

    items: tuple[tuple[str, str], ...]  # name, value


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader must not miss."""

    text: str
    kind: Literal["note", "warning"] = "note"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; ``kind`` says how its values are shown.

    "share" is a number from 0 to 1 shown in percent, "points" a difference of shares,
    "number" any number, "count" a whole one, "flag" true or false.
    """

    name: str  # of the column in CSV and JSON
    title: str = ""  # for people; the name by default
    kind: Literal["text", "count", "share", "points", "number", "flag"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of values, in the order of the columns; None is a value that is not defined."""

    name: str  # a word, for files that are made of it
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""  # how to read it
    folded: bool = False  # shown when asked for; the table of a chart always is


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart and the table behind it.

    ``draw`` returns a Vega-Lite specification, e.g. ``altair.Chart.to_dict``; it is called
    only for a page. Colours may be the page's own, which follow light and dark:
    ``var(--c0)`` to ``var(--c11)`` for kinds of things, ``var(--heat)`` with an opacity for
    amounts, ``var(--fg)``, ``var(--muted)``, ``var(--line)`` for all else. Data must be in
    the specification: nothing is loaded.
    """

    draw: Callable[[], dict[str, Any]]
    table: Table
    words: str  # what it shows, for who cannot see it


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that is drawn already (SVG); shown as an image, so nothing in it runs."""

    svg: str
    words: str  # what it shows, for who cannot see it
    table: Table | None = None  # the same as figures


Block = Prose | Points | Facts | Notice | Table | Chart | Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionKind:
    """A section of reports as it is registered. ``build`` must be importable by name.

    ``build`` gets a `cogtrace.corpora.report.ReportInput`, and returns the section, or None
    where it has nothing to say.
    """

    name: str
    title: str
    build: Callable[[Any], Section | None]
