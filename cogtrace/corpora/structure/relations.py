"""How a span stands to one that comes before it, for many pairs at once.

Both functions take the bounds of pairs (a, b) in the order of `edges.ordered`: a begins
no later than b, and is the longer one where both begin together.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cogtrace.corpora.structure.corpus import Array

NEXT: Final = 0
CONTAINS: Final = 1
PARALLEL: Final = 2
WITHIN: Final = 3  # b contains a; an edge from b to a

RELATIONS: Final = ("next", "contains", "parallel")


def reference_relations(
    start_a: Array, end_a: Array, start_b: Array, end_b: Array, overlap: float, parallel: float
) -> Array:
    """Return NEXT, CONTAINS or PARALLEL for each pair, as the reference code decides.

    No length may be zero; reversed spans go through the same formulas.
    """
    length_b = end_b - start_b
    sticks_out = end_a <= end_b
    part = np.where(sticks_out, end_a - start_b, length_b)
    whole = np.where(sticks_out, length_b, end_a - start_a)
    # Dividing, not multiplying: 0.8 of a length must round as it does in the reference.
    covered = (part / whole >= overlap) & (start_b <= end_a)
    close = np.abs(start_b - start_a) + np.abs(end_b - end_a) <= parallel
    # Arithmetic with truth values: millions of pairs pass here.
    found = covered.view(np.int8) * (PARALLEL - sticks_out.view(np.int8))
    relations: Array = np.maximum(found, close.view(np.int8) * np.int8(PARALLEL))
    return relations


def corrected_relations(
    start_a: Array, end_a: Array, start_b: Array, end_b: Array, overlap: float, parallel: float
) -> Array:
    """Return NEXT, CONTAINS, WITHIN or PARALLEL for each pair.

    What lies by ``overlap`` or more in the other is contained in it; if both do, they are
    parallel. So are spans whose ends differ by ``parallel`` in all, if they share at
    least half of the longer one. All lengths must be positive.
    """
    length_a, length_b = end_a - start_a, end_b - start_b
    shared = np.minimum(end_a, end_b) - start_b
    meets = shared > 0
    holds_b = meets & (shared / length_b >= overlap)
    holds_a = meets & (shared / length_a >= overlap)
    shift = (start_b - start_a) + np.abs(end_b - end_a)
    close = (shift <= parallel) & (2 * shared >= np.maximum(length_a, length_b)) & meets
    # CONTAINS where b lies in a, WITHIN where a lies in b, both of which make PARALLEL.
    found = holds_b.view(np.int8) * np.int8(CONTAINS) + holds_a.view(np.int8) * np.int8(WITHIN)
    relations: Array = np.where((holds_a & holds_b) | close, np.int8(PARALLEL), found)
    return relations
