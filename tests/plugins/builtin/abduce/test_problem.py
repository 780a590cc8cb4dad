from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.plugins.builtin.abduce import exact, problem
from cogtrace.plugins.builtin.abduce.problem import Instance, solve

pytest.importorskip("scipy")

DELTAS = st.sampled_from([0.0, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.99])


@st.composite
def instances(draw: st.DrawFn, most: int = 9) -> Instance:
    count = draw(st.integers(0, most))
    places = st.integers(0, max(0, count - 1))
    pairs = st.tuples(places, places).filter(lambda pair: pair[0] != pair[1])
    return Instance(
        confidences=tuple(
            draw(st.lists(st.integers(0, 8), min_size=count, max_size=count).map(_shares))
        ),
        conflicts=tuple(draw(st.lists(pairs, max_size=20))) if count > 1 else (),
        flags=tuple(draw(st.lists(places, max_size=5))) if count else (),
        banned=draw(st.frozensets(places, max_size=2)) if count else frozenset(),
    )


def _shares(eighths: list[int]) -> list[float]:
    return [eighth / 8 for eighth in eighths]


def _best_of_all(instance: Instance, delta: float) -> tuple[int, float]:
    count = len(instance.confidences)
    sets = (s for n in range(count + 1) for s in itertools.combinations(range(count), n))
    return max(instance.value(kept) for kept in sets if instance.respects(kept, delta))


@settings(deadline=None, max_examples=25)
@given(instance=instances(), delta=DELTAS)
def test_the_exact_solver_finds_what_trying_all_sets_finds(
    instance: Instance, delta: float
) -> None:
    found = solve(instance, delta, "exact", seconds=30)

    assert instance.value(found.kept) == pytest.approx(_best_of_all(instance, delta))
    assert found.proven or found.solver == "heuristic"


@settings(deadline=None, max_examples=25)
@given(instance=instances(most=24), delta=DELTAS)
def test_both_solvers_keep_to_the_bound_and_the_exact_one_covers_no_less(
    instance: Instance, delta: float
) -> None:
    quick, best = solve(instance, delta), solve(instance, delta, "exact", seconds=30)

    for found in (quick, best):
        assert instance.respects(found.kept, delta)
        assert found.violations == instance.violations(found.kept)
        assert found.rate <= delta + 1e-9
        assert list(found.kept) == sorted(set(found.kept))
    assert instance.value(best.kept) >= instance.value(quick.kept)


@settings(deadline=None, max_examples=40)
@given(instance=instances(), delta=DELTAS)
def test_the_same_instance_has_the_same_solution(instance: Instance, delta: float) -> None:
    assert solve(instance, delta) == solve(instance, delta)


def test_of_sets_equally_large_the_more_confident_one_is_kept() -> None:
    two_camps = Instance((0.2, 0.2, 0.9, 0.3), ((0, 2), (0, 3), (1, 2), (1, 3)))

    for solver in ("exact", "heuristic"):
        assert solve(two_camps, 0, solver).kept == (2, 3)


def test_more_inconsistency_allowed_keeps_more() -> None:
    three = Instance((0.5, 0.5, 0.5), ((0, 1),), flags=(2,))

    assert [len(solve(three, delta, "exact").kept) for delta in (0, 0.5, 2 / 3)] == [1, 2, 3]


def test_nothing_is_kept_where_all_is_banned() -> None:
    assert solve(Instance((0.9, 0.9), banned=frozenset({0, 1})), 1, "exact").kept == ()
    assert solve(Instance(()), 0, "exact").kept == ()


def test_too_many_constraints_are_left_to_the_heuristic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "MOST_CONFLICTS", 1)

    found = solve(Instance((0.5,) * 3, ((0, 1), (1, 2))), 0, "exact")

    assert (found.kept, found.solver, found.proven) == ((0, 2), "heuristic", False)


def test_an_exact_solution_that_takes_too_long_is_not_waited_for() -> None:
    size = 70
    pairs = tuple(
        (a, b) for a, b in itertools.combinations(range(size), 2) if (a * 31 + b * 17) % 7 == 0
    )
    began = time.perf_counter()

    found = solve(Instance((0.5,) * size, pairs), 0.05, "exact", seconds=0.3)

    assert time.perf_counter() - began < 10
    assert Instance((0.5,) * size, pairs).respects(found.kept, 0.05)


@pytest.mark.parametrize(
    "wrong",
    [
        {"conflicts": ((0, 2),)},
        {"conflicts": ((0, 0),)},
        {"flags": (5,)},
        {"banned": frozenset({-1})},
        {"confidences": (1.5, 0)},
    ],
)
def test_an_instance_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"prediction|confidences"):
        Instance(**{"confidences": (0.5, 0.5), **wrong})
    with pytest.raises(ValueError, match="delta"):
        problem.solve(Instance((0.5,)), -0.1)
