"""The most telling figures of a corpus, chosen and put into words by stated rules.

Each rule looks only at figures that rest on enough traces (not ``small``), says what it
chose from, and gives interval and n. A rule that finds nothing says so, or is silent
where its figures do not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cogtrace.corpora.report.comparison import ALPHA, sides
from cogtrace.corpora.report.labels import (
    count,
    listed,
    number,
    numbers,
    percent,
    plural,
    points,
    ratio,
    share,
)
from cogtrace.corpora.report.source import ReportInput
from cogtrace.corpora.statistics.figures import ComparisonFigure, PrevalenceFigure, SuccessFigure

_TOP: Final = 3  # elements named in one sentence


def findings(report: ReportInput) -> tuple[str, ...]:
    """Return what stands out: frequency, the comparison or else groups, success, positions."""
    compared = report.statistics.parameters["compare"] is not None
    return (
        *_frequency(report),
        *(_comparison(report) if compared else _groups(report)),
        *_success(report),
        *_positions(report),
    )


def _frequency(report: ReportInput) -> Iterator[str]:
    """Yield the most and the least frequent elements among all traces."""
    rows = _solid(row for row in report.statistics.prevalence if not row.group)
    if not rows:
        yield (
            f"No element was asked about in {report.min_n} traces or more; too few to say what "
            "is frequent."
        )
        return
    ranked = sorted(rows, key=lambda row: (-(row.shown or 0), report.names[row.element]))
    top = ranked[:_TOP]
    yield f"Most often shown: {listed(_shown(report, row) for row in top)}."
    rest = ranked[_TOP:][-_TOP:]
    if rest:
        yield f"Least often shown: {listed(_shown(report, row) for row in reversed(rest))}."


def _shown(report: ReportInput, row: PrevalenceFigure) -> str:
    interval = share(row.shown, row.shown_low, row.shown_high)
    return f"{report.names[row.element]} (in {interval} of the traces, n = {count(row.n)})"


def _groups(report: ReportInput) -> Iterator[str]:
    """Yield the element whose shares differ most between two groups whose intervals are apart."""
    best: tuple[float, PrevalenceFigure, PrevalenceFigure] | None = None
    by_element: dict[str, list[PrevalenceFigure]] = {}
    for row in _solid(row for row in report.statistics.prevalence if row.group):
        by_element.setdefault(row.element, []).append(row)
    for rows in by_element.values():
        ranked = sorted(rows, key=lambda row: row.shown or 0)
        low, high = ranked[0], ranked[-1]
        gap = (high.shown or 0) - (low.shown or 0)
        if _apart(low, high) and (best is None or gap > best[0]):
            best = gap, low, high
    if best is not None:
        _, low, high = best
        yield (
            f"Between groups (by {report.by}), {report.names[low.element]} differs most: "
            f"{_in_group(report, high)} against {_in_group(report, low)}. This is the largest of "
            "many differences, and length is not taken into account."
        )
    elif by_element:
        yield (
            f"Between groups (by {report.by}), no element differs so much that the intervals of "
            "the highest and the lowest group are apart."
        )


def _apart(low: PrevalenceFigure, high: PrevalenceFigure) -> bool:
    if low.shown_high is None or high.shown_low is None:
        return False
    return low.shown_high < high.shown_low


def _in_group(report: ReportInput, row: PrevalenceFigure) -> str:
    interval = share(row.shown, row.shown_low, row.shown_high)
    return f"{interval} in {report.group_name(row.group)} (n = {count(row.n)})"


def _comparison(report: ReportInput) -> Iterator[str]:
    """Yield how many differences stand at equal length, and the largest of them."""
    a, b = sides(report)
    raw, equal = (_compared(report, method) for method in ("raw", "matched"))
    if not equal:
        yield (
            f"{a} and {b} have too few traces of like length (fewer than {report.min_n} on a "
            "side) for a fair comparison."
        )
        return
    yield (
        f"{a} against {b}: as they are, they differ in {len(_significant(raw))} of "
        f"{plural(len(raw), 'element')}; among traces of like length, in "
        f"{len(_significant(equal))} of {len(equal)} (p < {ALPHA} after correction for many "
        "tests)."
    )
    strongest = sorted(_significant(equal), key=lambda row: -abs(row.difference or 0))[:_TOP]
    if strongest:
        yield (
            "Largest at equal length: "
            + listed(_difference(report, row, a, b) for row in strongest)
            + "."
        )


def _compared(report: ReportInput, method: str) -> list[ComparisonFigure]:
    return [
        row
        for row in report.statistics.comparison
        if not row.group and row.method == method and not row.small and row.difference is not None
    ]


def _significant(rows: Iterable[ComparisonFigure]) -> list[ComparisonFigure]:
    return [row for row in rows if row.p_adjusted is not None and row.p_adjusted < ALPHA]


def _difference(report: ReportInput, row: ComparisonFigure, a: str, b: str) -> str:
    more = a if (row.difference or 0) > 0 else b
    return (
        f"{report.names[row.element]}, more often in {more} "
        f"({percent(row.share_a)} against {percent(row.share_b)}, difference "
        f"{points(row.difference, row.low, row.high)}, n = {count(row.n_a)} and "
        f"{count(row.n_b)})"
    )


def _success(report: ReportInput) -> Iterator[str]:
    """Yield the elements that go most with right, or wrong, answers at equal length."""
    if not report.everything.graded:
        return
    rows = [
        row
        for row in report.statistics.success
        if not row.group and not row.small and row.odds_at_length_low is not None
    ]
    if not rows:
        yield "Too few traces are graded, or too many alike, to relate elements to right answers."
        return
    apart = [row for row in rows if not _around_one(row)]
    chance = f"of {len(rows)} looked at, {number(0.05 * len(rows))} would by chance alone"
    if not apart:
        yield (
            "At equal length, no element goes clearly with right or wrong answers "
            f"(the intervals of all {len(rows)} odds ratios hold 1)."
        )
        return
    strongest = sorted(apart, key=lambda row: -_away(row))[:_TOP]
    yield (
        f"Going with right or wrong answers at equal length: {plural(len(apart), 'element')} "
        f"({chance}). Strongest: {listed(_odds(report, row) for row in strongest)}."
    )


def _around_one(row: SuccessFigure) -> bool:
    low, high = row.odds_at_length_low, row.odds_at_length_high
    return low is None or high is None or low <= 1 <= high


def _away(row: SuccessFigure) -> float:
    """Return how far an odds ratio is from 1, whichever way."""
    value = row.odds_at_length or 0
    return max(value, 1 / value) if value > 0 else float("inf")


def _odds(report: ReportInput, row: SuccessFigure) -> str:
    value = row.odds_at_length or 0
    interval = ratio(value, row.odds_at_length_low, row.odds_at_length_high)
    with_ = "right" if value > 1 else "wrong"
    return (
        f"{report.names[row.element]}, with {with_} answers (odds ratio {interval}, "
        f"n = {count(row.n)})"
    )


def _positions(report: ReportInput) -> Iterator[str]:
    """Yield which elements come first and last in the text, on average."""
    rows = [
        row
        for row in report.statistics.positions
        if not row.group and not row.small and row.first is not None
    ]
    if len(rows) < 2:
        return
    ranked = sorted(rows, key=lambda row: (row.first or 0, report.names[row.element]))
    first, last = ranked[0], ranked[-1]
    yield (
        f"{report.names[first.element]} is first seen earliest in the text, after "
        f"{share(first.first, first.first_low, first.first_high)} of it on average "
        f"({numbers([first.n])}), {report.names[last.element]} latest, after "
        f"{share(last.first, last.first_low, last.first_high)} ({numbers([last.n])})."
    )


def _solid(rows: Iterable[PrevalenceFigure]) -> list[PrevalenceFigure]:
    return [row for row in rows if not row.small and row.shown is not None]
