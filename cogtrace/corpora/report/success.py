"""Section: what showing an element has to do with being right."""

from __future__ import annotations

from typing import Any, Final

from cogtrace.corpora.report.charts import Scale, intervals
from cogtrace.corpora.report.labels import SMALL, count, numbers, percent, plural
from cogtrace.corpora.report.source import ReportInput
from cogtrace.corpora.statistics.figures import GroupFigure, SuccessFigure
from cogtrace.sections import Block, Cell, Chart, Column, Notice, Prose, Section, Table

_KINDS: Final = ("as it is", "at equal length")
_REACH: Final = 64.0  # odds ratios beyond are drawn at the edge
_TICKS: Final = (1 / 64, 1 / 16, 1 / 4, 1.0, 4.0, 16.0, 64.0)


def build(report: ReportInput) -> Section:
    """Build the section."""
    everything = report.everything
    if not everything.graded:
        text = "No trace is graded as right or wrong, so nothing can be said of success."
        return Section(blocks=(Notice(text),))
    return Section(blocks=(*_words(everything), _chart(report), *_by_group(report)))


def _words(everything: GroupFigure) -> tuple[Block, ...]:
    graded = (
        f"{plural(everything.graded, 'trace')} of {count(everything.n)} are graded, and "
        f"{percent(everything.correct / everything.graded)} of these are right."
    )
    return (
        Prose(
            f"{graded} An odds ratio above 1 says that traces with the element are more often "
            "right than traces without it; at equal length, that this holds for traces that are "
            "alike in length (a regression on the logarithm of length). The axis is logarithmic; "
            "bars are 95% intervals."
        ),
        Notice(
            "An association is no cause. Hard questions make long traces, long traces show more "
            "of everything, and hard questions are more often answered wrongly."
        ),
    )


def _chart(report: ReportInput) -> Chart:
    rows = report.in_order(row for row in report.statistics.success if not row.group)
    return Chart(
        draw=lambda: _draw(report, rows),
        table=_table(report, rows, "success", "Elements and right answers", groups=False),
        words="For each element, the odds ratio between showing it and being right, as it is and "
        "at equal length, with intervals.",
    )


def _draw(report: ReportInput, rows: list[SuccessFigure]) -> dict[str, Any]:
    panels = []
    for dimension, some in report.by_dimension(rows):
        data = []
        for row in some:
            figures = (
                (row.odds_ratio, row.odds_low, row.odds_high),
                (row.odds_at_length, row.odds_at_length_low, row.odds_at_length_high),
            )
            for kind, bounds in zip(_KINDS, figures, strict=True):
                value, low, high = (None if b is None else _within(b) for b in bounds)
                if value is not None:
                    mark = {"y": _row(report, row), "kind": kind, "x": value}
                    data.append(mark | {"low": low, "high": high})
        panels.append((dimension, [_row(report, row) for row in some], data))
    scale = Scale(
        title=f"odds ratio ({numbers(row.n for row in rows)})",
        domain=(1 / _REACH, _REACH),
        format="~g",
        log=True,
        reference=1.0,
        values=_TICKS,
        labels="datum.value < 1 ? '1/' + 1 / datum.value : datum.label",
    )
    return intervals(panels, scale, _KINDS)


def _within(value: float) -> float:
    return min(max(value, 1 / _REACH), _REACH)


def _row(report: ReportInput, row: SuccessFigure) -> str:
    return report.names[row.element] + (f" {SMALL}" if row.small else "")


def _by_group(report: ReportInput) -> tuple[Block, ...]:
    rows = report.in_order(row for row in report.statistics.success if row.group and row.n)
    if not rows:
        return ()
    table = _table(report, rows, "success-by-group", f"The same by {report.by}", folded=True)
    return (table,)


def _table(
    report: ReportInput,
    rows: list[SuccessFigure],
    name: str,
    title: str,
    groups: bool = True,
    folded: bool = False,
) -> Table:
    columns = [
        Column("element"),
        Column("id"),
        Column("n", "graded (n)", "count"),
        Column("n_shown", "with it", "count"),
        Column("success_shown", "right with it", "share"),
        Column("success_absent", "right without", "share"),
        Column("odds_ratio", "odds ratio", "number"),
        Column("odds_low", "from", "number"),
        Column("odds_high", "to", "number"),
        Column("odds_at_length", "at equal length", "number"),
        Column("odds_at_length_low", "from", "number"),
        Column("odds_at_length_high", "to", "number"),
        Column("npmi", "NPMI", "number"),
        Column("small", "few traces", "flag"),
    ]
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        cells: tuple[Cell, ...] = (
            report.names[row.element],
            row.element,
            row.n,
            row.n_shown,
            row.success_shown,
            row.success_absent,
            row.odds_ratio,
            row.odds_low,
            row.odds_high,
            row.odds_at_length,
            row.odds_at_length_low,
            row.odds_at_length_high,
            row.npmi,
            row.small,
        )
        body.append((report.group_name(row.group), *cells) if groups else cells)
    return Table(
        name=name,
        title=title,
        columns=tuple([Column("group"), *columns] if groups else columns),
        rows=tuple(body),
        note="Empty where all traces, or none, show the element, or all are right or wrong.",
        folded=folded,
    )
