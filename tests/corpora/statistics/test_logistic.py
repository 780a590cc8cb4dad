"""Logistic regression with Firth's penalty, against what is known of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.corpora.statistics.arrays import Array
from cogtrace.corpora.statistics.logistic import fit

cells = st.integers(0, 15)


def _rows(counts: tuple[int, int, int, int]) -> tuple[Array, Array]:
    """Return columns (one, group) and outcomes of a table of two by two."""
    kinds = [(1, 1), (1, 0), (0, 1), (0, 0)]
    rows = [kind for kind, count in zip(kinds, counts, strict=True) for _ in range(count)]
    group, outcome = np.array(rows, dtype=float).T
    return np.stack([np.ones(len(group)), group], axis=1), outcome


@given(cells, cells, cells, cells)
@settings(max_examples=60)
def test_a_table_of_two_by_two_gives_the_odds_ratio_with_half_a_trace_in_each_cell(
    s: int, t: int, u: int, v: int
) -> None:
    if s + t == 0 or u + v == 0:
        return
    x, y = _rows((s, t, u, v))

    found = fit(x, y, np.arange(len(y)), 1)

    assert found is not None
    odds = (s + 0.5) * (v + 0.5) / ((t + 0.5) * (u + 0.5))
    assert found.coefficients[1] == pytest.approx(math.log(odds), abs=1e-6)


def _penalised(x: Array, y: Array, beta: list[float]) -> float:
    """Return the penalised log likelihood in plain arithmetic."""
    likelihood = 0.0
    information = [[0.0] * len(beta) for _ in beta]
    for row, outcome in zip(x.tolist(), y.tolist(), strict=True):
        p = 1 / (1 + math.exp(-sum(a * b for a, b in zip(row, beta, strict=True))))
        likelihood += math.log(p if outcome else 1 - p)
        for line, left in enumerate(row):
            for column, right in enumerate(row):
                information[line][column] += p * (1 - p) * left * right
    (a, b, c), (d, e, f), (g, h, i) = information
    return likelihood + 0.5 * math.log(
        a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_fit_is_at_the_top_of_the_penalised_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.stack([np.ones(60), rng.integers(0, 2, 60), rng.normal(0, 1, 60)], axis=1)
    y = (rng.random(60) < 1 / (1 + np.exp(-x @ [-0.4, 0.9, 1.2]))).astype(float)

    found = fit(x, y, np.arange(60), 1)

    assert found is not None
    best = found.coefficients.tolist()
    top = _penalised(x, y, best)
    for place in range(3):
        for step in (-1e-3, 1e-3):
            moved = [b + step * (i == place) for i, b in enumerate(best)]
            assert _penalised(x, y, moved) < top


def test_a_group_that_always_shows_it_has_a_finite_odds_ratio_and_an_honest_error() -> None:
    x, y = _rows((20, 0, 0, 20))

    found = fit(x, y, np.arange(40), 1)

    assert found is not None
    assert found.coefficients[1] == pytest.approx(math.log(41 * 41), abs=1e-6)
    # By the cells (20.5, 0.5, 0.5, 20.5) the error would be 2.02.
    assert found.error(1) > 1.9


def test_errors_allow_for_answers_to_the_same_question_being_alike() -> None:
    rng = np.random.default_rng(4)
    group = np.repeat(rng.integers(0, 2, 150), 8)
    outcome = np.repeat(rng.integers(0, 2, 150), 8).astype(float)
    x = np.stack([np.ones(1_200), group], axis=1)
    question = np.repeat(np.arange(150), 8)

    apart = fit(x, outcome, np.arange(1_200), 1)
    alike = fit(x, outcome, question, 1)
    once = fit(x[::8], outcome[::8], question[::8], 1)

    assert apart is not None
    assert alike is not None
    assert once is not None
    assert alike.error(1) == pytest.approx(apart.error(1) * math.sqrt(8), rel=0.02)
    assert alike.error(1) == pytest.approx(once.error(1), rel=0.05)


def test_columns_that_say_the_same_give_no_fit() -> None:
    x = np.ones((10, 2))

    assert fit(x, np.tile([0.0, 1.0], 5), np.arange(10), 1) is None
