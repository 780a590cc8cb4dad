"""What spans say of places in a text: how much they cover, where, and in which order.

All functions take spans as arrays of equal length and work on thousands of traces at
once. An owner is whatever spans are put together by, e.g. a trace, or one element in a
trace, numbered from 0. Spans come in order of their owner, and then of their start.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, ranges

TENTHS: Final = 10

Entries = tuple[Array, Array, Array]  # row, column, value; in order of row and column


def covered(owner: Array, start: Array, end: Array, owners: int) -> Array:
    """Return for each owner how many characters its spans cover together."""
    if not len(owner):
        return np.zeros(owners)
    # Owners are laid out one behind the other on one long line, so that how far the line
    # is covered so far needs no look at owners.
    shift = owner * (int(end.max()) + 1)
    reach = np.maximum.accumulate(shift + end)
    before = np.concatenate(([0], reach[:-1]))
    fresh = np.maximum(shift + end - np.maximum(shift + start, before), 0)
    return np.bincount(owner, weights=fresh, minlength=owners)


def firsts(owner: Array, start: Array, owners: int) -> Array:
    """Return for each owner where its first span starts; NaN if it has none."""
    found = np.full(owners, np.nan)
    fresh = _changes(owner)
    found[owner[fresh]] = start[fresh]
    return found


def tenths(start: Array, end: Array, length: Array) -> Array:
    """Return for each span in which tenth of the text its middle lies, 0 to 9."""
    found: Array = np.clip((start + end) * TENTHS // (2 * length), 0, TENTHS - 1)
    return found


def steps(row: Array, element: Array, start: Array, elements: int) -> Entries:
    """Return, per trace, how often one element comes next after another.

    Spans that start at the same place come in order of their element.
    Elements that start at the same place are one step; a step is followed by the next
    place where a span starts. Columns, with E elements: ``source * E + target`` steps with
    the source whose next step has the target; ``E*E + e`` steps with e that have a next
    one; ``E*E + E + e`` steps with e that follow another; ``E*E + 2E`` steps that follow
    another.
    """
    moved = _changes(row, start)
    fresh = moved | _changes(element)
    row, element, moved = row[fresh], element[fresh], moved[fresh]
    begins = np.flatnonzero(moved)  # where each step begins
    step = np.cumsum(moved) - 1
    sizes = np.diff(np.append(begins, len(row)))
    owner = row[begins]
    goes_on = np.append(owner[1:] == owner[:-1], False)[: len(begins)]
    follows = np.append(False, goes_on[:-1])[: len(begins)]

    fans = np.where(goes_on, np.roll(sizes, -1), 0)[step]  # targets of each item
    target = np.repeat(np.roll(begins, -1)[step], fans) + ranges(fans)
    from_, to = goes_on[step], follows[step]
    square = elements * elements
    rows = [np.repeat(row, fans), row[from_], row[to], owner[follows]]
    columns = [
        np.repeat(element, fans) * elements + element[target],
        square + element[from_],
        square + elements + element[to],
        np.full(int(follows.sum()), square + 2 * elements),
    ]
    return counted(np.concatenate(rows), np.concatenate(columns), step_columns(elements))


def step_columns(elements: int) -> int:
    """Return how many columns `steps` has."""
    return elements * elements + 2 * elements + 1


def counted(row: Array, column: Array, columns: int) -> Entries:
    """Return how often each pair of row and column is there, ordered by row."""
    keys, counts = np.unique(row * columns + column, return_counts=True)
    return *np.divmod(keys, columns), counts


def _changes(*keys: Array) -> Array:
    """Say of each place whether any key differs from the place before it."""
    changed = np.zeros(len(keys[0]), dtype=bool)
    changed[:1] = True
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    return changed
