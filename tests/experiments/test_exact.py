"""Exact tests and their correction agree with scipy, statsmodels and plain enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.experiments.exact import SMALLEST, holm, mcnemar, sign_flip

stats = pytest.importorskip("scipy.stats")
tables = pytest.importorskip("statsmodels.stats.contingency_tables")
multitest = pytest.importorskip("statsmodels.stats.multitest")

COUNTS = st.integers(min_value=0, max_value=400)
DIFFERENCES = st.lists(st.integers(min_value=-4, max_value=4), min_size=1, max_size=9)
P_VALUES = st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=12)


@given(COUNTS, COUNTS)
def test_mcnemar_is_that_of_scipy_and_statsmodels(only_a: int, only_b: int) -> None:
    found = mcnemar(only_a, only_b)

    if only_a + only_b:
        scipy = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue
        assert found == pytest.approx(max(scipy, SMALLEST), rel=1e-9)
    other = tables.mcnemar([[7, only_a], [only_b, 5]], exact=True).pvalue
    assert found == pytest.approx(max(min(1, other), SMALLEST), rel=1e-9)


@given(DIFFERENCES)
def test_a_sign_flip_test_counts_all_ways_to_turn_signs(values: list[int]) -> None:
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, values, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(values))
    ]
    expected = sum(one >= abs(sum(values)) for one in sums) / len(sums)

    assert sign_flip(np.array(values)) == pytest.approx(expected, rel=1e-9)


@given(DIFFERENCES)
def test_the_sign_of_all_differences_and_those_of_nothing_do_not_matter(values: list[int]) -> None:
    found = sign_flip(np.array(values))

    assert sign_flip(-np.array(values)) == pytest.approx(found)
    assert sign_flip(np.array([*values, 0, 0])) == found


def test_very_many_tasks_are_no_trouble() -> None:
    assert mcnemar(50_000, 50_000) == 1.0
    assert mcnemar(90_000, 10_000) == SMALLEST
    expected = stats.binomtest(50_700, 100_000, 0.5).pvalue
    assert mcnemar(50_700, 49_300) == pytest.approx(expected, rel=1e-6)
    assert 0 < sign_flip(np.repeat([3, -3, 2, -2], 20_000) + 0) <= 1


@settings(max_examples=25, deadline=None)
@given(P_VALUES)
def test_holm_is_that_of_statsmodels(values: list[float]) -> None:
    expected = multitest.multipletests(values, method="holm")[1]

    assert holm(values) == pytest.approx(list(expected))


def test_a_missing_p_value_is_no_test() -> None:
    assert holm([0.02, None, 0.03]) == [0.04, None, 0.04]
    assert holm([]) == []
