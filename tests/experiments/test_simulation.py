"""Many experiments: arms that do not differ are seldom told apart, planted gains are found."""

from __future__ import annotations

import numpy as np
import pytest
from experiments import outcomes

from cogtrace.annotator.intervals import clopper_pearson
from cogtrace.experiments.estimating import Draws, adjusted, difference
from cogtrace.experiments.outcomes import Paired
from cogtrace.experiments.power import ALPHA, detectable, power

EXPERIMENTS = 1_000
FEW = Draws(number=200)


def _findings(data: Paired) -> int:
    rows = [difference(data, (place, 0), FEW) for place in range(1, len(data.arms))]
    return sum((row.p_adjusted or 1) < ALPHA for row in adjusted(rows))


@pytest.mark.slow
@pytest.mark.parametrize("clustered", [False, True], ids=["one run each", "repeated runs"])
def test_of_experiments_without_an_effect_hardly_more_than_one_in_twenty_shows_one(
    clustered: bool,
) -> None:
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(EXPERIMENTS):
        ease = rng.beta(1.2, 1.2, size=120)  # tasks differ, arms do not
        cluster = None
        if clustered:
            # Each question has a luck of its own in each arm, which its runs share.
            luck = rng.random((4, 40)) < ease[:40]
            cluster = np.repeat(np.arange(40), 3)
            right = np.repeat(luck, 3, axis=1) ^ (rng.random((4, 120)) < 0.1)
        else:
            right = rng.random((4, 120)) < ease
        wrong += _findings(outcomes(right, cluster)) > 0

    low, _ = clopper_pearson(wrong, EXPERIMENTS, 0.99)
    assert low <= ALPHA, f"{wrong} of {EXPERIMENTS} experiments showed what is not there"


@pytest.mark.slow
def test_a_planted_gain_of_eight_points_is_found_as_often_as_promised() -> None:
    questions, discordance, gain = 330, 0.25, 0.08
    rng = np.random.default_rng(12)
    shares = [(discordance + gain) / 2, (discordance - gain) / 2, 0.4]
    found = 0
    for _ in range(EXPERIMENTS):
        kind = rng.choice(4, size=questions, p=[*shares, 1 - sum(shares)])
        right = np.stack([np.isin(kind, [1, 2]), np.isin(kind, [0, 2])])
        found += _findings(outcomes(right)) > 0

    promised = power(questions, discordance, gain)
    low, high = clopper_pearson(found, EXPERIMENTS, 0.99)
    assert low <= promised <= high
    assert (detectable(questions, discordance) or 1) <= gain
    assert promised >= 0.8


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(13)
    held = 0
    for _ in range(EXPERIMENTS):
        ease = rng.random(150)
        right = np.stack([rng.random(150) < ease, rng.random(150) < np.minimum(1, ease + 0.1)])
        row = difference(outcomes(right), (1, 0), Draws(number=400))
        held += (row.low or 0) <= 0.095 <= (row.high or 0)

    low, high = clopper_pearson(held, EXPERIMENTS, 0.99)
    assert high >= 0.93  # a percentile bootstrap of 150 questions
    assert low <= 0.97
