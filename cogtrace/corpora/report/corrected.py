"""Shares corrected for the errors of the annotator, beside those that it gave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cogtrace.corpora.report.charts import Scale, intervals
from cogtrace.corpora.report.labels import SMALL, numbers, plural
from cogtrace.corpora.report.source import ReportInput
from cogtrace.corpora.statistics.figures import CorrectedFigure
from cogtrace.sections import Block, Cell, Chart, Column, Notice, Prose, Table

_RAW: Final = "as annotated"
_METHODS: Final = {
    "rogan-gladen": "corrected (Rogan and Gladen)",
    "prediction-powered": "corrected (prediction-powered)",
}
_REASONS: Final = {
    "no-better-than-chance": "no better than chance",
    "unknown-errors": "errors not known",
    None: None,
}


def corrected(report: ReportInput) -> Iterator[Block]:
    """Yield what the corrections say; nothing where there is no evaluation."""
    judged = report.judged
    if judged is None:
        return
    rows = report.in_order(row for row in report.statistics.corrected if not row.group)
    if not rows:
        yield Notice("The evaluation is about none of these elements, so no share is corrected.")
        return
    methods = [name for name in _METHODS if any(row.method == name for row in rows)]
    yield Prose(
        "An annotator that misses some traces and names others wrongly gets shares wrong, "
        "however many traces there are. How often it does so is known from "
        f"{plural(judged.comparison.traces, 'labelled trace')}; the corrected share takes that "
        "out, and its interval says how surely. A wide one says that it is not known. Rogan and "
        "Gladen's correction assumes that the annotator errs here as often as on the labelled "
        "traces"
        + (
            "; the prediction-powered one that those were drawn at random from these."
            if len(methods) > 1
            else "."
        )
    )
    lost = sum(row.corrected is None for row in rows if row.method == methods[0])
    if lost:
        yield Notice(
            f"{plural(lost, 'element')} cannot be corrected: the annotator finds them no better "
            "than chance, or the labels show them always or never."
        )
    yield Chart(
        draw=lambda: _draw(report, rows, methods),
        table=_table(report, rows, "corrected", "Shares, corrected for the annotator's errors"),
        words="For each element, the share of traces that show it as annotated, and corrected "
        "for the annotator's errors, with intervals.",
    )
    grouped = report.in_order(row for row in report.statistics.corrected if row.group)
    if grouped:
        title = f"The same by {report.by}"
        yield _table(report, grouped, "corrected-by-group", title, groups=True)


def _draw(report: ReportInput, rows: list[CorrectedFigure], methods: list[str]) -> dict[str, Any]:
    panels = []
    for dimension, some in report.by_dimension(rows):
        data: list[dict[str, Any]] = []
        for row in some:
            if row.method == methods[0]:
                bounds = {"low": row.raw_low, "high": row.raw_high}
                data.append({"y": _row(report, row), "kind": _RAW, "x": row.raw} | bounds)
            if row.corrected is not None:
                mark = {"y": _row(report, row), "kind": _METHODS[row.method], "x": row.corrected}
                data.append(mark | {"low": row.low, "high": row.high})
        panels.append((dimension, list(dict.fromkeys(_row(report, row) for row in some)), data))
    n, gold = numbers(row.n for row in rows), numbers(row.n_gold for row in rows)
    scale = Scale(title=f"share of traces ({n}; labelled: {gold})", domain=(0, 1))
    return intervals(panels, scale, (_RAW, *(_METHODS[name] for name in methods)))


def _row(report: ReportInput, row: CorrectedFigure) -> str:
    return report.names[row.element] + (f" {SMALL}" if row.small else "")


def _table(
    report: ReportInput, rows: list[CorrectedFigure], name: str, title: str, groups: bool = False
) -> Table:
    columns = [
        Column("element"),
        Column("id"),
        Column("n", "traces (n)", "count"),
        Column("n_gold", "labelled (n)", "count"),
        Column("method", "correction"),
        Column("raw", "as annotated", "share"),
        Column("raw_low", "from", "share"),
        Column("raw_high", "to", "share"),
        Column("corrected", "corrected", "share"),
        Column("low", "from", "share"),
        Column("high", "to", "share"),
        Column("sensitivity", "found", "share"),
        Column("specificity", "clear", "share"),
        Column("clipped", "clipped", "flag"),
        Column("reason", "not corrected"),
        Column("small", "few traces", "flag"),
    ]
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        cells: tuple[Cell, ...] = (
            report.names[row.element],
            row.element,
            row.n,
            row.n_gold,
            row.method,
            row.raw,
            row.raw_low,
            row.raw_high,
            row.corrected,
            row.low,
            row.high,
            row.sensitivity,
            row.specificity,
            row.clipped,
            _REASONS[row.reason],
            row.small,
        )
        body.append((report.group_name(row.group), *cells) if groups else cells)
    return Table(
        name=name,
        title=title,
        columns=tuple([Column("group"), *columns] if groups else columns),
        rows=tuple(body),
        note="found, clear: share of the labelled traces with the element that the annotator "
        "finds, and of those without it that it leaves clear; clipped: the correction led below "
        "0 or above 100%.",
        folded=groups,
    )
