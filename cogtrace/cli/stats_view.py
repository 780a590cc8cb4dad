"""Statistics as lines of text, for people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

from cogtrace.printable import one_line, printable

if TYPE_CHECKING:
    from cogtrace.corpora.statistics import Statistics
    from cogtrace.corpora.statistics.figures import (
        ComparisonFigure,
        CorrectedFigure,
        Group,
        GroupFigure,
    )

_SMALL: Final = "°"
_METHODS: Final = {
    "raw": "as they are",
    "matched": "in bins of length",
    "regression": "by regression on log length",
}

_CORRECTIONS: Final = {
    "rogan-gladen": "Rogan-Gladen",
    "prediction-powered": "prediction-powered",
}


def lines(found: Statistics) -> Iterator[str]:
    """Yield the lines of all tables that fit a screen."""
    min_n = found.parameters["min_n"]
    (everything, *groups) = found.groups
    yield _about(everything)
    yield ""
    yield from _elements(found)
    if groups:
        yield ""
        yield from _matrix(found, groups)
    if found.corrected:
        yield ""
        yield from _corrected(found)
    if found.comparison:
        yield ""
        yield from _comparison(found)
    yield ""
    yield f"[a, b]: interval at 95 %, by question; {_SMALL} rests on fewer than {min_n} traces"
    yield from (printable(f"note: {note}") for note in found.notes)
    yield "all figures: --json FILE or --parquet DIR; what they mean: docs/statistics.md"


def _about(group: GroupFigure) -> str:
    graded = (
        f"{group.graded:,} graded, {group.correct / group.graded:.0%} right"
        if group.graded
        else "none graded"
    )
    what = "clusters" if group.without_question else "questions"
    return (
        f"{group.n:,} traces, {group.clusters:,} {what}; {graded}; "
        f"median length {group.length_median or 0:,.0f} characters"
    )


def _elements(found: Statistics) -> Iterator[str]:
    """Yield the table of all traces."""
    width = _width(found)
    yield (
        f"{'element':{width}} {'n':>7}  {'shown (score 1-2)':17}  {'present (score 2)':17} "
        f"{'spans':>6} {'text':>5} {'first':>5}  success: odds ratio"
    )
    spans = {row.element: row for row in found.spans if not row.group}
    places = {row.element: row for row in found.positions if not row.group}
    success = {row.element: row for row in found.success if not row.group}
    for row in found.prevalence:
        if row.group:
            continue
        span, place, right = spans[row.element], places[row.element], success[row.element]
        yield (
            f"{row.element:{width}} {_count(row.n, row.small)}  "
            f"{_share(row.shown, row.shown_low, row.shown_high):17}  "
            f"{_share(row.present, row.present_low, row.present_high):17} "
            f"{_plain(span.spans_per_trace, '.1f'):>6} {_plain(span.covered, '.0%'):>5} "
            f"{_plain(place.first, '.0%'):>5}  "
            f"{_odds(right.odds_ratio, right.odds_low, right.odds_high)}"
            f"{_SMALL if right.small and right.odds_ratio is not None else ''}"
        ).rstrip()


def _matrix(found: Statistics, groups: list[GroupFigure]) -> Iterator[str]:
    """Yield the shares shown, a column per group."""
    some = groups[: len(ascii_uppercase)]
    yield "shown, by group:"
    for letter, group in zip(ascii_uppercase, some, strict=False):
        yield f"  {letter}  {_name(group.group)}: {_about(group)}{_SMALL if group.small else ''}"
    if len(groups) > len(some):
        yield f"  … {len(groups) - len(some):,} more groups are in --json and --parquet"
    width = _width(found)
    yield f"{'':{width}} " + " ".join(f"{letter:>5}" for letter in ascii_uppercase[: len(some)])
    shares = {(_name(row.group), row.element): row for row in found.prevalence}
    for element in _names(found):
        cells = []
        for group in some:
            row = shares[_name(group.group), element]
            cells.append(f"{_plain(row.shown, '.0%')}{_SMALL if row.small else ' '}")
        yield f"{element:{width}} " + " ".join(f"{cell:>5}" for cell in cells).rstrip()


def _corrected(found: Statistics) -> Iterator[str]:
    """Yield raw and corrected shares side by side."""
    yield "share of traces that show it, corrected for the annotator's errors on the gold:"
    width = _width(found)
    by_method = {
        method: {
            (_name(row.group), row.element): row for row in found.corrected if row.method == method
        }
        for method in _CORRECTIONS
    }
    heads = " ".join(f"{words:20}" for method, words in _CORRECTIONS.items() if by_method[method])
    for _, rows in groupby(found.corrected, key=lambda row: _name(row.group)):
        mine = [row for row in rows if row.method == "rogan-gladen"]
        group = mine[0].group
        head = f"{_name(group)[:width]:{width}} {'raw':17} {'found':>5} {'clear':>5}  {heads}"
        yield head.rstrip()
        for row in mine:
            cells = [
                _correction(by_method[method].get((_name(group), row.element)))
                for method in _CORRECTIONS
            ]
            yield (
                f"{row.element:{width}} {_share(row.raw, row.raw_low, row.raw_high):17} "
                f"{_plain(row.sensitivity, '.0%'):>5} {_plain(row.specificity, '.0%'):>5}  "
                f"{' '.join(f'{cell:20}' for cell in cells)}"
            ).rstrip()
    yield "  found, clear: sensitivity and specificity; ×: no better than chance, not corrected"


def _correction(row: CorrectedFigure | None) -> str:
    if row is None:
        return ""
    if row.corrected is None:
        return "×" if row.reason == "no-better-than-chance" else "-"
    return f"{_share(row.corrected, row.low, row.high)}{_SMALL if row.small else ''}"


def _comparison(found: Statistics) -> Iterator[str]:
    """Yield the comparisons, all methods side by side."""
    a, b = (one_line(name) for name in found.parameters["compare"])
    yield f"difference in traces that show it, {a} minus {b}, in points:"
    lengths = {(_name(row.group), row.method): row for row in found.comparison_lengths}
    for name, rows in groupby(found.comparison, key=lambda row: _name(row.group)):
        yield from _one_comparison(name, list(rows), _width(found))
        for method, words in _METHODS.items():
            size = lengths[name, method]  # type: ignore[index]  # the methods there are
            yield (
                f"  {words}: {size.n_a:,} traces of {size.length_a or 0:,.0f} characters against "
                f"{size.n_b:,} of {size.length_b or 0:,.0f} (geometric means); "
                f"{size.dropped_a + size.dropped_b:,} dropped"
            )


def _one_comparison(name: str, rows: list[ComparisonFigure], width: int) -> Iterator[str]:
    by_method = {
        method: {row.element: row for row in rows if row.method == method} for method in _METHODS
    }
    heads = [f"{words:27}" for words in _METHODS.values()]
    yield f"{name[:width]:{width}} " + " ".join(heads).rstrip()
    for element in dict.fromkeys(row.element for row in rows):
        cells = [_difference(by_method[method][element]) for method in _METHODS]
        yield f"{element:{width}} " + " ".join(f"{cell:27}" for cell in cells).rstrip()
    yield "  * p < 0.05 after Benjamini and Hochberg's correction for all elements of a column"


def _difference(row: ComparisonFigure) -> str:
    if row.difference is None:
        return "-"
    star = "*" if row.p_adjusted is not None and row.p_adjusted < 0.05 else ""
    bounds = ""
    if row.low is not None and row.high is not None:
        bounds = f" [{100 * row.low:+.0f}, {100 * row.high:+.0f}]"
    return f"{100 * row.difference:+.0f}{bounds}{star}{_SMALL if row.small else ''}"


def _width(found: Statistics) -> int:
    return max([len(name) for name in _names(found)] + [20])


def _names(found: Statistics) -> list[str]:
    return [row.element for row in found.prevalence if not row.group]


def _name(group: Group) -> str:
    """Return a group in words."""
    if not group:
        return "all traces"
    return ", ".join(
        f"{one_line(key)}={'(none)' if value is None else one_line(value)}"
        for key, value in group.items()
    )


def _count(n: int, small: bool) -> str:
    return f"{n:>6,}{_SMALL if small else ' '}"


def _plain(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _share(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "-"
    bounds = "" if low is None or high is None else f" [{100 * low:.0f}, {100 * high:.0f}]"
    return f"{value:.0%}{bounds}"


def _odds(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "-"
    bounds = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    return f"{value:.2f}{bounds}"
