"""Values of tables as people and as programs read them."""

from __future__ import annotations

import math

from cogtrace.corpora.report.labels import MINUS, NONE, count, number
from cogtrace.sections import Cell


def shown(value: Cell, kind: str) -> str:
    """Return a value for people, by the kind of its column."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or kind == "flag":
        return "yes" if value else ""
    if not math.isfinite(value):
        return NONE
    if kind == "share":
        return f"{100 * value:.1f}%"
    if kind == "points":
        return f"{round(100 * value, 1) + 0:+.1f}".replace("-", MINUS)
    if kind == "count" or isinstance(value, int):
        return count(round(value))
    return number(value)


def raw(value: Cell) -> str:
    """Return a value for programs, to six digits; empty where it is not defined."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
