"""The exact solver: an integer program, solved by HiGHS through scipy (extra ``math``).

One variable per prediction (in or out) and one per pair that may conflict (both in). The
number of predictions is made as great as possible; then, with that number fixed, their
confidence.
"""

from __future__ import annotations

import importlib
import time
from collections import Counter
from typing import Any, Final

from cogtrace.plugins.builtin.abduce.problem import Instance, Solution

MOST_CONFLICTS: Final = 20_000  # more make a program that is not solved in any useful time


def solve_exactly(instance: Instance, delta: float, seconds: float) -> Solution | None:
    """Return the best set, or the best found in time; None if none was found.

    Raises:
        ImportError: scipy is not installed.
    """
    count = len(instance.confidences)
    if not count:
        return Solution((), 0, "exact", proven=True)
    if len(instance.conflicts) > MOST_CONFLICTS:
        return None
    ends = time.monotonic() + seconds
    program = _Program(instance, delta)
    kept, first = program.maximise([1.0] * count, 0, seconds)
    if kept is None:
        return None
    sure, second = program.maximise(
        list(instance.confidences), len(kept), max(0.1, ends - time.monotonic())
    )
    if sure is not None and instance.value(sure) >= instance.value(kept):
        kept = sure
    return Solution(tuple(kept), instance.violations(kept), "exact", proven=first and second)


class _Program:
    """The integer program of an instance, for one objective after the other."""

    def __init__(self, instance: Instance, delta: float) -> None:
        self._scipy: Any = importlib.import_module("scipy.optimize")
        sparse: Any = importlib.import_module("scipy.sparse")
        self._instance, self._delta = instance, delta
        count = self._count = len(instance.confidences)
        pairs = Counter((min(pair), max(pair)) for pair in instance.conflicts)
        flags = Counter(instance.flags)
        self._size = count + len(pairs)
        # x_p + x_q - y <= 1 for each pair.
        rows, columns, values = [], [], []
        for row, (one, other) in enumerate(pairs):
            rows += [row] * 3
            columns += [one, other, count + row]
            values += [1.0, 1.0, -1.0]
        # Violations less what is allowed for the number kept: at most 0.
        last = len(pairs)
        for place in range(count):
            rows.append(last)
            columns.append(place)
            values.append(flags[place] - delta)
        for number, times in enumerate(pairs.values()):
            rows.append(last)
            columns.append(count + number)
            values.append(float(times))
        self._matrix = sparse.csr_matrix((values, (rows, columns)), shape=(last + 1, self._size))
        self._most = [1.0] * last + [1e-9]
        self._sparse = sparse

    def maximise(
        self, worth: list[float], least: int, seconds: float
    ) -> tuple[list[int] | None, bool]:
        """Return the worthiest set with at least so many in it, and whether it is proven."""
        count, others = self._count, self._size - self._count
        upper = [0.0 if n in self._instance.banned else 1.0 for n in range(count)] + [1.0] * others
        enough = self._sparse.csr_matrix([[1.0] * count + [0.0] * others])
        done = self._scipy.milp(
            [-value for value in worth] + [0.0] * others,
            integrality=[1] * count + [0] * others,
            bounds=self._scipy.Bounds([0.0] * self._size, upper),
            constraints=[
                self._scipy.LinearConstraint(self._matrix, -float("inf"), self._most),
                self._scipy.LinearConstraint(enough, least - 0.5, float("inf")),
            ],
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )
        if done.x is None:
            return None, False
        kept = [n for n in range(count) if done.x[n] > 0.5]
        # The program calculates with small errors; what is kept is made sure of without any.
        if not self._instance.respects(kept, self._delta):
            return None, False
        return kept, done.status == 0
