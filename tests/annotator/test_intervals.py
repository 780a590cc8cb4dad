"""Intervals for shares, and what a screen missed."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.annotator.intervals import clopper_pearson, missed, wilson

COUNTS = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.5, 0.8, 0.95, 0.99])


def _at_least(successes: int, n: int, share: float) -> float:
    """Return the exact probability of so many successes or more."""
    p = Fraction(share)
    terms = (math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(successes, n + 1))
    return float(sum(terms, Fraction(0)))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        pytest.param(0, 10, 0.0, 0.2775, id="none"),
        pytest.param(10, 10, 0.7225, 1.0, id="all"),
        pytest.param(5, 10, 0.2366, 0.7634, id="half"),
        pytest.param(81, 263, 0.2553, 0.3662, id="a published example"),
    ],
)
def test_wilson_gives_the_known_figures(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS, LEVELS)
def test_both_ends_of_wilson_are_where_the_score_test_turns(
    counts: tuple[int, int], level: float
) -> None:
    successes, n = counts
    two_sided = {0.5: 0.67449, 0.8: 1.28155, 0.95: 1.95996, 0.99: 2.57583}[level]

    for end in wilson(successes, n, level):
        if 0 < end < 1:
            score = abs(successes / n - end) / math.sqrt(end * (1 - end) / n)
            assert score == pytest.approx(two_sided, abs=1e-4)


@given(COUNTS, LEVELS)
def test_the_exact_interval_leaves_half_of_the_rest_on_either_side(
    counts: tuple[int, int], level: float
) -> None:
    successes, n = counts
    tail = (1 - level) / 2

    low, high = clopper_pearson(successes, n, level)

    if successes:
        assert _at_least(successes, n, low) == pytest.approx(tail, rel=1e-6)
    else:
        assert low == 0.0
    if successes < n:
        assert 1 - _at_least(successes + 1, n, high) == pytest.approx(tail, rel=1e-6)
    else:
        assert high == 1.0


@pytest.mark.parametrize("n", [1, 100, 10_000, 5_600_000])
def test_with_no_success_the_exact_interval_ends_where_the_closed_form_says(n: int) -> None:
    assert clopper_pearson(0, n)[1] == pytest.approx(-math.expm1(math.log(0.025) / n), rel=1e-6)


def test_the_exact_interval_holds_for_millions_of_cases() -> None:
    low, high = clopper_pearson(140_000, 2_800_000)

    # With so many cases, that of Wilson is as good.
    assert (low, high) == pytest.approx(wilson(140_000, 2_800_000), abs=1e-6)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_with_no_case_nothing_is_known(interval: type[object]) -> None:
    assert interval(0, 0) == (0.0, 1.0)  # type: ignore[call-arg]


@given(COUNTS, LEVELS)
def test_intervals_hold_the_share_found_and_mirror_each_other(
    counts: tuple[int, int], level: float
) -> None:
    successes, n = counts
    for interval in (wilson, clopper_pearson):
        low, high = interval(successes, n, level)
        assert 0 <= low <= (successes / n if n else 0.5) <= high <= 1
        mirrored = interval(n - successes, n, level)
        assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (0, -1)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    for interval in (wilson, clopper_pearson):
        with pytest.raises(ValueError, match="cannot be"):
            interval(successes, n)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, math.nan])
def test_a_level_that_is_no_probability_is_refused(level: float) -> None:
    for interval in (wilson, clopper_pearson):
        with pytest.raises(ValueError, match="level"):
            interval(1, 2, level)


def test_what_was_missed_is_counted_among_the_pairs_never_asked() -> None:
    found = missed(audited=100, shown=2, ruled_out=2_100)

    low, high = clopper_pearson(2, 100)
    assert (found.estimate, found.low, found.high) == (0.02, low, high)
    assert (found.pairs_low, found.pairs_high) == (math.floor(2_000 * low), math.ceil(2_000 * high))
    assert found.pairs_low == 4
    assert found.pairs_high == 141


def test_without_an_audit_all_or_none_may_have_been_missed() -> None:
    found = missed(audited=0, shown=0, ruled_out=50)

    assert found.estimate is None
    assert (found.low, found.high) == (0.0, 1.0)
    assert (found.pairs_low, found.pairs_high) == (0, 50)


@pytest.mark.parametrize(("audited", "shown"), [(0, 0), (7, 3)])
def test_nothing_is_missed_where_all_that_was_ruled_out_was_asked(audited: int, shown: int) -> None:
    found = missed(audited=audited, shown=shown, ruled_out=audited)

    assert (found.pairs_low, found.pairs_high) == (0, 0)


@pytest.mark.parametrize(
    ("audited", "shown", "ruled_out"), [(5, 6, 10), (11, 1, 10), (5, -1, 10), (-1, -1, 0)]
)
def test_counts_of_an_audit_that_contradict_each_other_are_refused(
    audited: int, shown: int, ruled_out: int
) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        missed(audited, shown, ruled_out)
