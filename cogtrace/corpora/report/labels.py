"""Figures and names as people read them, safe to show anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cogtrace.printable import one_line as label

__all__ = [
    "MINUS",
    "NONE",
    "SMALL",
    "count",
    "distinct",
    "label",
    "listed",
    "number",
    "numbers",
    "percent",
    "plural",
    "points",
    "ratio",
    "share",
]

SMALL: Final = "°"  # marks what rests on few traces
MINUS: Final = "−"
NONE: Final = "–"  # a figure that is not defined


def distinct(labels: Iterable[str]) -> list[str]:
    """Return labels in their order, those that are alike numbered."""
    found: dict[str, None] = {}
    for name in labels:
        number, unique = 1, name
        while unique in found:
            number += 1
            unique = f"{name} ({number})"
        found[unique] = None
    return list(found)


def count(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}".replace("-", MINUS)


def percent(value: float | None) -> str:
    """Return a share in percent."""
    return NONE if value is None else f"{100 * value:.0f}%"


def share(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a share in percent, with its interval where there is one."""
    if value is None or low is None or high is None:
        return percent(value)
    return f"{100 * value:.0f}% [{100 * low:.0f}, {100 * high:.0f}]"


def points(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a difference of shares in percentage points, with its interval."""
    if value is None:
        return NONE
    bounds = "" if low is None or high is None else f" [{_signed(low)}, {_signed(high)}]"
    return f"{_signed(value)} points{bounds}"


def ratio(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a ratio with its interval."""
    if value is None:
        return NONE
    bounds = "" if low is None or high is None else f" [{number(low)}, {number(high)}]"
    return number(value) + bounds


def number(value: float | None) -> str:
    """Return a number with about three digits that mean something."""
    if value is None:
        return NONE
    return (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}").replace("-", MINUS)


def plural(n: int, one: str, many: str = "") -> str:
    """Return a count with its noun."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def numbers(values: Iterable[int]) -> str:
    """Return how many traces some figures rest on.

    >>> numbers([20, 20]), numbers([5, 20])
    ('n = 20', 'n = 5 to 20')
    """
    known = list(values) or [0]
    low, high = min(known), max(known)
    return f"n = {count(low)}" + (f" to {count(high)}" if high > low else "")


def listed(items: Iterable[str], last: str = "and") -> str:
    """Return items as they stand in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *first, end = list(items) or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def _signed(value: float) -> str:
    # Adding zero makes a plain one of what rounds to a negative zero.
    return f"{round(100 * value) + 0:+d}".replace("-", MINUS)
