"""The rules by which findings are chosen and put into words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from cogtrace.corpora.report import ReportInput
from cogtrace.corpora.report.findings import findings
from cogtrace.corpora.statistics.figures import (
    ComparisonFigure,
    Figure,
    Group,
    PositionFigure,
    PrevalenceFigure,
    SuccessFigure,
)

FOUR = ("counting", "doubting", "planning", "turning-back")


def _figure(kind: type[Figure], **values: Any) -> Any:
    """Return a figure in which all that is not given is plain."""
    plain: dict[str, Any] = {"group": {}, "small": False, "method": "matched"}
    fields = {
        field.name: plain.get(field.name)
        if field.name in plain
        else ""
        if field.type is str
        else False
        if field.type is bool
        else 0
        if field.type is int
        else None
        for field in msgspec.structs.fields(kind)
    }
    return kind(**fields | values)


def _share(
    element: str, shown: float, half: float = 0.05, group: Group | None = None, **v: Any
) -> Any:
    return _figure(
        PrevalenceFigure,
        **{"n": 100, "element": element, "group": group or {}, "shown": shown}
        | {"shown_low": shown - half, "shown_high": shown + half}
        | v,
    )


def _odds(element: str, value: float, low: float, high: float, **v: Any) -> Any:
    bounds = {"odds_at_length": value, "odds_at_length_low": low, "odds_at_length_high": high}
    return _figure(SuccessFigure, **{"n": 80, "element": element} | bounds | v)


def _difference(element: str, a: float, b: float, p: float | None, **v: Any) -> Any:
    return _figure(
        ComparisonFigure,
        **{"n_a": 30, "n_b": 40, "element": element, "share_a": a, "share_b": b, "p_adjusted": p}
        | {"difference": a - b, "low": a - b - 0.1, "high": a - b + 0.1}
        | v,
    )


@pytest.fixture
def say(small_source: ReportInput) -> Any:
    """Return a function that gives the findings of some figures alone, by what they are about."""

    def of(compare: bool = False, graded: int = 100, **tables: Any) -> dict[str, str]:
        statistics = small_source.statistics
        known = [_share(element, 0.5, small=True) for element in FOUR]
        empty = {"prevalence": known, "success": [], "positions": [], "comparison": []}
        everything = msgspec.structs.replace(statistics.groups[0], graded=graded)
        groups = [everything, *statistics.groups[1:]]
        sides = ["small", "large"] if compare else None
        found = msgspec.structs.replace(
            statistics,
            groups=groups,
            parameters=statistics.parameters | {"compare": sides, "by": ["model"], "min_n": 20},
            **empty | tables,
        )
        return dict(findings(replace(small_source, statistics=found)))

    return of


def test_the_most_and_least_frequent_elements_come_with_interval_and_n(say: Any) -> None:
    said = say(prevalence=[_share(e, s) for e, s in zip(FOUR, (0.2, 0.9, 0.5, 0.7), strict=True)])

    assert said["Most often shown"] == (
        "doubting in 90% [85, 95], turning-back in 70% [65, 75] and planning in 50% [45, 55] "
        "of the traces (n = 100)."
    )
    assert said["Least often shown"] == "counting in 20% [15, 25] of the traces (n = 100)."


def test_each_figure_has_its_own_n_where_they_differ(say: Any) -> None:
    said = say(prevalence=[_share("counting", 0.5), _share("doubting", 0.4, n=30)])

    assert said["Most often shown"] == (
        "counting in 50% [45, 55] of the traces (n = 100) and doubting in 40% [35, 45] of the "
        "traces (n = 30)."
    )


def test_figures_on_few_traces_are_no_findings(say: Any) -> None:
    said = say(
        compare=True,
        prevalence=[_share("counting", 0.9, small=True)],
        success=[_odds("counting", 9, 3, 20, small=True)],
        positions=[_figure(PositionFigure, element=e, first=0.1, n=5, small=True) for e in FOUR],
        comparison=[_difference("counting", 0.9, 0.1, 0.001, small=True)],
    )

    assert said == {
        "Frequency": "No element was asked about in 20 traces or more.",
        "“small” against “large”": "There are too few traces of like length (fewer than 20 on a "
        "side) for a fair comparison.",
        "Right answers": "Too few traces are graded, or too many are alike, to relate elements "
        "to them.",
    }


def test_of_groups_the_widest_gap_is_told_if_the_intervals_are_apart(say: Any) -> None:
    said = say(
        prevalence=[
            _share("counting", 0.9, 0.4, {"model": "large"}),
            _share("counting", 0.1, 0.4, {"model": "small"}),
            _share("doubting", 0.6, 0.05, {"model": "large"}, n=21),
            _share("doubting", 0.3, 0.05, {"model": "small"}, n=22),
        ]
    )

    assert said["Groups by model"] == (
        "doubting differs most: 60% [55, 65] in large (n = 21) against 30% [25, 35] in small "
        "(n = 22). This is the largest of many differences, and length is not taken into account."
    )


def test_groups_that_are_alike_are_said_to_be(say: Any) -> None:
    shares = [
        _share("counting", s, 0.1, {"model": m}) for m, s in (("large", 0.5), ("small", 0.45))
    ]

    assert say(prevalence=shares)["Groups by model"].startswith("No element differs so much")
    assert "Groups by model" not in say(prevalence=shares[:1])


def test_a_comparison_is_told_at_equal_length_and_only_what_stands_after_correction(
    say: Any,
) -> None:
    said = say(
        compare=True,
        comparison=[
            *(_difference(e, 0.9, 0.2, 0.001, method="raw") for e in FOUR),
            _difference("counting", 0.2, 0.6, 0.01),
            _difference("doubting", 0.9, 0.1, 0.2),
            _difference("planning", 0.5, 0.45, None),
            _difference("turning-back", 0.7, 0.1, 0.04),
        ],
    )

    assert said["“small” against “large”"] == (
        "As they are, they differ in 4 of 4 elements; among traces of like length, in 2 of 4 "
        "(p < 0.05 after correction for many tests)."
    )
    assert said["Largest differences at equal length"] == (
        "turning-back, 70% of “small” against 10% of “large” (difference +60 points [+50, +70]) "
        "and counting, 20% of “small” against 60% of “large” (difference −40 points [−50, −30]) "
        "(n = 30 and 40)."
    )
    assert not any(key.startswith("Groups") for key in said)


def test_where_no_difference_stands_none_is_called_the_largest(say: Any) -> None:
    said = say(compare=True, comparison=[_difference("counting", 0.2, 0.6, 0.5)])

    assert "in 0 of 1 " in said["“small” against “large”"]
    assert "Largest differences at equal length" not in said


def test_success_is_told_at_equal_length_with_what_chance_would_give(say: Any) -> None:
    said = say(
        success=[
            _odds("counting", 2.0, 1.5, 3.0),
            _odds("doubting", 0.125, 0.05, 0.5),
            _odds("planning", 8.5, 0.9, 80.0),
            _odds("turning-back", 1.0, 0.5, 2.0),
        ]
    )

    assert said["Right answers"] == (
        "At equal length, 2 of 4 elements with enough traces go with right or with wrong answers "
        "(0.2 would by chance alone): doubting with wrong answers (odds ratio 0.125 [0.05, 0.5]) "
        "and counting with right answers (odds ratio 2 [1.5, 3]) (n = 80)."
    )


def test_where_all_intervals_hold_one_nothing_goes_with_success(say: Any) -> None:
    said = say(success=[_odds("counting", 2.0, 0.5, 9.0)])

    assert said["Right answers"].startswith("At equal length, no element goes clearly with")


def test_without_grades_success_is_not_spoken_of(say: Any) -> None:
    assert "Right answers" not in say(graded=0, success=[_odds("counting", 2.0, 1.5, 3.0)])


def test_the_earliest_and_the_latest_element_are_told(say: Any) -> None:
    rows = [
        _figure(PositionFigure, element=e, n=50, first=x, first_low=x - 0.01, first_high=x + 0.01)
        for e, x in zip(FOUR, (0.3, 0.1, 0.2, 0.5), strict=True)
    ]

    assert say(positions=rows)["Place in the text"] == (
        "doubting is first seen earliest, after 10% [9, 11] of the text on average (n = 50), "
        "turning-back latest, after 50% [49, 51] (n = 50)."
    )
    assert "Place in the text" not in say(positions=rows[:1])


def test_every_finding_of_a_real_corpus_has_its_n(small_source: ReportInput) -> None:
    said = findings(small_source)

    assert len(said) >= 4
    for about, text in said:
        if "against" not in about and "Frequency" not in about:
            assert "n = " in text or "no element" in text.lower(), (about, text)
