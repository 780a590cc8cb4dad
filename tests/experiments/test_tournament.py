"""Arms in pairs: Glicko-2 as published, scores with intervals, files of people's decisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.errors import InputError
from cogtrace.experiments.estimating import Draws
from cogtrace.experiments.glicko import Player, after
from cogtrace.experiments.tournament import Game, read_winners, tournament

DRAWS = Draws(number=300)
ARMS = ["plain", "restate", "analogy"]


def test_a_rating_period_is_that_of_glickmans_example() -> None:
    games = [
        (Player.of(1400, 30), 1.0),
        (Player.of(1550, 100), 0.0),
        (Player.of(1700, 300), 0.0),
    ]

    found = after(Player.of(1500, 200, 0.06), games)

    # "Example of the Glicko-2 system", 2012 revision, with its rounding on the way.
    assert found.rating == pytest.approx(1464.06, abs=0.02)
    assert found.deviation == pytest.approx(151.52, abs=0.01)
    assert found.sigma == pytest.approx(0.05999, abs=0.00001)


@settings(deadline=None)
@given(
    st.floats(500, 2500),
    st.floats(30, 350),
    st.lists(
        st.tuples(st.floats(500, 2500), st.floats(30, 350), st.sampled_from([0.0, 0.5, 1.0])),
        min_size=1,
        max_size=12,
    ),
)
def test_the_volatility_is_where_glickmans_function_is_nought(
    rating: float, deviation: float, played: list[tuple[float, float, float]]
) -> None:
    before = Player.of(rating, deviation)

    found = after(before, [(Player.of(r, d), score) for r, d, score in played])

    assert 0 < found.sigma < 1
    assert found.phi < np.hypot(before.phi, found.sigma)  # games make it surer


def _games(tasks: int, chance: float) -> list[Game]:
    rng = np.random.default_rng(5)
    return [(str(task), 0, 1, float(rng.random() < chance)) for task in range(tasks)]


def test_the_better_arm_is_rated_higher_by_about_what_it_wins() -> None:
    found = tournament(
        ["strong", "weak"], _games(400, 0.75), DRAWS, judge="j", bias=None, left_out=0
    )

    strong, weak = found.ratings
    assert strong.score == pytest.approx(0.75, abs=0.05)
    assert strong.score_low is not None
    assert strong.score_low > 0.6
    gap = strong.rating - weak.rating
    assert 1 / (1 + 10 ** (-gap / 400)) == pytest.approx(0.75, abs=0.08)
    assert strong.rating_low > weak.rating_high


def test_arms_that_win_as_often_are_not_told_apart() -> None:
    found = tournament(["a", "b"], _games(200, 0.5), DRAWS, judge="j", bias=None, left_out=0)

    a, b = found.ratings
    assert a.rating_low < b.rating_high
    assert b.rating_low < a.rating_high


def test_an_arm_that_won_everything_is_not_sure_to_go_on_so() -> None:
    found = tournament(["a", "b"], _games(8, 1.1), DRAWS, judge="j", bias=None, left_out=0)

    assert found.ratings[0].score == 1.0
    assert (found.ratings[0].score_low or 1) < 0.7


def test_decisions_of_people_are_read(tmp_path: Path) -> None:
    path = tmp_path / "winners.csv"
    path.write_text(
        "task,arm_a,arm_b,winner\n1,plain,restate,restate\n2,plain,analogy,tie\n3,restate,plain,\n"
    )

    assert read_winners(path, ARMS) == [("1", 0, 1, 0.0), ("2", 0, 2, 0.5), ("3", 1, 0, 0.5)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("task,arm_a,winner\n", "no column arm_b"),
        ("task,arm_a,arm_b,winner\n1,plain,nobody,plain\n", "line 2: 'nobody' is no arm"),
        ("task,arm_a,arm_b,winner\n1,plain,plain,plain\n", "against itself"),
        ("task,arm_a,arm_b,winner\n1,plain,restate,analogy\n", "not 'analogy'"),
        ("", "no column task"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_line(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "winners.csv"
    path.write_text(content)

    with pytest.raises(InputError, match=message):
        read_winners(path, ARMS)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_winners(tmp_path / "none.csv", ARMS)
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_winners(tmp_path / "x.csv", ARMS)
