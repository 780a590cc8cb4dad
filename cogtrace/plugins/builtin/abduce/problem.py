"""The abduction problem, free of any plugin: predictions, constraints, what is best.

Of a set of predictions the largest part is wanted whose inconsistency stays within a bound;
of parts equally large, the one with the greatest confidence. Inconsistency is the number of
constraints that the part violates, by the number of predictions in it. Constraints are pairs
that cannot both hold, and flags, each a violation as soon as the flagged one is in.

This is our own reconstruction from the abstract of arXiv 2505.19361, not the paper's program.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Solver = Literal["exact", "heuristic"]


@dataclass(frozen=True, slots=True)
class Instance:
    """What is to be decided: predictions are numbered from 0.

    Raises:
        ValueError: a number is not one of a prediction, or a value is out of range.
    """

    confidences: tuple[float, ...]  # one per prediction, 0 to 1
    conflicts: tuple[tuple[int, int], ...] = ()  # pairs; one given twice counts twice
    flags: tuple[int, ...] = ()  # predictions; one given twice counts twice
    banned: frozenset[int] = frozenset()  # predictions that are out whatever happens

    def __post_init__(self) -> None:
        known = range(len(self.confidences))
        paired = itertools.chain.from_iterable(self.conflicts)
        named = itertools.chain(paired, self.flags, self.banned)
        if any(place not in known for place in named):
            raise ValueError("a constraint is about a prediction that is not there")
        if any(one == other for one, other in self.conflicts):
            raise ValueError("a prediction cannot be in conflict with itself; flag it")
        if not all(0 <= value <= 1 for value in self.confidences):
            raise ValueError("confidences are from 0 to 1")

    def violations(self, kept: Collection[int]) -> int:
        """Return how many constraints a set of predictions violates."""
        inside = set(kept)
        pairs = sum(one in inside and other in inside for one, other in self.conflicts)
        return pairs + sum(place in inside for place in self.flags)

    def value(self, kept: Collection[int]) -> tuple[int, float]:
        """Return what is to be as great as possible: coverage, then confidence."""
        return len(kept), math.fsum(self.confidences[place] for place in kept)

    def respects(self, kept: Collection[int], delta: float) -> bool:
        """Say whether a set is consistent enough and holds nothing that is banned."""
        return not self.banned & set(kept) and within(self.violations(kept), len(kept), delta)


@dataclass(frozen=True, slots=True)
class Solution:
    """The predictions that are kept, and how they were found."""

    kept: tuple[int, ...]  # ascending
    violations: int
    solver: Solver
    proven: bool  # nothing better exists

    @property
    def rate(self) -> float:
        """Violations by predictions kept; 0 where none is."""
        return self.violations / len(self.kept) if self.kept else 0.0


def within(violations: int, kept: int, delta: float) -> bool:
    """Say whether so many violations among so many predictions are few enough."""
    return violations <= delta * kept + 1e-9  # so that 0.1 of 10 is 1


def solve(
    instance: Instance, delta: float, solver: Solver = "heuristic", seconds: float = 5.0
) -> Solution:
    """Return the best set that a solver finds; "exact" needs scipy.

    Where the exact one ends early (``seconds``, too many constraints), the better of what it
    has and what the heuristic one finds is returned, and is not proven to be the best.

    Raises:
        ValueError: ``delta`` is negative.
        ImportError: "exact" without scipy.
    """
    from cogtrace.plugins.builtin.abduce.exact import solve_exactly
    from cogtrace.plugins.builtin.abduce.heuristic import solve_greedily

    if not delta >= 0:
        raise ValueError(f"delta is {delta}; it is a rate, 0 or more")
    quick = solve_greedily(instance, delta)
    if solver == "heuristic":
        return quick
    best = solve_exactly(instance, delta, seconds)
    if best is None or instance.value(best.kept) < instance.value(quick.kept):
        return quick
    return best
