"""Where the cues of a taxonomy stand in a text, and what speaks against them.

A cue counts only at word boundaries and inside one sentence. It does not count where
it is negated ("no need to check"), asked rather than done (unless the taxonomy says
that it also counts as a question), or quoted from the problem.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from cogtrace.annotator.cues.folding import fold
from cogtrace.annotator.cues.forms import is_question, sentence_forms, signal_variety
from cogtrace.annotator.cues.index import CueIndex
from cogtrace.annotator.cues.page import BoolArray, CellArray, CodeArray, FloatArray, IntArray, Page
from cogtrace.annotator.sentences import sentence_ranges

# What may stand before a cue that belongs at the start of a sentence.
_FILLERS: Final = re.compile(
    r"(?:[\W_\d]|(?:okay|ok|so|and|but|now|hmm|hm|uh|um|ah|oh|wait|well|yeah|yes|no|alright"
    r"|right|then|also|or|actually|step|first|like|i|think)\b)*"
)
_FILLERS_REACH: Final = 40

_NEGATION_WORDS: Final = 3  # a negator this many words before a cue cancels it
_NEGATION_REACH: Final = 30  # the same in characters, to look no further
_NOT_NEGATING: Final = re.compile(r" (?:only|just|sure|necessarily)\b|[,;:.]")

# How far from its rarest part a cue in parts may reach, in characters.
_WHOLE_REACH: Final = 400

# A sentence of the question this long, met again in the trace, is a quotation.
_RESTATED: Final = 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for each element of an index on one page.

    ``cells`` has a row per element and a column per sentence: the negative logarithm of
    the probability that the sentence does not show the element, 0 where nothing speaks
    for it. ``variety`` has a row per trace and a column per element: the sum of the
    probabilities of the different cues and signals found in the trace, each once.
    """

    cells: CellArray
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


@dataclass(frozen=True, slots=True)
class _Uses:
    """Cues found: number of the use in the index, where it begins, its sentence."""

    use: IntArray
    start: IntArray
    sentence: IntArray

    def where(self, keep: BoolArray) -> _Uses:
        return _Uses(self.use[keep], self.start[keep], self.sentence[keep])


def find_evidence(index: CueIndex, signal_weights: FloatArray, page: Page) -> Evidence:
    """Return what speaks for each element of ``index`` in the traces of ``page``."""
    forms = sentence_forms(page)
    cells: CellArray = np.ascontiguousarray((forms @ signal_weights).T, dtype=np.float32)
    evidence = Evidence(cells, signal_variety(forms, page, signal_weights))
    hits = _hits(index, page)
    if not len(hits.pattern):
        return evidence
    negators = hits.where(index.is_negator[hits.pattern])
    barred = _in_quotes(page, hits) | _restated(page, hits)
    uses = _uses(index, hits.where(~barred))
    asked = is_question(forms)[uses.sentence]
    uses = uses.where(~asked | index.in_question[uses.use])
    uses = _well_placed(index, page, uses)
    uses = uses.where(~_negated(page.folded, uses, negators))
    _add(evidence, index, page, uses)
    return evidence


def _hits(index: CueIndex, page: Page) -> _Hits:
    found = index.automaton.find_matches_as_indexes(page.folded, overlapping=True)
    flat = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found))
    table = flat.reshape(-1, 3)
    pattern, start, end = table[:, 0], table[:, 1], table[:, 2]
    word = word_mask(page.codes)
    # word[i + 1] says whether character i belongs to a word; both ends are padded.
    inside = (word[start] & index.word_before[pattern]) | (
        word[end + 1] & index.word_after[pattern]
    )
    sentence = np.searchsorted(page.starts, start, side="right") - 1
    whole = ~inside & (sentence >= 0)
    if len(page.limits):
        whole &= end <= page.limits[np.maximum(sentence, 0), 1]
    return _Hits(pattern, start, end, sentence).where(whole)


def word_mask(codes: CodeArray) -> BoolArray:
    """Say of each code point whether it belongs to a word; one False before and after."""
    mask = np.zeros(len(codes) + 2, dtype=bool)
    mask[1:-1] = _is_word()[np.minimum(codes, 0xFFFF)]
    return mask


@functools.cache
def _is_word() -> BoolArray:
    chars = map(chr, range(0x10000))
    return np.array([char.isalnum() or char == "_" for char in chars], dtype=bool)


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


def _restated(page: Page, hits: _Hits) -> BoolArray:
    """Say which hits stand in a block quote, or in a sentence copied from the question."""
    restated: BoolArray = page.codes[page.starts[hits.sentence]] == ord(">")
    regions = [
        (found, found + len(sentence))
        for trace, question in enumerate(page.questions)
        if question
        for sentence in _sentences(question)
        for found in _places(page, trace, sentence)
    ]
    if regions:
        table = np.array(sorted(regions), dtype=np.int64)
        last = np.searchsorted(table[:, 0], hits.start, side="right") - 1
        restated |= (last >= 0) & (hits.start < np.maximum.accumulate(table[:, 1])[last])
    return restated


@functools.lru_cache(maxsize=256)
def _sentences(question: str) -> tuple[str, ...]:
    """Return the sentences of a question that are long enough to tell a copy by."""
    folded = fold(question)
    found = (folded[start:end].rstrip(" .?!:") for start, end in sentence_ranges(question))
    return tuple(sentence for sentence in found if len(sentence) >= _RESTATED)


def _places(page: Page, trace: int, sentence: str) -> Iterator[int]:
    """Yield where ``sentence`` stands in a trace."""
    end = int(page.offset[trace + 1]) if trace + 1 < page.size else len(page.folded)
    found = page.folded.find(sentence, int(page.offset[trace]), end)
    while found >= 0:
        yield found
        found = page.folded.find(sentence, found + len(sentence), end)


def _uses(index: CueIndex, hits: _Hits) -> _Uses:
    """Return the cues behind each hit; a pattern may serve several elements."""
    first = index.first_use[hits.pattern]
    counts = index.first_use[hits.pattern + 1] - first
    hit = np.repeat(np.arange(len(counts)), counts)
    use = first[hit] + np.arange(len(hit)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _Uses(use, hits.start[hit], hits.sentence[hit])


def _well_placed(index: CueIndex, page: Page, uses: _Uses) -> _Uses:
    """Return the uses that stand where their cue must; those in parts, where they begin."""
    begin = page.starts[uses.sentence]
    in_parts = index.in_parts[uses.use]
    start = uses.start.copy()
    start[in_parts] = _begins_of_wholes(index, page, uses.where(in_parts))
    late = index.at_start[uses.use] & (start > begin)
    placed = (start >= 0) & (~late | (start - begin <= _FILLERS_REACH))
    check = np.flatnonzero(late & placed)
    placed[check] = start[check] <= _fillers_end(page, uses.sentence[check])
    # A cue in parts counts once where it begins, however often its rarest part follows.
    parts = np.flatnonzero(in_parts & placed)
    placed[parts] = False
    once = np.unique(uses.use[parts] * len(page.codes) + start[parts], return_index=True)[1]
    placed[parts[once]] = True
    return _Uses(uses.use, start, uses.sentence).where(placed)


def _begins_of_wholes(index: CueIndex, page: Page, uses: _Uses) -> IntArray:
    """Return where the cues in parts begin whose rarest parts were hit; -1 where none does."""
    # A bounded stretch around each hit: a sentence may be as long as the trace.
    first = np.maximum(page.limits[uses.sentence, 0], uses.start - _WHOLE_REACH)
    last = np.minimum(page.limits[uses.sentence, 1], uses.start + _WHOLE_REACH)
    wholes = (index.whole[use] for use in uses.use.tolist())
    found = [
        whole.find(page.folded, a, b) if whole is not None else -1
        for whole, a, b in zip(wholes, first.tolist(), last.tolist(), strict=True)
    ]
    return np.array(found, dtype=np.int64)


def _fillers_end(page: Page, sentences: IntArray) -> IntArray:
    """Return, for each of ``sentences``, where the fillers at its start end."""
    distinct, where = np.unique(sentences, return_inverse=True)
    ends = np.zeros(len(distinct), dtype=np.int64)
    match, folded = _FILLERS.match, page.folded
    for number, (begin, end) in enumerate(page.limits[distinct].tolist()):
        found = match(folded, begin, min(end, begin + _FILLERS_REACH))
        ends[number] = found.end() if found is not None else begin
    return ends[where]


def _negated(folded: str, uses: _Uses, negators: _Hits) -> BoolArray:
    """Say which uses follow a negator of their sentence closely enough to be cancelled."""
    negated = np.zeros(len(uses.use), dtype=bool)
    if not len(negators.pattern):
        return negated
    order = np.argsort(negators.end, kind="stable")
    ends, owners = negators.end[order], negators.sentence[order]
    last = np.searchsorted(ends, uses.start, side="right") - 1
    near = (last >= 0) & (owners[last] == uses.sentence)
    near &= uses.start - ends[last] <= _NEGATION_REACH
    which = np.flatnonzero(near)
    pairs = zip(which.tolist(), ends[last[which]].tolist(), uses.start[which].tolist(), strict=True)
    for number, negator_end, start in pairs:
        between = folded[negator_end:start]
        if between.count(" ") <= _NEGATION_WORDS and not _NOT_NEGATING.search(between):
            negated[number] = True
    return negated


def _add(evidence: Evidence, index: CueIndex, page: Page, uses: _Uses) -> None:
    """Add to ``evidence`` what ``uses`` say."""
    cells, variety = evidence.cells, evidence.variety
    added = np.bincount(
        index.element[uses.use] * cells.shape[1] + uses.sentence,
        weights=index.weight[uses.use],
        minlength=cells.size,
    )
    np.add(cells, added.reshape(cells.shape), out=cells, casting="same_kind")
    size = max(1, len(index.weight))
    trace, kind = np.divmod(np.unique(page.owner[uses.sentence] * size + uses.use), size)
    kinds = np.bincount(
        trace * variety.shape[1] + index.element[kind],
        weights=1 - np.exp(-index.weight[kind]),
        minlength=variety.size,
    )
    np.add(variety, kinds.reshape(variety.shape), out=variety)
