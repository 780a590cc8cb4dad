"""Measures of association, against their definitions in plain arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.corpora.statistics.arrays import Array
from cogtrace.corpora.statistics.measures import (
    benjamini_hochberg,
    is_corrected,
    npmi,
    odds_ratio,
    pmi,
    two_sided,
)

cells = st.integers(0, 60)


def _table(*counts: int) -> tuple[Array, ...]:
    """Return both, a, b and n as arrays, from the four cells of the table."""
    both, only_a, only_b, _ = counts
    values = (both, both + only_a, both + only_b, sum(counts))
    return tuple(np.array([value]) for value in values)


@given(cells, cells, cells, cells)
def test_measures_are_what_their_definitions_say(s: int, t: int, u: int, v: int) -> None:
    table = _table(s, t, u, v)
    n = s + t + u + v
    found = [float(f(*table)[0]) for f in (pmi, npmi, odds_ratio)]

    if 0 in (s + t, u + v, s + u, t + v):
        assert all(map(math.isnan, found))
        assert not is_corrected(*table)[0]
        return
    bits = math.log2(s * n / ((s + t) * (s + u))) if s else -math.inf
    add = 0.5 if 0 in (s, t, u, v) else 0.0
    assert found[0] == pytest.approx(bits)
    assert found[1] == pytest.approx(bits / -math.log2(s / n) if s else -1.0)
    assert -1 <= found[1] <= 1
    assert found[2] == pytest.approx((s + add) * (v + add) / ((t + add) * (u + add)))
    assert is_corrected(*table)[0] == (add > 0)


@given(cells, cells, cells, cells)
def test_measures_do_not_depend_on_which_of_the_two_is_named_first(
    s: int, t: int, u: int, v: int
) -> None:
    for measure in (pmi, npmi, odds_ratio):
        here, there = measure(*_table(s, t, u, v)), measure(*_table(s, u, t, v))
        np.testing.assert_allclose(here, there, rtol=1e-12)


def test_what_is_never_together_is_at_the_end_of_the_scale_and_always_together_at_the_other() -> (
    None
):
    assert npmi(*_table(0, 5, 5, 5))[0] == -1
    assert npmi(*_table(5, 0, 0, 7))[0] == pytest.approx(1)
    assert npmi(*_table(4, 4, 4, 4))[0] == pytest.approx(0)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12))
def test_adjusted_p_values_are_those_of_the_step_up_procedure(values: list[float | None]) -> None:
    adjusted = benjamini_hochberg(values)

    known = [value for value in values if value is not None]
    for value, found in zip(values, adjusted, strict=True):
        if value is None:
            assert found is None
            continue
        # The least over all tests with at least this p of p * tests / number as small.
        candidates = [
            other * len(known) / sum(third <= other for third in known)
            for other in known
            if other >= value
        ]
        assert found == pytest.approx(min(1.0, *candidates) if candidates else 1.0)
        assert value - 1e-12 <= (found or 0.0) <= 1


@pytest.mark.parametrize(("z", "p"), [(0.0, 1.0), (1.6449, 0.1), (-1.96, 0.05), (3.2905, 0.001)])
def test_two_sided_probabilities_are_those_of_the_tables(z: float, p: float) -> None:
    assert two_sided(z) == pytest.approx(p, rel=1e-3)
