"""The most telling figures of a corpus, chosen and put into words by stated rules.

Each rule looks only at figures that rest on enough traces (not ``small``), says what it
chose from, and gives interval and n. A rule that finds nothing says so, or is silent
where its figures do not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cogtrace.corpora.report.comparison import ALPHA, sides
from cogtrace.corpora.report.labels import (
    count,
    listed,
    number,
    percent,
    plural,
    points,
    ratio,
    share,
)
from cogtrace.corpora.report.source import ReportInput
from cogtrace.corpora.report.verdicts import sentence
from cogtrace.corpora.statistics.figures import ComparisonFigure, PrevalenceFigure, SuccessFigure

_TOP: Final = 3  # elements named in one sentence

Finding = tuple[str, str]  # what it is about, and what is found


def findings(report: ReportInput) -> tuple[Finding, ...]:
    """Return what stands out: trust, frequency, comparison or else groups, success, positions."""
    compared = report.statistics.parameters["compare"] is not None
    return (
        *_trust(report),
        *_frequency(report),
        *(_comparison(report) if compared else _groups(report)),
        *_success(report),
        *_positions(report),
    )


def _trust(report: ReportInput) -> Iterator[Finding]:
    """Yield which elements can be trusted, where an evaluation says so."""
    if report.judged is not None:
        yield "Trust", f"{sentence(report, report.judged)} “How far to trust it” has the rule."


def _frequency(report: ReportInput) -> Iterator[Finding]:
    """Yield the most and the least frequent elements among all traces."""
    rows = _solid(row for row in report.statistics.prevalence if not row.group)
    if not rows:
        yield "Frequency", f"No element was asked about in {report.min_n} traces or more."
        return
    ranked = sorted(rows, key=lambda row: (-(row.shown or 0), report.names[row.element]))
    yield "Most often shown", _shares(report, ranked[:_TOP])
    rest = ranked[_TOP:][-_TOP:]
    if rest:
        yield "Least often shown", _shares(report, rest[::-1])


def _shares(report: ReportInput, rows: Sequence[PrevalenceFigure]) -> str:
    items = [
        (
            f"{report.names[row.element]} in {share(row.shown, row.shown_low, row.shown_high)}",
            f"n = {count(row.n)}",
        )
        for row in rows
    ]
    return f"{_with_n(items, ' of the traces')}."


def _with_n(items: Sequence[tuple[str, str]], end: str = "") -> str:
    """Return items in a sentence, each with its n, or with one n where all are the same."""
    sizes = {size for _, size in items}
    if len(items) > 1 and len(sizes) == 1:
        return f"{listed(item for item, _ in items)}{end} ({sizes.pop()})"
    return listed(f"{item}{end} ({size})" for item, size in items)


def _groups(report: ReportInput) -> Iterator[Finding]:
    """Yield the element whose shares differ most between two groups whose intervals are apart."""
    best: tuple[float, PrevalenceFigure, PrevalenceFigure] | None = None
    by_element: dict[str, list[PrevalenceFigure]] = {}
    for row in _solid(row for row in report.statistics.prevalence if row.group):
        by_element.setdefault(row.element, []).append(row)
    several = [rows for rows in by_element.values() if len(rows) > 1]
    for rows in several:
        ranked = sorted(rows, key=lambda row: row.shown or 0)
        low, high = ranked[0], ranked[-1]
        gap = (high.shown or 0) - (low.shown or 0)
        if _apart(low, high) and (best is None or gap > best[0]):
            best = gap, low, high
    about = f"Groups by {report.by}"
    if best is not None:
        _, low, high = best
        yield (
            about,
            f"{report.names[low.element]} differs most: {_in_group(report, high)} against "
            f"{_in_group(report, low)}. This is the largest of many differences, and length is "
            "not taken into account.",
        )
    elif several:
        yield (
            about,
            "No element differs so much that the intervals of the highest and the lowest group "
            "are apart.",
        )


def _apart(low: PrevalenceFigure, high: PrevalenceFigure) -> bool:
    if low.shown_high is None or high.shown_low is None:
        return False
    return low.shown_high < high.shown_low


def _in_group(report: ReportInput, row: PrevalenceFigure) -> str:
    interval = share(row.shown, row.shown_low, row.shown_high)
    return f"{interval} in {report.group_name(row.group)} (n = {count(row.n)})"


def _comparison(report: ReportInput) -> Iterator[Finding]:
    """Yield how many differences stand at equal length, and the largest of them."""
    a, b = sides(report)
    about = f"{a} against {b}"
    raw, equal = (_compared(report, method) for method in ("raw", "matched"))
    if not equal:
        yield (
            about,
            f"There are too few traces of like length (fewer than {report.min_n} on a side) for "
            "a fair comparison.",
        )
        return
    yield (
        about,
        f"As they are, they differ in {len(_significant(raw))} of {plural(len(raw), 'element')}; "
        f"among traces of like length, in {len(_significant(equal))} of {len(equal)} "
        f"(p < {ALPHA} after correction for many tests).",
    )
    strongest = sorted(_significant(equal), key=lambda row: -abs(row.difference or 0))[:_TOP]
    if strongest:
        items = [
            (_difference(report, row, a, b), f"n = {count(row.n_a)} and {count(row.n_b)}")
            for row in strongest
        ]
        yield "Largest differences at equal length", f"{_with_n(items)}."


def _compared(report: ReportInput, method: str) -> list[ComparisonFigure]:
    return [
        row
        for row in report.statistics.comparison
        if not row.group and row.method == method and not row.small and row.difference is not None
    ]


def _significant(rows: Iterable[ComparisonFigure]) -> list[ComparisonFigure]:
    return [row for row in rows if row.p_adjusted is not None and row.p_adjusted < ALPHA]


def _difference(report: ReportInput, row: ComparisonFigure, a: str, b: str) -> str:
    return (
        f"{report.names[row.element]}, {percent(row.share_a)} of {a} against "
        f"{percent(row.share_b)} of {b} (difference {points(row.difference, row.low, row.high)})"
    )


def _success(report: ReportInput) -> Iterator[Finding]:
    """Yield the elements that go most with right, or wrong, answers at equal length."""
    if not report.everything.graded:
        return
    about = "Right answers"
    rows = [
        row
        for row in report.statistics.success
        if not row.group and not row.small and row.odds_at_length_low is not None
    ]
    if not rows:
        yield about, "Too few traces are graded, or too many are alike, to relate elements to them."
        return
    apart = [row for row in rows if not _around_one(row)]
    if not apart:
        yield (
            about,
            "At equal length, no element goes clearly with right or wrong answers (the intervals "
            f"of all {len(rows)} odds ratios hold 1).",
        )
        return
    strongest = sorted(apart, key=lambda row: -_away(row))[:_TOP]
    yield (
        about,
        f"At equal length, {len(apart)} of {plural(len(rows), 'element')} with enough traces go "
        f"with right or with wrong answers ({number(0.05 * len(rows))} would by chance alone): "
        f"{_with_n([_odds(report, row) for row in strongest])}.",
    )


def _around_one(row: SuccessFigure) -> bool:
    low, high = row.odds_at_length_low, row.odds_at_length_high
    return low is None or high is None or low <= 1 <= high


def _away(row: SuccessFigure) -> float:
    """Return how far an odds ratio is from 1, whichever way."""
    value = row.odds_at_length or 0
    return max(value, 1 / value) if value > 0 else float("inf")


def _odds(report: ReportInput, row: SuccessFigure) -> tuple[str, str]:
    value = row.odds_at_length or 0
    interval = ratio(value, row.odds_at_length_low, row.odds_at_length_high)
    which = "right" if value > 1 else "wrong"
    text = f"{report.names[row.element]} with {which} answers (odds ratio {interval})"
    return text, f"n = {count(row.n)}"


def _positions(report: ReportInput) -> Iterator[Finding]:
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
        "Place in the text",
        f"{report.names[first.element]} is first seen earliest, after "
        f"{share(first.first, first.first_low, first.first_high)} of the text on average "
        f"(n = {count(first.n)}), {report.names[last.element]} latest, after "
        f"{share(last.first, last.first_low, last.first_high)} (n = {count(last.n)}).",
    )


def _solid(rows: Iterable[PrevalenceFigure]) -> list[PrevalenceFigure]:
    return [row for row in rows if not row.small and row.shown is not None]
