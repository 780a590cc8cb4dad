"""The guess from length: as good as it can be, and never judged on what it was fitted to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.corpora.evaluation import metrics
from cogtrace.corpora.evaluation.baseline import best_cuts, folds, length_scores


def _kappa(scores: list[int], gold: list[int]) -> float:
    table = np.zeros(9)
    for a, b in zip(scores, gold, strict=True):
        table[3 * a + b] += 1
    return float(np.nan_to_num(metrics.kappa(table)))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2)), min_size=1, max_size=20))
def test_thresholds_are_the_best_of_all_there_are(rows: list[tuple[int, int]]) -> None:
    values, gold = [a for a, _ in rows], [b for _, b in rows]

    low, high = best_cuts(np.array(values, dtype=float), np.array(gold))

    assert low <= high
    found = _kappa([(v > low) + (v > high) for v in values], gold)
    tries = [-1.0, *(level + 0.5 for level in range(10))]
    best = max(
        _kappa([(v > a) + (v > b) for v in values], gold) for a in tries for b in tries if a <= b
    )
    assert found == pytest.approx(best)


def test_where_all_is_alike_the_guess_is_what_all_is() -> None:
    for level in (0, 1, 2):
        low, high = best_cuts(np.arange(1.0, 30.0), np.full(29, level))
        assert {(v > low) + (v > high) for v in range(100)} == {level}


def test_many_lengths_are_cut_at_some_of_them() -> None:
    rng = np.random.default_rng(0)
    length = rng.integers(0, 100_000, 5_000).astype(float)
    gold = (length > 30_000).astype(int) + (length > 70_000)

    low, high = best_cuts(length, gold)

    assert low == pytest.approx(30_000, rel=0.06)
    assert high == pytest.approx(70_000, rel=0.06)


def test_rows_of_a_question_are_in_one_fold_and_all_folds_are_used() -> None:
    cluster = np.repeat(np.arange(25), 4)

    fold = folds(cluster)

    assert all(len(set(fold[cluster == one])) == 1 for one in range(25))
    assert set(fold.tolist()) == set(range(10))
    assert set(folds(np.array([0, 1, 1])).tolist()) == {0, 1}


def test_a_fold_is_judged_by_thresholds_of_the_others() -> None:
    # The only long traces are in one fold, and all show it: nobody else can know.
    length = np.array([10.0] * 9 + [99.0] * 3)
    gold = np.array([[0]] * 9 + [[2]] * 3)
    fold = np.array([0, 1, 2] * 3 + [3] * 3)

    scores = length_scores(length, gold, fold)

    assert scores[fold == 3].tolist() == [[0]] * 3


def test_what_is_not_known_is_not_learnt_from() -> None:
    length = np.array([1.0, 2.0, 3.0, 4.0])
    gold = np.array([[-1], [-1], [0], [2]])

    scores = length_scores(length, gold, np.array([0, 0, 1, 1]))

    assert scores[2:].tolist() == [[-1], [-1]]  # the other fold knows nothing
    assert scores[:2, 0].min() >= 0
