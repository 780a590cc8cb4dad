"""How spans lie on each other, against sets of characters, sentences and tokens."""

from __future__ import annotations

import re
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.corpora.evaluation import spans
from cogtrace.corpora.evaluation.aligning import Places
from cogtrace.corpora.evaluation.units import sentences, tokens

_SPANS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(1, 12)), max_size=8
).map(lambda found: sorted({(owner, at, at + size) for owner, at, size in found}))

Found = list[tuple[int, int, int]]
OWNERS = 3


def _places(found: Found) -> Places:
    table = np.array(found, dtype=np.int64).reshape(len(found), 3)
    nothing = np.full(len(found), np.nan)
    return Places(table[:, 0], table[:, 1], table[:, 2], nothing, np.zeros(0, dtype=bool))


def _of(found: Found, owner: int) -> list[tuple[int, int]]:
    return [(start, end) for mine, start, end in found if mine == owner]


def _inside(found: list[tuple[int, int]]) -> set[int]:
    return {at for start, end in found for at in range(start, end)}


@settings(deadline=None)
@given(_SPANS, _SPANS)
def test_what_both_cover_is_counted_as_sets_would(predicted: Found, gold: Found) -> None:
    found = spans.shared(_places(predicted), _places(gold), OWNERS)

    for owner in range(OWNERS):
        mine, theirs = _inside(_of(predicted, owner)), _inside(_of(gold, owner))
        assert found[owner].tolist() == [len(mine & theirs), len(mine), len(theirs)]


@settings(deadline=None)
@given(_SPANS, _SPANS)
def test_equal_spans_are_counted_as_sets_would(predicted: Found, gold: Found) -> None:
    found = spans.exact(_places(predicted), _places(gold), OWNERS)

    for owner in range(OWNERS):
        mine, theirs = set(_of(predicted, owner)), set(_of(gold, owner))
        assert found[owner].tolist() == [len(mine & theirs), len(mine), len(theirs)]


@settings(deadline=None)
@given(_SPANS, _SPANS)
def test_soft_overlap_is_the_share_of_each_span_that_the_other_side_covers(
    predicted: Found, gold: Found
) -> None:
    found = spans.soft(_places(predicted), _places(gold), OWNERS)

    for owner in range(OWNERS):
        expected = []
        for mine, theirs in ((predicted, gold), (gold, predicted)):
            cover = _inside(_of(theirs, owner))
            shares = [len(_inside([one]) & cover) / len(_inside([one])) for one in _of(mine, owner)]
            expected += [sum(shares), len(shares)]
        assert found[owner] == pytest.approx(expected)


@settings(deadline=None)
@given(_SPANS, _SPANS)
def test_boundaries_are_those_of_the_span_that_shares_most(predicted: Found, gold: Found) -> None:
    owner, distance = spans.boundaries(_places(predicted), _places(gold))

    expected = []
    for mine, start, end in gold:
        best = [
            (-min(end, b) + max(start, a), abs(start - a) + abs(end - b))
            for a, b in _of(predicted, mine)
            if min(end, b) > max(start, a)
        ]
        if best:
            expected.append((mine, min(best)[1] / 2))
    assert sorted(zip(owner.tolist(), distance.tolist(), strict=True)) == sorted(expected)


def test_boundaries_of_many_spans_are_found_piece_by_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predicted = [(0, at, at + 5) for at in range(0, 300, 7)]
    gold = [(0, at, at + 6) for at in range(0, 300, 5)]
    whole = spans.boundaries(_places(predicted), _places(gold))

    monkeypatch.setattr(spans, "_PAIRS", 10)
    pieces = spans.boundaries(_places(predicted), _places(gold))

    assert all(np.array_equal(a, b) for a, b in zip(whole, pieces, strict=True))
    assert median(whole[1].tolist()) < 3


def test_nothing_on_either_side_is_nothing_shared() -> None:
    nothing, something = _places([]), _places([(1, 0, 4)])

    assert spans.shared(nothing, nothing, 2).sum() == 0
    assert spans.soft(something, nothing, 2)[1].tolist() == [0, 1, 0, 0]
    assert spans.exact(nothing, something, 2)[1].tolist() == [0, 0, 1]
    assert len(spans.boundaries(nothing, something)[0]) == 0


_TEXT = st.lists(
    st.sampled_from(["word", " ", "  ", "漢字", "，", "😀", "e\u0301", ".", "\n\n", "x_1", "🙂"]),
    max_size=20,
).map("".join)


@settings(deadline=None)
@given(_TEXT)
def test_tokens_and_sentences_hold_every_sign_once_and_no_blank(text: str) -> None:
    for starts, ends in (tokens(text), sentences(text)):
        assert (starts < ends).all()
        assert (ends[:-1] <= starts[1:]).all()
        pieces = [text[a:b] for a, b in zip(starts, ends, strict=True)]
        assert all(piece == piece.strip() for piece in pieces)
        assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)


def test_signs_of_scripts_without_blanks_are_tokens_of_their_own() -> None:
    starts, ends = tokens("漢字 abc1, ok")

    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == [
        (0, 1),
        (1, 2),
        (3, 7),
        (7, 8),
        (9, 11),
    ]
