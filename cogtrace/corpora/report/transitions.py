"""Section: which element comes next after which."""

from __future__ import annotations

from typing import Any, Final

from cogtrace.corpora.report.charts import heat_map
from cogtrace.corpora.report.labels import percent
from cogtrace.corpora.report.source import ReportInput
from cogtrace.corpora.statistics.figures import TransitionFigure
from cogtrace.sections import Chart, Column, Notice, Prose, Section, Table

_STRONG: Final = 1.5  # lift from which a cell is marked
_MARK: Final = "•"
_CELL: Final = (18, 18)


def build(report: ReportInput) -> Section:
    """Build the section."""
    place = {element: number for number, element in enumerate(report.elements)}
    rows = sorted(
        (row for row in report.statistics.transitions if not row.group),
        key=lambda row: (place[row.source], place[row.target]),
    )
    if not rows:
        return Section(blocks=(Notice("No trace has two places that show elements."),))
    most = max(row.share or 0 for row in rows)
    return Section(
        blocks=(
            Prose(
                "Of the places where an element (a row) starts and another place follows, the "
                "share where the element of the column starts next. The strongest colour stands "
                f"for {percent(most)}. A dot marks what comes next at least {_STRONG} times as "
                "often as it does after any element; rare rows have none "
                f"(fewer than {report.min_n} places). Elements that start at the same place are "
                "one step, so the shares of a row may add up to more than 100%."
            ),
            Chart(
                draw=lambda: _draw(report, rows, most),
                table=_table(report, rows),
                words="Matrix of elements by elements: how often one comes next after another.",
            ),
        )
    )


def _draw(report: ReportInput, rows: list[TransitionFigure], most: float) -> dict[str, Any]:
    data = [
        {
            "x": report.names[row.target],
            "y": report.names[row.source],
            "value": row.share or 0,
            "text": _MARK if not row.small and (row.lift or 0) >= _STRONG else "",
        }
        for row in rows
    ]
    used = {row.source for row in rows} | {row.target for row in rows}
    names = [report.names[element] for element in report.elements if element in used]
    return heat_map(
        data, x=names, y=names, most=most or 1, cell=_CELL, titles=("next", "after"), angle=-60
    )


def _table(report: ReportInput, rows: list[TransitionFigure]) -> Table:
    return Table(
        name="transitions",
        title="What comes next after what",
        columns=(
            Column("after"),
            Column("next"),
            Column("n", "places (n)", "count"),
            Column("count", "of these, so", "count"),
            Column("traces", "traces", "count"),
            Column("share", "share", "share"),
            Column("share_low", "from", "share"),
            Column("share_high", "to", "share"),
            Column("lift", "times as often", "number"),
            Column("small", "few places", "flag"),
        ),
        rows=tuple(
            (
                report.names[row.source],
                report.names[row.target],
                row.n,
                row.count,
                row.traces,
                row.share,
                row.share_low,
                row.share_high,
                row.lift,
                row.small,
            )
            for row in rows
        ),
        note="times as often: the share, over the share of all next places at which the element "
        "starts (lift). Pairs that never come are left out.",
    )
