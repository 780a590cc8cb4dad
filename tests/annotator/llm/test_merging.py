"""Several answers about one element become one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.annotator.llm.anchoring import to_annotation
from cogtrace.annotator.llm.merging import merge_votes, merge_windows
from cogtrace.annotator.llm.model import Evidence, Verdict
from cogtrace.annotator.llm.spans import unite
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.records import Anchor, ElementAnnotation, Span

TEXT = "One is here. Two is there.\n\nThree is odd. Four is even. Five is prime. Six is not."
RANGES = sentence_ranges(TEXT)
WORDS = ["One", "is here", "Two", "is there", "is odd", "Four is", "even. Five", "Six is not."]


def _say(score: int, *evidence: Evidence | int, why: str = "") -> ElementAnnotation:
    """Return what an answer says; a number is the sentence of that number."""
    pieces = tuple(Evidence(e, e) if isinstance(e, int) else e for e in evidence)
    return to_annotation(TEXT, RANGES, "x", Verdict(score, pieces, why), "llm")


def _where(entry: ElementAnnotation) -> list[tuple[int, int]]:
    return [(span.first_sentence, span.last_sentence) for span in entry.spans]


def _sure(entry: ElementAnnotation) -> list[float | None]:
    return [span.confidence for span in entry.spans]


def _span(start: int, end: int, anchor: Anchor = "sentence", source: str = "llm") -> Span:
    return Span(
        start=start,
        end=end,
        quote=TEXT[start:end],
        first_sentence=1,
        last_sentence=1,
        anchor=anchor,
        source=source,
    )


# --- Spans --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "united"),
    [
        ([(0, 5, "sentence"), (5, 9, "exact")], [(0, 5, "sentence"), (5, 9, "exact")]),
        ([(0, 9, "sentence"), (2, 5, "exact")], [(0, 9, "sentence")]),
        ([(0, 9, "sentence"), (0, 9, "folded")], [(0, 9, "folded")]),
        ([(0, 6, "exact"), (4, 9, "fuzzy")], [(0, 9, "fuzzy")]),
        ([(0, 6, "exact"), (4, 9, "fuzzy"), (0, 9, "folded")], [(0, 9, "folded")]),
        (
            [(0, 3, "exact"), (2, 6, "exact"), (5, 9, "exact"), (9, 10, "fuzzy")],
            [(0, 9, "exact"), (9, 10, "fuzzy")],
        ),
    ],
)
def test_overlapping_spans_become_one_with_the_anchor_of_its_limits(
    spans: list[tuple[int, int, Anchor]], united: list[tuple[int, int, Anchor]]
) -> None:
    for order in (spans, spans[::-1]):
        found = unite(TEXT, [_span(*span) for span in order])
        assert [(s.start, s.end, s.anchor) for s in found] == united
        assert all(TEXT[s.start : s.end] == s.quote for s in found)


def test_spans_of_different_sources_are_never_united() -> None:
    spans = [_span(0, 5, source="cue"), _span(2, 7), _span(4, 9, source="cue")]
    found = unite(TEXT, spans)
    assert [(s.start, s.end, s.source) for s in found] == [(0, 9, "cue"), (2, 7, "llm")]


# --- Windows ------------------------------------------------------------------------


def test_the_highest_score_of_all_windows_counts_with_the_spans_of_all() -> None:
    merged = merge_windows(TEXT, [_say(0, why="no"), _say(1, 2, 3, why="a"), _say(2, 6, why="b")])
    assert (merged.score, merged.explanation) == (2, "b")
    assert _where(merged) == [(2, 2), (3, 3), (6, 6)]


def test_evidence_that_two_windows_share_is_one_span() -> None:
    merged = merge_windows(TEXT, [_say(2, Evidence(2, 4)), _say(2, Evidence(4, 5), 4)])
    assert _where(merged) == [(2, 5)]
    assert merged.spans[0].quote == TEXT[RANGES[1][0] : RANGES[4][1]]


def test_of_windows_with_the_same_score_the_first_in_the_text_explains() -> None:
    entries = [_say(2, 5, why="a later one"), _say(2, 2, why="the first"), _say(1, 1, why="less")]
    assert merge_windows(TEXT, entries).explanation == "the first"


def test_an_absence_is_explained_only_where_all_windows_say_the_same() -> None:
    assert merge_windows(TEXT, [_say(0, why="no"), _say(0, why="no")]).explanation == "no"
    assert merge_windows(TEXT, [_say(0, why="no"), _say(0, why="none")]).explanation is None


def test_the_highest_confidence_of_united_spans_is_kept() -> None:
    low, high = merge_votes(TEXT, RANGES, [_say(1, 2), _say(1, 3), _say(1, 3)]), _say(1, 3)
    merged = merge_windows(TEXT, [low, high])
    assert _sure(merged) == [0.667]
    assert _sure(merge_windows(TEXT, [high, high])) == [None]


# --- Votes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "score"),
    [
        ([2], 2),
        ([0, 2], 0),
        ([1, 2], 1),
        ([0, 1, 2], 1),
        ([0, 2, 2], 2),
        ([0, 0, 2], 0),
        ([0, 0, 1, 1], 0),
        ([0, 1, 1, 2], 1),
        ([0, 0, 1, 2, 2], 1),
        ([0, 0, 2, 2, 2], 2),
    ],
)
def test_the_score_is_the_highest_that_more_than_half_of_the_votes_reach(
    scores: list[int], score: int
) -> None:
    merged = merge_votes(TEXT, RANGES, [_say(s, *([3] if s else [])) for s in scores])
    assert merged.score == score
    reached = [t for t in (0, 1, 2) if 2 * sum(s >= t for s in scores) > len(scores)]
    assert max(reached) == score


def test_sentences_need_half_of_the_votes_that_see_something() -> None:
    votes = [_say(1, 1, 2), _say(1, Evidence(2, 3)), _say(2, Evidence(2, 4)), _say(1, 6)]
    merged = merge_votes(TEXT, RANGES, [*votes, _say(0)])
    assert _where(merged) == [(2, 3)]
    assert _sure(merged) == [0.5]  # sentence 2 has three of five, sentence 3 two
    assert {span.anchor for span in merged.spans} == {"sentence"}


def test_where_no_sentence_has_half_the_best_supported_one_remains() -> None:
    votes = [_say(1, 5), _say(1, 3), _say(1, 6, 2), _say(1, 2), _say(1, 1)]
    assert _where(merge_votes(TEXT, RANGES, votes)) == [(2, 2)]
    merged = merge_votes(TEXT, RANGES, [_say(1, 5), _say(1, 3), _say(1, 6)])
    assert (_where(merged), _sure(merged)) == ([(3, 3)], [0.333])


def test_a_quote_that_half_of_the_votes_give_stays_narrow() -> None:
    quote = Evidence(4, 4, "Four is")
    merged = merge_votes(TEXT, RANGES, [_say(2, quote), _say(2, quote), _say(2, 4), _say(2, 4, 6)])
    # Half of them give the whole sentence as well, and that holds the quote.
    assert [(s.quote, s.anchor) for s in merged.spans] == [("Four is even.", "sentence")]
    merged = merge_votes(TEXT, RANGES, [_say(2, quote), _say(2, quote), _say(2, 4)])
    assert [(s.quote, s.anchor, s.confidence) for s in merged.spans] == [("Four is", "exact", 1.0)]


def test_different_quotes_of_a_sentence_leave_the_sentence() -> None:
    votes = [_say(1, Evidence(4, 4, words)) for words in ("Four is", "is even", "even")]
    merged = merge_votes(TEXT, RANGES, votes)
    assert [(s.quote, s.anchor) for s in merged.spans] == [("Four is even.", "sentence")]


def test_the_same_place_found_in_two_ways_keeps_the_more_precise_anchor() -> None:
    exact = _say(1, Evidence(4, 4, "Four is even."))
    for votes in ([exact, _say(1, 4)], [_say(1, 4), exact]):
        assert [s.anchor for s in merge_votes(TEXT, RANGES, votes).spans] == ["exact"]


def test_an_outvoted_score_leaves_no_spans_and_the_explanation_of_the_majority() -> None:
    votes = [_say(2, 3, why="there"), _say(0, why="not there"), _say(0, why="not there")]
    merged = merge_votes(TEXT, RANGES, votes)
    assert (merged.score, merged.spans, merged.explanation) == (0, (), "not there")


def test_the_usual_explanation_of_the_final_score_is_kept() -> None:
    votes = [_say(1, 1, why="b"), _say(1, 1, why="b"), _say(1, 1, why="a"), _say(2, 1, why="c")]
    assert merge_votes(TEXT, RANGES, votes).explanation == "b"
    assert merge_votes(TEXT, RANGES, [_say(1, 1), _say(1, 1, why="z")]).explanation == "z"


def test_a_sentence_of_white_space_never_becomes_a_span() -> None:
    text, ranges = "One.  \n  Two.", [(0, 4), (6, 6), (9, 13)]

    def say(first: int, last: int) -> ElementAnnotation:
        return to_annotation(text, ranges, "x", Verdict(1, (Evidence(first, last),), ""), "llm")

    merged = merge_votes(text, ranges, [say(1, 2), say(2, 3), say(2, 3), say(1, 2), say(2, 3)])
    assert [span.quote for span in merged.spans] == ["Two."]
    odd = merge_votes(text, ranges, [say(1, 2), say(1, 3), say(2, 3)])
    assert [span.quote for span in odd.spans] == ["One.", "Two."]


# --- What always holds --------------------------------------------------------------

_NUMBER = st.integers(1, len(RANGES))
_EVIDENCE = st.builds(
    lambda a, b, quote: Evidence(min(a, b), max(a, b), quote),
    _NUMBER,
    _NUMBER,
    st.none() | st.sampled_from(WORDS),
)
_PRESENT = st.builds(
    lambda score, evidence, why: _say(score, *evidence, why=why),
    st.sampled_from([1, 2]),
    st.lists(_EVIDENCE, min_size=1, max_size=4),
    st.sampled_from(["", "a", "b"]),
)
_ENTRY = st.sampled_from([_say(0), _say(0, why="no")]) | _PRESENT
_ENTRIES = st.lists(_ENTRY, min_size=1, max_size=6)


def _merged(kind: str, entries: Sequence[ElementAnnotation]) -> ElementAnnotation:
    return merge_windows(TEXT, entries) if kind == "windows" else merge_votes(TEXT, RANGES, entries)


_KINDS = pytest.mark.parametrize("kind", ["windows", "votes"])


@_KINDS
@given(entries=_ENTRIES)
def test_spans_are_there_exactly_for_a_score_sorted_apart_and_slices(
    kind: str, entries: list[ElementAnnotation]
) -> None:
    merged = _merged(kind, entries)
    assert bool(merged.score) == bool(merged.spans)
    before = 0
    for span in merged.spans:
        assert before <= span.start < span.end <= len(TEXT)
        assert TEXT[span.start : span.end] == span.quote == span.quote.strip()
        assert RANGES[span.first_sentence - 1][0] <= span.start
        assert span.end <= RANGES[span.last_sentence - 1][1]
        before = span.end


@_KINDS
@given(case=_ENTRIES.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_of_the_entries_does_not_matter(
    kind: str, case: tuple[list[ElementAnnotation], list[ElementAnnotation]]
) -> None:
    assert _merged(kind, case[0]) == _merged(kind, case[1])


@_KINDS
@given(entries=_ENTRIES)
def test_merging_what_is_merged_changes_nothing(
    kind: str, entries: list[ElementAnnotation]
) -> None:
    merged = _merged(kind, entries)
    again = _merged(kind, [merged, merged])
    if kind == "votes":  # the votes that are merged are sure of themselves
        sure = tuple(msgspec.structs.replace(s, confidence=1.0) for s in merged.spans)
        merged = msgspec.structs.replace(merged, spans=sure)
    assert again == merged


@given(_ENTRY, st.integers(1, 7))
def test_equal_votes_are_that_vote_for_certain(entry: ElementAnnotation, count: int) -> None:
    merged = merge_votes(TEXT, RANGES, [entry] * count)
    assert set(_sure(merged)) <= {1.0}
    unsure = tuple(msgspec.structs.replace(s, confidence=None) for s in merged.spans)
    assert msgspec.structs.replace(merged, spans=unsure) == entry


@given(_ENTRIES)
def test_a_voted_span_has_a_sentence_that_half_of_those_who_see_something_point_to(
    entries: list[ElementAnnotation],
) -> None:
    merged = merge_votes(TEXT, RANGES, entries)
    voting = [entry for entry in entries if entry.score]
    counts = {
        number: sum(any(a <= number <= b for a, b in _where(entry)) for entry in voting)
        for number in range(1, len(RANGES) + 1)
    }
    best = max(counts.values())
    for span in merged.spans:
        assert span.confidence is not None
        assert 0 < span.confidence <= 1
        numbers = range(span.first_sentence, span.last_sentence + 1)
        needed = min(best, len(voting) / 2)
        assert all(counts[number] >= needed for number in numbers)
