"""The heuristic solver: predictions are taken one by one while all stays consistent enough.

Two orders are tried and the better result is kept: by confidence, and by the number of
constraints that a prediction is in, fewest first. Time: n log n plus the constraints.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from cogtrace.plugins.builtin.abduce.problem import Instance, Solution, within


def solve_greedily(instance: Instance, delta: float) -> Solution:
    """Return a consistent set, the same for the same instance."""
    against: dict[int, list[int]] = defaultdict(list)
    for one, other in instance.conflicts:
        against[one].append(other)
        against[other].append(one)
    flags = Counter(instance.flags)
    places = [n for n in range(len(instance.confidences)) if n not in instance.banned]
    sure = sorted(places, key=lambda n: (-instance.confidences[n], n))
    quiet = sorted(sure, key=lambda n: len(against[n]) + flags[n])
    found = [_taken(order, against, flags, delta) for order in (sure, quiet)]
    kept = max(found, key=instance.value)
    return Solution(tuple(sorted(kept)), instance.violations(kept), "heuristic", proven=False)


def _taken(
    order: Sequence[int], against: dict[int, list[int]], flags: Counter[int], delta: float
) -> list[int]:
    """Take what can be taken, again and again: each one taken makes room for violations."""
    kept: list[int] = []
    inside: set[int] = set()
    violations = 0
    waiting = list(order)
    while waiting:
        left = []
        for place in waiting:
            added = flags[place] + sum(other in inside for other in against[place])
            if within(violations + added, len(kept) + 1, delta):
                kept.append(place)
                inside.add(place)
                violations += added
            else:
                left.append(place)
        if len(left) == len(waiting):
            break
        waiting = left
    return kept
