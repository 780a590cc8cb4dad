"""Section: where in the text each element is shown."""

from __future__ import annotations

from typing import Any, Final

from cogtrace.corpora.report.charts import curves
from cogtrace.corpora.report.labels import SMALL, count
from cogtrace.corpora.report.source import ReportInput
from cogtrace.corpora.statistics.figures import PositionFigure
from cogtrace.sections import Chart, Column, Notice, Prose, Section, Table

_TENTHS: Final = 10


def build(report: ReportInput) -> Section:
    """Build the section."""
    rows = report.in_order(row for row in report.statistics.positions if not row.group and row.n)
    if not rows:
        return Section(blocks=(Notice("No trace has a stretch of text marked with any element."),))
    return Section(
        blocks=(
            Prose(
                "Which share of an element's spans lies in each tenth of a trace, from its start "
                "to its end; each trace that has a span counts once (n). The dashed line is what "
                "spans spread evenly would give; the band is the 95% interval."
            ),
            Chart(
                draw=lambda: _draw(report, rows),
                table=_table(report, rows),
                words="Small curves, one per element: the share of its spans in each tenth of "
                "the text.",
            ),
        )
    )


def _draw(report: ReportInput, rows: list[PositionFigure]) -> dict[str, Any]:
    order, data = [], []
    for row in rows:
        panel = f"{report.names[row.element]} ({count(row.n)}{SMALL if row.small else ''})"
        order.append(panel)
        for place, bounds in enumerate(zip(row.bins, row.bins_low, row.bins_high, strict=True)):
            value, low, high = bounds
            x = (place + 0.5) / _TENTHS
            data.append({"panel": panel, "x": x, "y": value, "low": low, "high": high})
    return curves(data, order, 1 / _TENTHS)


def _table(report: ReportInput, rows: list[PositionFigure]) -> Table:
    return Table(
        name="positions",
        title="Where each element is shown",
        columns=(
            Column("element"),
            Column("id"),
            Column("n", "traces (n)", "count"),
            Column("first", "first span at", "share"),
            Column("first_low", "from", "share"),
            Column("first_high", "to", "share"),
            *(
                Column(f"tenth_{place}", f"{10 * place - 10}-{10 * place}%", "share")
                for place in range(1, _TENTHS + 1)
            ),
            Column("small", "few traces", "flag"),
        ),
        rows=tuple(
            (
                report.names[row.element],
                row.element,
                row.n,
                row.first,
                row.first_low,
                row.first_high,
                *row.bins,
                row.small,
            )
            for row in rows
        ),
        note="first span at: mean place at which the first span starts, from 0% (the start) to "
        "100%.",
    )
