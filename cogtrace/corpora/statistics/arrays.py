"""Arrays of figures: their type, division where it has a meaning, numbers for records."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def ratio(top: Array, bottom: Array) -> Array:
    """Return ``top / bottom``; NaN where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), np.nan)


def number(value: float) -> float | None:
    """Return a figure for a record: None for NaN and infinity, which JSON does not have."""
    return float(value) if math.isfinite(value) else None


def ranges(lengths: Array) -> Array:
    """Return 0, 1, …, n-1 for every n in ``lengths``, one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    found: Array = np.arange(total) - np.repeat(ends - lengths, lengths)
    return found
