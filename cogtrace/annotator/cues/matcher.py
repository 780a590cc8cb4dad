"""Where the cues of a taxonomy stand in a text, and what speaks against them.

A cue counts only at word boundaries and inside one sentence. It does not count where
it is negated ("no need to check"), asked rather than done (unless the taxonomy says
that it also counts as a question), or quoted from the problem.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from cogtrace.annotator.cues.folding import fold
from cogtrace.annotator.cues.forms import is_question, sentence_forms
from cogtrace.annotator.cues.index import BoolArray, CueIndex, FloatArray, IntArray

# What may stand before a cue that belongs at the start of a sentence.
_FILLERS: Final = re.compile(
    r"(?:[\W_\d]|(?:okay|ok|so|and|but|now|hmm|hm|uh|um|ah|oh|wait|well|yeah|yes|no|alright"
    r"|right|then|also|or|actually|step|first|like|i|think|think>)\b)*"
)
_FILLERS_REACH: Final = 40

_NEGATION_WORDS: Final = 3  # a negator this many words before a cue cancels it
_NEGATION_REACH: Final = 30  # the same in characters, to look no further
_NOT_NEGATING: Final = re.compile(r" (?:only|just|sure|necessarily)\b|[,;:.]")

_GAP_WORDS: Final = 12

# A sentence this long that stands word for word in the question is a quotation.
_RESTATED: Final = 20


@dataclass(frozen=True, slots=True)
class _Hits:
    """Occurrences of patterns at word boundaries, sorted by their end."""

    pattern: IntArray
    start: IntArray
    end: IntArray
    sentence: IntArray

    def where(self, keep: BoolArray) -> _Hits:
        return _Hits(self.pattern[keep], self.start[keep], self.end[keep], self.sentence[keep])


def find_evidence(
    index: CueIndex,
    signal_weights: FloatArray,
    text: str,
    ranges: list[tuple[int, int]],
    question: str | None = None,
) -> FloatArray:
    """Return how much speaks for each element (row) in each sentence (column).

    ``ranges`` are the sentences of ``text`` as (start, end); ``question`` is the
    problem the trace works on, if known. Evidence is the negative logarithm of the
    probability that the element is absent: 0 where nothing speaks for it.
    """
    folded = fold(text)
    codes = _code_points(folded)
    limits = np.array(ranges, dtype=np.int64).reshape(-1, 2)
    forms = sentence_forms(folded, codes, limits)
    evidence: FloatArray = (forms @ signal_weights).T.copy()
    if not ranges:
        return evidence
    hits = _hits(index, folded, codes, limits)
    if not len(hits.pattern):
        return evidence
    negators = hits.where(index.is_negator[hits.pattern])
    quoted = _in_quotes(codes, hits, limits[:, 0])
    restated = _restated(folded, ranges, hits.sentence, question)
    usable = hits.where(~(quoted | restated[hits.sentence]))
    usable = usable.where(~_negated(folded, usable, negators))
    place = _Place(index, folded, limits[:, 0], is_question(forms))
    _add_phrases(evidence, place, usable)
    _add_gap_cues(evidence, place, usable)
    return evidence


def _code_points(folded: str) -> IntArray:
    raw = folded.encode("utf-32-le", "surrogatepass")
    return np.frombuffer(raw, dtype=np.uint32).astype(np.int64)


def _hits(index: CueIndex, folded: str, codes: IntArray, limits: IntArray) -> _Hits:
    found = index.automaton.find_matches_as_indexes(folded, overlapping=True)
    flat = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found))
    table = flat.reshape(-1, 3)
    pattern, start, end = table[:, 0], table[:, 1], table[:, 2]
    word = _word_mask(codes)
    # word[i + 1] says whether character i belongs to a word; both ends are padded.
    inside = (word[start] & index.word_before[pattern]) | (
        word[end + 1] & index.word_after[pattern]
    )
    sentence = np.searchsorted(limits[:, 0], start, side="right") - 1
    whole = ~inside & (sentence >= 0)
    whole &= end <= limits[np.maximum(sentence, 0), 1]
    return _Hits(pattern, start, end, sentence).where(whole)


def _word_mask(codes: IntArray) -> BoolArray:
    ascii_word = np.zeros(128, dtype=bool)
    for char in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_'":
        ascii_word[ord(char)] = char != "'"
    mask = np.zeros(len(codes) + 2, dtype=bool)
    # Beyond ASCII: letters are words; dashes, quotes and symbols (U+2000-U+2BFF and
    # the like) are not.
    beyond = (codes >= 0xC0) & ~((codes >= 0x2000) & (codes < 0x2C00))
    mask[1:-1] = np.where(codes < 128, ascii_word[np.minimum(codes, 127)], beyond)
    return mask


def _in_quotes(codes: IntArray, hits: _Hits, starts: IntArray) -> BoolArray:
    """Say which hits stand between quotation marks of their own sentence."""
    quoted = np.zeros(len(hits.pattern), dtype=bool)
    begin = starts[hits.sentence]
    straight = np.flatnonzero(codes == ord('"'))
    if len(straight):
        before = np.searchsorted(straight, hits.start) - np.searchsorted(straight, begin)
        quoted |= before % 2 == 1
    opening = np.flatnonzero(codes == ord("“"))
    if len(opening):
        closing = np.flatnonzero(codes == ord("”"))
        depth = np.searchsorted(opening, hits.start) - np.searchsorted(opening, begin)
        depth -= np.searchsorted(closing, hits.start) - np.searchsorted(closing, begin)
        quoted |= depth > 0
    return quoted


def _restated(
    folded: str, ranges: list[tuple[int, int]], sentences: IntArray, question: str | None
) -> BoolArray:
    """Say which sentences are block quotes or stand word for word in the question."""
    restated = np.zeros(len(ranges), dtype=bool)
    problem = " ".join(fold(question).split()) if question else ""
    for number in np.unique(sentences):
        start, end = ranges[number]
        if folded[start] == ">":
            restated[number] = True
        elif problem and end - start >= _RESTATED:
            restated[number] = " ".join(folded[start:end].split()).strip(" .?!:") in problem
    return restated


def _negated(folded: str, hits: _Hits, negators: _Hits) -> BoolArray:
    """Say which hits follow a negator closely enough to be cancelled by it."""
    negated = np.zeros(len(hits.pattern), dtype=bool)
    if not len(negators.pattern):
        return negated
    ends = np.sort(negators.end)
    last = np.searchsorted(ends, hits.start, side="right") - 1
    distance = hits.start - ends[np.maximum(last, 0)]
    near = (last >= 0) & (distance <= _NEGATION_REACH)
    for hit in np.flatnonzero(near):
        between = folded[ends[last[hit]] : hits.start[hit]]
        if between.count(" ") <= _NEGATION_WORDS and not _NOT_NEGATING.search(between):
            negated[hit] = True
    return negated


@dataclass(frozen=True, slots=True)
class _Place:
    """Where cues are looked at: the index, the text and its sentences."""

    index: CueIndex
    folded: str
    starts: IntArray  # of the sentences
    asked: BoolArray  # which sentences are questions

    def opens(self, sentence: int, start: int) -> bool:
        """Say whether only fillers stand between a sentence's start and ``start``."""
        begin = int(self.starts[sentence])
        if start - begin > _FILLERS_REACH:
            return False
        return start == begin or _FILLERS.fullmatch(self.folded, begin, start) is not None


def _add_phrases(evidence: FloatArray, place: _Place, hits: _Hits) -> None:
    index = place.index
    first = index.first_use[hits.pattern]
    counts = index.first_use[hits.pattern + 1] - first
    hit = np.repeat(np.arange(len(counts)), counts)
    if not len(hit):
        return
    offset = np.arange(len(hit)) - np.repeat(np.cumsum(counts) - counts, counts)
    use = first[hit] + offset
    sentence = hits.sentence[hit]
    keep = ~place.asked[sentence] | index.in_question[use]
    distance = hits.start[hit] - place.starts[sentence]
    must_open = index.at_start[use] & (distance > 0)
    keep &= ~must_open | (distance <= _FILLERS_REACH)
    for position in np.flatnonzero(keep & must_open):
        keep[position] = place.opens(sentence[position], int(hits.start[hit[position]]))
    use, sentence = use[keep], sentence[keep]
    cell = index.element[use] * evidence.shape[1] + sentence
    added = np.bincount(cell, weights=index.weight[use], minlength=evidence.size)
    evidence += added.reshape(evidence.shape)


def _add_gap_cues(evidence: FloatArray, place: _Place, hits: _Hits) -> None:
    index = place.index
    parts = hits.where(index.is_gap_part[hits.pattern])
    if not len(parts.pattern):
        return
    # One part alone makes no cue.
    parts = parts.where(np.bincount(parts.sentence)[parts.sentence] > 1)
    spots: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for pattern, start, end, sentence in zip(
        parts.pattern.tolist(),
        parts.start.tolist(),
        parts.end.tolist(),
        parts.sentence.tolist(),
        strict=True,
    ):
        spots.setdefault((sentence, pattern), []).append((start, end))
    for (sentence, pattern), first in spots.items():
        for cue in index.gap_cues.get(pattern, ()):
            if place.asked[sentence] and not cue.in_question:
                continue
            rest = [spots.get((sentence, part)) for part in cue.rest]
            if None in rest:
                continue
            start = _chain(place.folded, first, [group for group in rest if group])
            if start is None or (cue.at_start and not place.opens(sentence, start)):
                continue
            evidence[cue.element, sentence] += cue.weight


def _chain(
    folded: str, first: list[tuple[int, int]], rest: list[list[tuple[int, int]]]
) -> int | None:
    """Return where a chain of parts, each shortly after the last, begins, or None."""
    for start, end in first:
        reached = end
        for group in rest:
            following = next((place for place in group if place[0] >= reached), None)
            if following is None or folded.count(" ", reached, following[0]) > _GAP_WORDS + 1:
                break
            reached = following[1]
        else:
            return start
    return None
