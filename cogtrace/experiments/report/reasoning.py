"""Section: what changed in the reasoning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from cogtrace.corpora.report.labels import label
from cogtrace.experiments.outcomes import Arm
from cogtrace.experiments.records import Comparison, UptakeFigure
from cogtrace.experiments.report.drawing import interval_chart
from cogtrace.sections import Block, Chart, Column, Prose, Section, Table

_METHODS: Final = {"raw": "as they are", "matched": "at equal length"}


def changed(found: Comparison, arms: Sequence[Arm]) -> Section | None:
    """Show what changed in the reasoning."""
    if not found.uptake:
        return None
    shown = [row for row in found.uptake if row.arm not in found.setting.control]
    blocks: list[Block] = [
        Prose(
            "Change in the share of texts (those that answers are from) that show an element, "
            f"against {label(found.setting.reference)}, on the same questions; as they are and at "
            "equal length, for longer texts show more of everything. An arm's plugins may say "
            "which elements they raise; whether they do is in the summary."
        )
    ]
    for name in dict.fromkeys(row.arm for row in shown):
        rows = [row for row in shown if row.arm == name]
        claimed = [row for row in rows if row.claimed] or rows
        blocks.append(
            Chart(
                draw=_drawing(claimed),
                table=_uptake_table(name, rows),
                words=f"For each element, the change in {label(name)} with its interval.",
            )
        )
    return Section(blocks=tuple(blocks))


def _uptake_table(arm: str, rows: Sequence[UptakeFigure]) -> Table:
    columns = (
        Column("element"),
        Column("claimed", "claimed by"),
        Column("method", "compared"),
        Column("share", label(arm), "share"),
        Column("share_other", "reference", "share"),
        Column("change", "change", "points"),
        Column("low", "from", "points"),
        Column("high", "to", "points"),
        Column("p_adjusted", "p, adjusted", "number"),
        Column("first_change", "first shown later by", "points"),
        Column("first_low", "from", "points"),
        Column("first_high", "to", "points"),
    )
    body = tuple(
        (
            row.element,
            ", ".join(row.claimed),
            _METHODS[row.method],
            row.share,
            row.share_other,
            row.change,
            row.low,
            row.high,
            row.p_adjusted,
            row.first_change,
            row.first_low,
            row.first_high,
        )
        for row in rows
    )
    title = f"{label(arm)}: elements"
    note = "First shown: where the first span begins, in hundredths of the text."
    return Table(name=f"uptake-{len(rows)}", title=title, columns=columns, rows=body, note=note)


def _drawing(rows: Sequence[UptakeFigure]) -> Callable[[], dict[str, Any]]:
    return lambda: interval_chart(
        [(row.element, _METHODS[row.method], row.change, row.low, row.high) for row in rows],
        tuple(_METHODS.values()),
        "change in percentage points",
    )
