"""What is said of arms: paired figures, failures, clusters, notes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from experiments import made_arm, outcomes
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.annotator.intervals import wilson
from cogtrace.errors import InputError
from cogtrace.experiments.comparing import Question, compare_arms
from cogtrace.experiments.estimating import Draws, arm_figures, difference
from cogtrace.experiments.exact import mcnemar
from cogtrace.plugins.guidance import Sampling
from cogtrace.plugins.pipeline.records import PlanStep

DRAWS = Draws(number=400)
QUESTION = Question(draws=DRAWS)
YES, NO = True, False


def test_a_difference_is_paired_and_tested_on_the_tasks_that_one_alone_got_right() -> None:
    plain = made_arm("plain", [YES] * 10 + [NO] * 30)
    better = made_arm("better", [YES] * 8 + [NO] * 2 + [YES] * 15 + [NO] * 15)

    found = compare_arms([plain, better], QUESTION)

    (row,) = found.differences
    assert (row.only_arm, row.only_other) == (15, 2)
    assert row.difference == pytest.approx(13 / 40)
    assert row.p == pytest.approx(mcnemar(15, 2))
    assert row.p_adjusted == row.p
    assert row.test == "mcnemar"
    assert row.low is not None
    assert row.high is not None
    assert 0 < row.low < 13 / 40 < row.high
    assert [arm.accuracy for arm in found.arms] == [0.25, 23 / 40]
    assert (found.arms[0].low, found.arms[0].high) == pytest.approx(wilson(10, 40))
    assert sum(flip.gained for flip in found.flips) == 15
    assert len(found.flips) == 17


def test_failed_tasks_count_as_wrong_and_the_difference_without_them_stands_beside() -> None:
    plain = made_arm("plain", [YES] * 10 + [NO] * 10)
    broken = made_arm("broken", [YES] * 20, failed=[YES] * 6 + [NO] * 14)

    (row,) = compare_arms([plain, broken], QUESTION).differences
    assert row.difference == pytest.approx((14 - 10) / 20)
    assert row.left_out == 6
    assert row.without_failed == pytest.approx((14 - 4) / 14)


def test_tasks_that_nothing_tells_right_from_wrong_of_are_left_out_for_all_arms() -> None:
    plain, other = (made_arm(name, [YES] * 12) for name in ("plain", "other"))
    open_ = other.frame.with_columns(
        right=pl.when(pl.col("task_id") == "t3").then(None).otherwise(pl.col("right"))
    )

    found = compare_arms([plain, replace(other, frame=open_)], QUESTION)

    assert (found.counts.compared, found.counts.ungraded) == (11, 1)
    assert [arm.right for arm in found.arms] == [11, 11]
    nothing = replace(other, frame=open_.with_columns(right=pl.lit(None, dtype=pl.Boolean)))
    with pytest.raises(InputError, match="reference_answer"):
        compare_arms([plain, nothing], QUESTION)


def test_runs_of_a_question_stand_and_fall_together() -> None:
    questions = [number // 10 for number in range(100)]
    plain = made_arm("plain", [NO] * 100, questions=questions)
    once = made_arm("once", [number < 30 for number in range(100)], questions=questions)

    (row,) = compare_arms([plain, once], QUESTION).differences

    assert row.test == "sign-flip"
    assert row.questions == 10
    assert row.p == pytest.approx(2 * 0.5**3)  # three questions, not thirty tasks
    independent = difference(
        outcomes(np.array([[NO] * 100, [number < 30 for number in range(100)]])), (1, 0), DRAWS
    )
    assert row.low is not None
    assert independent.low is not None
    assert row.low < independent.low


def test_arms_of_which_each_task_came_out_the_same_are_not_sure_to_be_alike() -> None:
    (row,) = compare_arms(
        [made_arm("a", [YES] * 20), made_arm("b", [YES] * 20)], QUESTION
    ).differences

    assert row.p == 1.0
    assert row.low == pytest.approx(-(row.high or 0))
    assert (row.high or 0) > 0.1


def test_tasks_that_an_arm_lacks_are_left_out_and_told_of() -> None:
    found = compare_arms([made_arm("a", [YES] * 12), made_arm("b", [NO] * 15)], QUESTION)

    assert found.counts.compared == 12
    assert found.counts.unpaired == 3
    assert any("3 tasks were not run in every arm" in note for note in found.notes)


def test_tasks_under_the_same_id_with_another_question_are_not_paired() -> None:
    other = made_arm("b", [YES] * 12, questions=[number + 1 for number in range(12)])

    with pytest.raises(InputError, match="no task in common"):
        compare_arms([made_arm("a", [YES] * 12), other], QUESTION)


def test_what_else_differs_between_arms_is_told() -> None:
    warm = made_arm("warm", [YES] * 12, sampling=Sampling(temperature=1.0), seed=3)

    notes = compare_arms([made_arm("a", [NO] * 12), warm], QUESTION).notes

    assert any("same sampling" in note for note in notes)
    assert any("same seed" in note for note in notes)
    assert not any("same model" in note for note in notes)


def test_looking_before_the_end_is_told() -> None:
    half = made_arm("half", [YES] * 12, status="interrupted")

    found = compare_arms([made_arm("a", [NO] * 12), half], QUESTION)

    assert not found.setting.finished
    assert any("worthless" in note for note in found.notes)


def test_a_dear_arm_without_a_control_is_told_of_and_one_with_is_compared_with_it() -> None:
    step = PlanStep(plugin="restate", version="1", options={})
    plain = made_arm("plain", [YES, NO] * 10)
    dear = made_arm("dear", [YES] * 20, tokens=900, plan=(step,))
    control = made_arm("control", [YES] * 18 + [NO] * 2, tokens=880)

    alone = compare_arms([plain, dear], QUESTION)
    with_control = compare_arms([plain, dear, control], Question(draws=DRAWS, controls=["control"]))

    assert any("plain samples" in note for note in alone.notes)
    assert not any("plain samples" in note for note in with_control.notes)
    pairs = [(row.arm, row.other) for row in with_control.differences]
    assert pairs == [("dear", "plain"), ("control", "plain"), ("dear", "control")]
    by_pair = dict(zip(pairs, with_control.differences, strict=True))
    assert by_pair["dear", "plain"].p_adjusted == pytest.approx(2 * mcnemar(10, 0))
    assert by_pair["dear", "control"].p_adjusted == by_pair["dear", "control"].p


def test_problem_types_are_adjusted_for_their_number() -> None:
    types = ["story"] * 12 + ["logical"] * 12
    plain = made_arm("plain", [NO] * 24, types=types)
    better = made_arm("better", [YES] * 12 + [NO] * 12, types=types)

    rows = compare_arms([plain, better], QUESTION).by_type

    assert [(row.problem_type, row.n) for row in rows] == [("logical", 12), ("story", 12)]
    assert rows[1].p_adjusted == pytest.approx(2 * (rows[1].p or 0))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=60)
)
def test_swapping_two_arms_turns_the_difference_over_and_leaves_p(
    tasks: list[tuple[bool, bool, int]],
) -> None:
    right = np.array([[a for a, _, _ in tasks], [b for _, b, _ in tasks]])
    data = outcomes(right, np.array([q for _, _, q in tasks]))

    one, other = (difference(data, pair, DRAWS) for pair in ((1, 0), (0, 1)))

    assert one.p == pytest.approx(other.p)
    assert one.difference == pytest.approx(-(other.difference or 0))
    assert (one.low is None) == (other.high is None)  # of one question nothing can be drawn
    assert (one.low or 0) == pytest.approx(-(other.high or 0), abs=1e-6)
    for row in (one, other):
        assert -1 <= (row.low or 0) <= (row.high or 0) <= 1
    assert sum(figure.right for figure in arm_figures(data, DRAWS)) == right.sum()


def test_the_paired_interval_is_that_of_statsmodels_within_the_error_of_drawing() -> None:
    rng = np.random.default_rng(3)
    right = rng.random((2, 400)) < np.array([[0.5], [0.62]])
    gap = right[1].astype(float) - right[0]
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")

    row = difference(outcomes(right), (1, 0), Draws(number=4_000))

    low, high = weightstats.DescrStatsW(gap).zconfint_mean()
    assert row.low == pytest.approx(low, abs=0.006)
    assert row.high == pytest.approx(high, abs=0.006)
