"""What a model looks at: the same in any company, and the same number on every machine."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cogtrace.annotator.cues.page import make_page
from cogtrace.annotator.merged import bundled_model
from cogtrace.annotator.model import reading
from cogtrace.annotator.model.features import Features, FeatureSettings
from cogtrace.annotator.model.hashing import runs
from cogtrace.annotator.model.reading import ModelReader, PageReader
from cogtrace.records import Trace
from cogtrace.taxonomy import load_taxonomy

READER = PageReader(load_taxonomy())
ALL = FeatureSettings(buckets=2**12, position=True, question=True)

PIECES = (
    "Let me check. ",
    "It is 42",
    "x = 3.14",
    "\n\n",
    "- item\n",
    "don't",
    "。",
    "é",
    "😀",
    "?",
)
TEXTS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES)).map("".join))


def _features(*texts: str, question: str | None = None) -> Features:
    traces = [Trace(trace_id="t", text=text, question=question) for text in texts]
    return READER.features(make_page(traces), ALL)


def _of(found: Features, first: int, last: int) -> dict[str, list[tuple[int, int]]]:
    """Return the features of some sentences, numbered from the first of them."""
    return {
        name: [
            (sentence - first, bucket)
            for sentence, bucket in zip(
                family.sentence.tolist(), family.bucket.tolist(), strict=True
            )
            if first <= sentence < last
        ]
        for name, family in found.families.items()
    }


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXTS, max_size=4), question=st.sampled_from([None, "Is it 42?"]))
@example(texts=["It is 42", "\n\nSo. Let me check. It is. No. " * 9], question="Is it 42?")
def test_read_a_piece_at_a_time_a_page_gives_the_same(
    texts: list[str], question: str | None
) -> None:
    page = make_page([Trace(trace_id="t", text=text, question=question) for text in texts])
    bundled = bundled_model()
    looking = msgspec.structs.replace(bundled.config.features, position=True, question=True)
    config = msgspec.structs.replace(bundled.config, features=looking)
    reader = ModelReader(dataclasses.replace(bundled, config=config), load_taxonomy())

    whole = reader.probability(page)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_PIECE", 12)
        pieces = reader.probability(page)

    np.testing.assert_array_equal(pieces, whole)


@settings(max_examples=60, deadline=None)
@given(before=TEXTS, text=TEXTS, after=TEXTS)
@example(before="", text="0", after="\x850")  # a line break that is no blank between traces
def test_a_trace_has_the_same_features_in_any_company(before: str, text: str, after: str) -> None:
    page = make_page([Trace(trace_id="t", text=part) for part in (before, text, after)])
    first, last = page.first[1:3].tolist()
    alone = _features(text)

    assert _of(_features(before, text, after), first, last) == _of(alone, 0, last - first)


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_each_feature_stands_once_and_in_order(text: str) -> None:
    for family in _features(text).families.values():
        keys = family.sentence * ALL.buckets + family.bucket
        assert (np.diff(keys) > 0).all()
        assert ((family.bucket >= 0) & (family.bucket < ALL.buckets)).all()


def test_hashes_are_those_of_every_machine() -> None:
    words = _features("Let me check: 7.").families["words"]

    assert words.bucket.tolist() == sorted(words.bucket.tolist())
    assert (len(words.bucket), int(words.bucket.sum())) == (15, 29_976)


def test_numbers_look_alike_and_words_do_not() -> None:
    seven, other, word = (
        set(_features(f"It is {x}.").families["words"].bucket.tolist()) for x in ("7", "1948", "so")
    )
    assert seven == other
    assert seven != word


def test_neighbours_are_seen_only_within_a_trace() -> None:
    apart, together = _features("One.", "Two."), _features("One. Two.")

    assert len(apart.families["before"].sentence) == len(apart.families["after"].sentence) == 0
    assert set(together.families["before"].sentence.tolist()) == {1}
    assert set(together.families["after"].sentence.tolist()) == {0}


def test_a_sentence_of_the_question_is_known_as_such() -> None:
    text = "How many apples are left in the box? I count them."
    with_question = _features(text, question="How many apples are left in the box?")
    without = _features(text)

    shapes = [_of(found, 0, 2)["shape"] for found in (with_question, without)]
    changed = {sentence for sentence, _ in set(shapes[0]) ^ set(shapes[1])}
    assert changed == {0}


@pytest.mark.parametrize("length", [1, 2, 3])
def test_runs_do_not_leave_their_sentence(length: int) -> None:
    sentence = np.array([0, 0, 0, 1, 2, 2], dtype=np.int64)
    hashes = np.arange(6, dtype=np.uint64)
    _, place = runs(hashes, sentence, length)

    expected = [k for k in range(7 - length) if len(set(sentence[k : k + length].tolist())) == 1]
    assert place.tolist() == expected
