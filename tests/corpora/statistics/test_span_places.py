"""Places of spans: arrays give what loops over characters give."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.corpora.statistics.arrays import Array, ranges
from cogtrace.corpora.statistics.spans import covered, firsts, step_columns, steps, tenths

_OWNERS = 4
_ELEMENTS = 3

Places = list[tuple[int, int, int, int]]  # trace, element, start, length

places = st.lists(
    st.tuples(
        st.integers(0, _OWNERS - 1),
        st.integers(0, _ELEMENTS - 1),
        st.integers(0, 30),
        st.integers(0, 12),
    ),
    max_size=25,
)


def _columns(found: Places, by_element: bool) -> list[Array]:
    """Return the spans as arrays, ordered as the functions want them."""
    key = (lambda p: p[:3]) if by_element else (lambda p: (p[0], p[2], p[1]))
    ordered = sorted(found, key=key)
    return [np.array([place[i] for place in ordered], dtype=np.int64) for i in range(4)]


@given(places)
def test_covered_characters_are_counted_once(found: Places) -> None:
    row, _, start, length = _columns(found, by_element=False)

    counted = covered(row, start, start + length, _OWNERS)

    for owner in range(_OWNERS):
        inside = {c for o, _, s, n in found if o == owner for c in range(s, s + n)}
        assert counted[owner] == len(inside)


@given(places)
def test_the_first_start_is_the_least(found: Places) -> None:
    row, element, start, _ = _columns(found, by_element=True)

    first = firsts(row * _ELEMENTS + element, start, _OWNERS * _ELEMENTS)

    for owner in range(_OWNERS):
        for kind in range(_ELEMENTS):
            starts = [s for o, e, s, _ in found if (o, e) == (owner, kind)]
            value = first[owner * _ELEMENTS + kind]
            assert np.isnan(value) if not starts else value == min(starts)


@given(st.integers(0, 1_000), st.integers(0, 1_000), st.integers(1, 1_000))
def test_a_span_lies_in_the_tenth_of_its_middle(start: int, size: int, length: int) -> None:
    start = start % length
    end = min(length, start + size)

    (found,) = tenths(np.array([start]), np.array([end]), np.array([length]))

    middle = (start + end) / 2 / length
    assert found == min(9, int((start + end) * 10 / (2 * length)))
    assert found / 10 - 1e-9 <= middle <= found / 10 + 0.1 + 1e-9


@given(places)
def test_steps_are_counted_as_one_would_by_hand(found: Places) -> None:
    row, element, start, _ = _columns(found, by_element=False)

    rows, columns, counts = steps(row, element, start, _ELEMENTS)

    square = _ELEMENTS**2
    expected: Counter[tuple[int, int]] = Counter()
    for owner in range(_OWNERS):
        starts = sorted({s for o, _, s, _ in found if o == owner})
        shown = [{e for o, e, s, _ in found if (o, s) == (owner, at)} for at in starts]
        for here, there in pairwise(shown):
            expected[owner, square + 2 * _ELEMENTS] += 1
            for source in here:
                expected[owner, square + source] += 1
                for target in there:
                    expected[owner, source * _ELEMENTS + target] += 1
            for target in there:
                expected[owner, square + _ELEMENTS + target] += 1
    keys = zip(rows.tolist(), columns.tolist(), strict=True)
    assert dict(zip(keys, counts.tolist(), strict=True)) == dict(expected)
    assert all(column < step_columns(_ELEMENTS) for column in columns)


@given(st.lists(st.integers(0, 5)))
def test_ranges_count_up_from_zero_for_each_length(lengths: list[int]) -> None:
    found = ranges(np.array(lengths, dtype=np.int64))

    assert found.tolist() == [n for length in lengths for n in range(length)]
