"""What is promised before a run: power and the least difference that is found."""

from __future__ import annotations

import numpy as np
import pytest

from cogtrace.experiments.exact import mcnemar
from cogtrace.experiments.power import POWER, detectable, forecast, power


@pytest.mark.parametrize(
    ("questions", "discordance", "difference", "alpha"),
    [(40, 0.3, 0.2, 0.05), (150, 0.2, 0.1, 0.025), (60, 0.5, 0.0, 0.05)],
)
def test_power_is_the_share_of_experiments_that_find_it(
    questions: int, discordance: float, difference: float, alpha: float
) -> None:
    rng = np.random.default_rng(7)
    shares = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    drawn = rng.multinomial(questions, shares, size=3_000)
    kinds, counts = np.unique(drawn[:, :2], axis=0, return_counts=True)
    hits = sum(
        int(count)
        for (only_a, only_b), count in zip(kinds.tolist(), counts, strict=True)
        if mcnemar(only_a, only_b) <= alpha
    )

    assert hits / 3_000 == pytest.approx(power(questions, discordance, difference, alpha), abs=0.03)


@pytest.mark.parametrize("questions", [60, 200, 1_000, 5_000])
def test_the_least_detectable_difference_is_just_detectable(questions: int) -> None:
    least = detectable(questions, 0.25, 0.025)

    assert least is not None
    assert power(questions, 0.25, least, 0.025) == pytest.approx(POWER, abs=0.002)
    assert power(questions, 0.25, least * 0.9, 0.025) < POWER


def test_the_approximation_goes_on_where_the_exact_figure_ends() -> None:
    exact, approximate = (detectable(questions, 0.25) for questions in (2_000, 2_001))

    assert exact is not None
    assert approximate == pytest.approx(exact, abs=0.001)


def test_too_few_tasks_find_nothing_at_all() -> None:
    assert detectable(10, 0.25) is None
    assert forecast(10, 3).detectable is None
    assert power(0, 0.25, 0.1) == 0.0


def test_more_comparisons_find_less() -> None:
    one, several = forecast(300, 1).detectable, forecast(300, 4).detectable

    assert one is not None
    assert several is not None
    assert several > one


def test_a_difference_beyond_the_discordance_cannot_be() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        power(100, 0.1, 0.2)
