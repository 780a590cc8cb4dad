"""How strongly something goes with success, from counts of traces.

Everything is computed with Python's own numbers, in the order in which the reference
code does it, so that its figures are equal to the last bit.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Figures(NamedTuple):
    """Shares, and pointwise mutual information in bits; None where there is none."""

    p: float | None
    p_both: float | None
    p_success: float | None
    pmi: float | None
    npmi: float | None


def reference_figures(n: int, n_both: int, n_success: int, total: int) -> Figures:
    """Return the figures of the reference code.

    ``n`` may be a number of occurrences and exceed ``total``. Then its shares are rates,
    and the sign of its NPMI turns when ``n_both`` exceeds ``total``.
    """
    if not total:
        return Figures(0.0, 0.0, 0.0, None, -1.0)
    p, p_both, p_success = n / total, n_both / total, n_success / total
    if not (p and p_both and p_success):
        return Figures(p, p_both, p_success, None, -1.0)
    pmi = math.log2(p_both / (p * p_success))
    return Figures(p, p_both, p_success, pmi, 0 if p_both == 1 else pmi / -math.log2(p_both))


def corrected_figures(
    n: int, n_both: int, n_success: int, total: int, graded: bool = True
) -> Figures:
    """Return the figures where all counts are of traces.

    NPMI is -1 only for what occurs, in a type with right traces, but in none of them. It
    is None where there is nothing to compare: no such trace, no right one, nobody graded.
    """
    if not total:
        return Figures(None, None, None, None, None)
    if not graded:
        return Figures(n / total, None, None, None, None)
    p, p_both, p_success = n / total, n_both / total, n_success / total
    if not n or not n_success:
        return Figures(p, p_both, p_success, None, None)
    if not n_both:
        return Figures(p, p_both, p_success, None, -1.0)
    pmi = math.log2(p_both / (p * p_success))
    return Figures(p, p_both, p_success, pmi, pmi / -math.log2(p_both) if p_both < 1 else 0.0)
