"""Section: how many traces show each element, in all and by group."""

from __future__ import annotations

from typing import Any, Final

from cogtrace.corpora.report.charts import Scale, heat_map, intervals
from cogtrace.corpora.report.corrected import corrected
from cogtrace.corpora.report.labels import SMALL, count, numbers, percent, plural
from cogtrace.corpora.report.source import ReportInput
from cogtrace.corpora.statistics.figures import PrevalenceFigure
from cogtrace.sections import Block, Cell, Chart, Column, Notice, Prose, Section, Table

MOST_COLUMNS: Final = 24  # of the heat map; the table has them all
_KINDS: Final = ("shown at all", "shown clearly")
_NOTE: Final = (
    "shown: score 1 or 2; clearly: score 2; from and to: 95% interval; spans and text "
    "covered: means over the traces asked."
)


def build(report: ReportInput) -> Section:
    """Build the section."""
    blocks: list[Block] = [
        Prose(
            "The share of traces that show an element at all (score 1 or 2), and that show it "
            "clearly (score 2). Bars are 95% intervals, for which all traces of a question "
            "count as one observation. A trace that was not asked about an element is left out."
        ),
        _overall(report),
        *corrected(report),
    ]
    if report.groups:
        blocks += _by_group(report)
    return Section(blocks=tuple(blocks))


def _overall(report: ReportInput) -> Chart:
    rows = report.in_order(row for row in report.statistics.prevalence if not row.group)
    return Chart(
        draw=lambda: _draw_overall(report, rows),
        table=_table(report, rows, "prevalence", "Traces that show each element", groups=False),
        words="For each element, the share of traces that show it and that show it clearly, "
        "with intervals.",
    )


def _draw_overall(report: ReportInput, rows: list[PrevalenceFigure]) -> dict[str, Any]:
    panels = []
    for dimension, some in report.by_dimension(rows):
        data = []
        for row in some:
            shares = (
                (row.shown, row.shown_low, row.shown_high),
                (row.present, row.present_low, row.present_high),
            )
            for kind, (value, low, high) in zip(_KINDS, shares, strict=True):
                if value is not None:
                    mark = {"y": _row(report, row), "kind": kind, "x": value}
                    data.append(mark | {"low": low, "high": high})
        panels.append((dimension, [_row(report, row) for row in some], data))
    title = f"share of traces ({numbers(row.n for row in rows)})"
    return intervals(panels, Scale(title=title, domain=(0, 1)), _KINDS)


def _row(report: ReportInput, row: PrevalenceFigure) -> str:
    return report.names[row.element] + (f" {SMALL}" if row.small else "")


def _by_group(report: ReportInput) -> list[Block]:
    rows = report.in_order(row for row in report.statistics.prevalence if row.group)
    names = list(report.groups)
    shown = names[:MOST_COLUMNS]
    by = report.by
    blocks: list[Block] = [
        Prose(
            f"By {by}: how many percent of the traces of a group show the element at all; "
            f"{SMALL} marks what rests on fewer than {report.min_n} traces. Groups may differ in "
            "their questions and in the length of their traces, and long traces show more of "
            "everything."
        )
    ]
    if len(names) > len(shown):
        what = f"the first {len(shown)} of {count(len(names))} groups"
        blocks.append(Notice(f"The map shows {what}; the table has them all."))
    blocks.append(
        Chart(
            draw=lambda: _draw_groups(report, rows, shown),
            table=_table(
                report, rows, "prevalence-by-group", f"Traces that show each element, by {by}"
            ),
            words=f"Heat map of elements by group: which share of the traces of each of "
            f"{plural(len(shown), 'group')} shows each element.",
        )
    )
    return blocks


def _draw_groups(
    report: ReportInput, rows: list[PrevalenceFigure], shown: list[str]
) -> dict[str, Any]:
    sizes = {report.group_name(row.group): row.n for row in report.statistics.groups}
    heads = {name: f"{name} (n = {count(sizes[name])})" for name in shown}
    data = [
        {
            "x": heads[report.group_name(row.group)],
            "y": report.names[row.element],
            "value": row.shown,
            "text": percent(row.shown).removesuffix("%") + (SMALL if row.small else ""),
        }
        for row in rows
        if row.shown is not None and report.group_name(row.group) in heads
    ]
    return heat_map(data, x=list(heads.values()), y=list(report.names.values()))


def _table(
    report: ReportInput, rows: list[PrevalenceFigure], name: str, title: str, groups: bool = True
) -> Table:
    columns = [
        Column("element"),
        Column("id"),
        Column("n", "traces (n)", "count"),
        Column("shown", "shown", "share"),
        Column("shown_low", "from", "share"),
        Column("shown_high", "to", "share"),
        Column("present", "clearly", "share"),
        Column("present_low", "from", "share"),
        Column("present_high", "to", "share"),
        Column("spans_per_trace", "spans per trace", "number"),
        Column("covered", "text covered", "share"),
        Column("small", "few traces", "flag"),
    ]
    spans = {(report.group_name(row.group), row.element): row for row in report.statistics.spans}
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        group = report.group_name(row.group)
        span = spans[group, row.element]
        cells: tuple[Cell, ...] = (
            report.names[row.element],
            row.element,
            row.n,
            row.shown,
            row.shown_low,
            row.shown_high,
            row.present,
            row.present_low,
            row.present_high,
            span.spans_per_trace,
            span.covered,
            row.small,
        )
        body.append((group, *cells) if groups else cells)
    return Table(
        name=name,
        title=title,
        columns=tuple([Column("group"), *columns] if groups else columns),
        rows=tuple(body),
        note=_NOTE,
    )
