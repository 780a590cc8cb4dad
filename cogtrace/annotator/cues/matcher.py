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
from cogtrace.annotator.cues.forms import is_question, sentence_forms, signal_variety
from cogtrace.annotator.cues.index import CueIndex
from cogtrace.annotator.cues.page import BoolArray, FloatArray, IntArray, Page

# What may stand before a cue that belongs at the start of a sentence.
_FILLERS: Final = re.compile(
    r"(?:[\W_\d]|(?:okay|ok|so|and|but|now|hmm|hm|uh|um|ah|oh|wait|well|yeah|yes|no|alright"
    r"|right|then|also|or|actually|step|first|like|i|think)\b)*"
)
_FILLERS_REACH: Final = 40

_NEGATION_WORDS: Final = 3  # a negator this many words before a cue cancels it
_NEGATION_REACH: Final = 30  # the same in characters, to look no further
_NOT_NEGATING: Final = re.compile(r" (?:only|just|sure|necessarily)\b|[,;:.]")

# A sentence this long that stands word for word in the question is a quotation.
_RESTATED: Final = 20
_PROBE: Final = 12


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for each element of an index on one page.

    ``cells`` has a row per element and a column per sentence: the negative logarithm of
    the probability that the sentence does not show the element, 0 where nothing speaks
    for it. ``variety`` has a row per trace and a column per element: the sum of the
    probabilities of the different cues and signals found in the trace, each once.
    """

    cells: FloatArray
    variety: FloatArray


@dataclass(frozen=True, slots=True)
class _Hits:
    """Occurrences of patterns at word boundaries, sorted by their end."""

    pattern: IntArray
    start: IntArray
    end: IntArray
    sentence: IntArray

    def where(self, keep: BoolArray) -> _Hits:
        return _Hits(self.pattern[keep], self.start[keep], self.end[keep], self.sentence[keep])


def find_evidence(index: CueIndex, signal_weights: FloatArray, page: Page) -> Evidence:
    """Return what speaks for each element of ``index`` in the traces of ``page``."""
    forms = sentence_forms(page)
    cells: FloatArray = (forms @ signal_weights).T.copy()
    evidence = Evidence(cells, signal_variety(forms, page, signal_weights))
    hits = _hits(index, page)
    if not len(hits.pattern):
        return evidence
    negators = hits.where(index.is_negator[hits.pattern])
    barred = _in_quotes(page, hits) | _restated(page, hits.sentence)[hits.sentence]
    usable = hits.where(~barred)
    usable = usable.where(~_negated(page.folded, usable, negators))
    _add_cues(evidence, index, page, usable, is_question(forms))
    return evidence


def _hits(index: CueIndex, page: Page) -> _Hits:
    found = index.automaton.find_matches_as_indexes(page.folded, overlapping=True)
    flat = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found))
    table = flat.reshape(-1, 3)
    pattern, start, end = table[:, 0], table[:, 1], table[:, 2]
    word = _word_mask(page.codes)
    # word[i + 1] says whether character i belongs to a word; both ends are padded.
    inside = (word[start] & index.word_before[pattern]) | (
        word[end + 1] & index.word_after[pattern]
    )
    sentence = np.searchsorted(page.starts, start, side="right") - 1
    whole = ~inside & (sentence >= 0)
    if len(page.limits):
        whole &= end <= page.limits[np.maximum(sentence, 0), 1]
    return _Hits(pattern, start, end, sentence).where(whole)


def _word_mask(codes: IntArray) -> BoolArray:
    ascii_word = np.zeros(128, dtype=bool)
    for char in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_":
        ascii_word[ord(char)] = True
    mask = np.zeros(len(codes) + 2, dtype=bool)
    # Beyond ASCII: letters are words; dashes, quotes and symbols (U+2000-U+2BFF and
    # the like) are not.
    beyond = (codes >= 0xC0) & ~((codes >= 0x2000) & (codes < 0x2C00))
    mask[1:-1] = np.where(codes < 128, ascii_word[np.minimum(codes, 127)], beyond)
    return mask


def _in_quotes(page: Page, hits: _Hits) -> BoolArray:
    """Say which hits stand between quotation marks of their own sentence."""
    codes = page.codes
    quoted = np.zeros(len(hits.pattern), dtype=bool)
    begin = page.starts[hits.sentence]
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


def _restated(page: Page, sentences: IntArray) -> BoolArray:
    """Say which sentences are block quotes or stand word for word in the question."""
    folded = page.folded
    restated: BoolArray = page.codes[page.starts] == ord(">")
    problems = [" ".join(fold(text).split()) if text else "" for text in page.questions]
    touched = np.zeros(len(restated), dtype=bool)
    touched[sentences] = True
    touched &= page.limits[:, 1] - page.limits[:, 0] >= _RESTATED
    touched &= np.array([bool(problem) for problem in problems])[page.owner]
    for number in np.flatnonzero(touched).tolist():
        start, end = page.limits[number].tolist()
        problem = problems[page.owner[number]]
        # The first words decide nearly always, at a fraction of the cost.
        if folded[start : start + _PROBE] in problem:
            sentence = " ".join(folded[start:end].split()).strip(" .?!:")
            restated[number] |= sentence in problem
    return restated


def _negated(folded: str, hits: _Hits, negators: _Hits) -> BoolArray:
    """Say which hits follow a negator closely enough to be cancelled by it."""
    negated = np.zeros(len(hits.pattern), dtype=bool)
    if not len(negators.pattern):
        return negated
    ends = np.sort(negators.end)
    last = np.searchsorted(ends, hits.start, side="right") - 1
    distance = hits.start - ends[np.maximum(last, 0)]
    near = np.flatnonzero((last >= 0) & (distance <= _NEGATION_REACH))
    pairs = zip(near.tolist(), ends[last[near]].tolist(), hits.start[near].tolist(), strict=True)
    for hit, negator_end, start in pairs:
        between = folded[negator_end:start]
        if between.count(" ") <= _NEGATION_WORDS and not _NOT_NEGATING.search(between):
            negated[hit] = True
    return negated


def _add_cues(
    evidence: Evidence, index: CueIndex, page: Page, hits: _Hits, asked: BoolArray
) -> None:
    """Add to ``evidence`` what the cues behind ``hits`` say."""
    first = index.first_use[hits.pattern]
    counts = index.first_use[hits.pattern + 1] - first
    hit = np.repeat(np.arange(len(counts)), counts)
    use = first[hit] + np.arange(len(hit)) - np.repeat(np.cumsum(counts) - counts, counts)
    sentence, start = hits.sentence[hit], hits.start[hit]
    keep = ~asked[sentence] | index.in_question[use]
    keep &= _well_placed(index, page, use, sentence, start, keep)
    use, sentence = use[keep], sentence[keep]
    cells, variety = evidence.cells, evidence.variety
    added = np.bincount(
        index.element[use] * cells.shape[1] + sentence,
        weights=index.weight[use],
        minlength=cells.size,
    )
    np.add(cells, added.reshape(cells.shape), out=cells)
    trace, found = np.divmod(np.unique(page.owner[sentence] * len(index.weight) + use),
                             max(1, len(index.weight)))  # fmt: skip
    kinds = np.bincount(
        trace * variety.shape[1] + index.element[found],
        weights=1 - np.exp(-index.weight[found]),
        minlength=variety.size,
    )
    np.add(variety, kinds.reshape(variety.shape), out=variety)


def _well_placed(
    index: CueIndex,
    page: Page,
    use: IntArray,
    sentence: IntArray,
    start: IntArray,
    wanted: BoolArray,
) -> BoolArray:
    """Say which uses stand where their cue must, and are whole; only the wanted matter."""
    folded = page.folded
    begin = page.starts[sentence]
    placed = np.ones(len(use), dtype=bool)
    distance = start - begin
    late = index.at_start[use] & (distance > 0) & ~index.in_parts[use]
    placed[late & (distance > _FILLERS_REACH)] = False
    fillers = _FILLERS.fullmatch
    check = np.flatnonzero(late & wanted & placed)
    for number, a, b in zip(
        check.tolist(), begin[check].tolist(), start[check].tolist(), strict=True
    ):
        placed[number] = fillers(folded, a, b) is not None
    for number in np.flatnonzero(index.in_parts[use] & wanted).tolist():
        a, b = page.limits[sentence[number]].tolist()
        whole = index.whole[use[number]]
        found = whole.search(folded, a, b) if whole is not None else None
        placed[number] = found is not None and (
            not index.at_start[use[number]] or fillers(folded, a, found.start()) is not None
        )
    return placed
