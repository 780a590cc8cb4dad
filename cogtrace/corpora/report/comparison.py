"""Section: how two sets of traces differ, as they are and at equal length."""

from __future__ import annotations

from typing import Any, Final

from cogtrace.corpora.report.charts import Scale, intervals
from cogtrace.corpora.report.labels import SMALL, count, label, number, plural
from cogtrace.corpora.report.source import ReportInput
from cogtrace.corpora.statistics.figures import ComparisonFigure, LengthFigure
from cogtrace.sections import Block, Cell, Chart, Column, Notice, Prose, Section, Table

_KINDS: Final = {"raw": "as they are", "matched": "at equal length"}
_WORDS: Final = {
    "raw": "as they are",
    "matched": "at equal length, in bins of length",
    "regression": "at equal length, by regression",
}
ALPHA: Final = 0.05


def build(report: ReportInput) -> Section | None:
    """Build the section; None where nothing is compared."""
    if report.statistics.parameters["compare"] is None:
        return None
    a, b = sides(report)
    if not any(not row.group for row in report.statistics.comparison):
        return Section(blocks=(Notice(f"There is nothing to compare between {a} and {b}."),))
    return Section(blocks=(*_words(report, a, b), _chart(report, a, b), *_by_group(report)))


def sides(report: ReportInput) -> tuple[str, str]:
    """Return what the two sides are called."""
    a, b = (f"“{label(name, 30)}”" for name in report.statistics.parameters["compare"])
    return a, "all others" if b == "“*”" else b


def _words(report: ReportInput, a: str, b: str) -> tuple[Block, ...]:
    lengths = {row.method: row for row in report.statistics.comparison_lengths if not row.group}
    words: list[Block] = [
        Prose(
            f"Differences in the share of traces that show an element at all, {a} minus {b} (by "
            f"{label(report.statistics.parameters['compare_by'])}), in percentage points, with 95% "
            "intervals. Long traces show nearly every element "
            "somewhere, so a raw difference is first of all one of length: at equal length, "
            "traces are compared only with traces of about the same length."
        )
    ]
    if "raw" in lengths and "matched" in lengths:
        words.append(Prose(f"{_sizes(lengths['raw'], a, b)} {_matched(lengths['matched'])}"))
    return tuple(words)


def _sizes(row: LengthFigure, a: str, b: str) -> str:
    return (
        f"As they are: {plural(row.n_a, 'trace')} ({a}) of {number(row.length_a)} characters "
        f"against {plural(row.n_b, 'trace')} ({b}) of {number(row.length_b)} (geometric means)."
    )


def _matched(row: LengthFigure) -> str:
    if not row.n_a or not row.n_b:
        return "No traces of the two sides are of like length, so there is no fair comparison."
    return (
        f"At equal length: {count(row.n_a)} of {number(row.length_a)} characters against "
        f"{count(row.n_b)} of {number(row.length_b)}; "
        f"{plural(row.dropped_a + row.dropped_b, 'trace')} without a counterpart of like length "
        "are left out."
    )


def _chart(report: ReportInput, a: str, b: str) -> Chart:
    rows = [row for row in report.statistics.comparison if not row.group]
    return Chart(
        draw=lambda: _draw(report, rows, a, b),
        table=_table(report, rows, "comparison", f"{a} against {b}", groups=False),
        words=f"For each element, the difference between {a} and {b} as they are and at equal "
        "length, with intervals.",
    )


def _draw(report: ReportInput, rows: list[ComparisonFigure], a: str, b: str) -> dict[str, Any]:
    drawn = [row for row in rows if row.method in _KINDS]
    few = {row.element for row in drawn if row.small}
    names = {e: name + (f" {SMALL}" if e in few else "") for e, name in report.names.items()}
    panels = []
    for dimension, some in report.by_dimension(drawn):
        data = [
            {
                "y": names[row.element],
                "kind": _KINDS[row.method],
                "x": 100 * row.difference,
                "low": None if row.low is None else 100 * row.low,
                "high": None if row.high is None else 100 * row.high,
            }
            for row in some
            if row.difference is not None
        ]
        order = list(dict.fromkeys(names[row.element] for row in some))
        panels.append((dimension, order, data))
    n = max((row.n_a for row in drawn), default=0), max((row.n_b for row in drawn), default=0)
    scale = Scale(
        title=[
            "difference in percentage points",
            f"← more often in {b} (n = {count(n[1])})  ·  in {a} (n = {count(n[0])}) →",
        ],
        domain=(-100, 100),
        format="+d",
        reference=0.0,
        labels="datum.value ? datum.label : '0'",
    )
    return intervals(panels, scale, tuple(_KINDS.values()))


def _by_group(report: ReportInput) -> tuple[Block, ...]:
    rows = [row for row in report.statistics.comparison if row.group]
    if not rows:
        return ()
    title = f"The same within each group, by {report.by}"
    return (_table(report, rows, "comparison-by-group", title, folded=True),)


def _table(
    report: ReportInput,
    rows: list[ComparisonFigure],
    name: str,
    title: str,
    groups: bool = True,
    folded: bool = False,
) -> Table:
    columns = [
        Column("element"),
        Column("id"),
        Column("method", "compared"),
        Column("n_a", "n of a", "count"),
        Column("n_b", "n of b", "count"),
        Column("share_a", "a", "share"),
        Column("share_b", "b", "share"),
        Column("difference", "a minus b", "points"),
        Column("low", "from", "points"),
        Column("high", "to", "points"),
        Column("p_adjusted", "p, adjusted", "number"),
        Column("small", "few traces", "flag"),
    ]
    body: list[tuple[Cell, ...]] = []
    for row in report.in_order(rows):
        cells: tuple[Cell, ...] = (
            report.names[row.element],
            row.element,
            _WORDS[row.method],
            row.n_a,
            row.n_b,
            row.share_a,
            row.share_b,
            row.difference,
            row.low,
            row.high,
            row.p_adjusted,
            row.small,
        )
        body.append((report.group_name(row.group), *cells) if groups else cells)
    return Table(
        name=name,
        title=title,
        columns=tuple([Column("group"), *columns] if groups else columns),
        rows=tuple(body),
        note="p, adjusted: after Benjamini and Hochberg, for all elements of a group and method. "
        "The two ways of comparing at equal length should agree; if not, believe the bins.",
        folded=folded,
    )
