"""From sentence numbers and quotes to places in the text.

A model's counting of characters is never used. The range of sentences says where to look;
a quote, if there is one, is searched within it and nowhere else.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any, Final

from cogtrace.annotator.llm.folding import fold, fold_with_offsets
from cogtrace.annotator.llm.model import Evidence, Ranges, Verdict
from cogtrace.annotator.llm.spans import unite
from cogtrace.errors import OptionError
from cogtrace.records import Anchor, ElementAnnotation, Span

_SHORTEST: Final = 2  # characters of a quote that is searched at all
_SHORTEST_FUZZY: Final = 12  # folded characters: at 90 % that allows one slip
_LONGEST_FUZZY: Final = 1_000  # a quote longer than this is no quote
_WIDEST_FUZZY: Final = 20_000  # of the text searched: keeps one hostile quote to some ms
_ALIKE: Final = 90.0  # per cent, as rapidfuzz counts
_SOLID: Final = 3  # equal characters in a row that cannot be chance

# A sentence's label as the prompt shows it; models copy it along with the words.
_LABEL: Final = re.compile(r"\[(\d{1,9})\]\s*")
# What models put around a quote that is not in the text.
_WRAPPING: Final = " \"'`*.…“”‘’«»„"
# From here on there are scripts without blanks between words: Thai, Chinese, Japanese…
_UNSPACED: Final = "\u0e00"


def anchor(text: str, ranges: Ranges, evidence: Evidence) -> tuple[int, int, Anchor]:
    """Return where in ``text`` a piece of evidence lies, and how that was found.

    ``ranges`` are the sentences of the text; those of the evidence must be among them.
    Without a quote it is the whole range, without white space around it ("sentence"). With
    one, it is the first place in the range where the quote stands as whole words:

    * "exact": to the letter;
    * "folded": apart from white space, case, accents, marks of emphasis, and the typography
      of quotes, dashes, dots and brackets, or without labels of sentences and marks that
      were put to it;
    * "fuzzy": 90 % alike (rapidfuzz's partial ratio), at least 12 characters, widened or
      narrowed to whole words.

    A quote that is nowhere in the range is ignored: "sentence". The place is empty only
    where the range has nothing but white space.

    Raises:
        OptionError: a quote has to be searched fuzzily, and rapidfuzz is not installed.
    """
    start, end = _trimmed(text, ranges[evidence.first - 1][0], ranges[evidence.last - 1][1])
    quote = (evidence.quote or "").strip()
    if len(quote) < _SHORTEST or start >= end:
        return start, end, "sentence"
    at = _find(quote, text, start, end)
    if at >= 0:
        return at, at + len(quote), "exact"
    folded, offsets = fold_with_offsets(text[start:end])
    needles = _needles(quote, evidence)
    for needle in needles:
        at = _find(needle, folded, 0, len(folded))
        if at >= 0:
            return *_place(text, start, end, offsets[at : at + len(needle)]), "folded"
    alike = _find_alike(needles[-1], folded)
    if alike is not None:
        return *_place(text, start, end, offsets[slice(*alike)]), "fuzzy"
    return start, end, "sentence"


def to_annotation(
    text: str,
    ranges: Ranges,
    element_id: str,
    verdict: Verdict,
    source: str,
    confidence: float | None = None,
) -> ElementAnnotation:
    """Return what a verdict says of an element, with its evidence as spans of the text.

    The spans are sorted; those that overlap are one. Their sentence numbers are those of
    the evidence or, where a quote narrowed it, of the sentences that the quote touches.
    White space is no evidence: a verdict that has no other gets score 0.

    Raises:
        OptionError: as for `anchor`.
    """
    spans = [
        span
        for evidence in verdict.evidence
        if (span := _span(text, ranges, evidence, source, confidence)) is not None
    ]
    return ElementAnnotation(
        element=element_id,
        score=verdict.score if spans else 0,
        spans=unite(text, spans) if len(spans) > 1 else tuple(spans),
        explanation=verdict.reason or None,
    )


def _span(
    text: str, ranges: Ranges, evidence: Evidence, source: str, confidence: float | None
) -> Span | None:
    start, end, found = anchor(text, ranges, evidence)
    if start >= end:
        return None
    first, last = evidence.first, evidence.last
    if found != "sentence":
        first, last = _sentence(ranges, start), _sentence(ranges, end - 1)
    return Span(
        start=start,
        end=end,
        quote=text[start:end],
        first_sentence=first,
        last_sentence=last,
        anchor=found,
        source=source,
        confidence=confidence,
    )


def _sentence(ranges: Ranges, offset: int) -> int:
    """Return the number of the sentence that holds a character."""
    return bisect_right(ranges, offset, key=lambda limits: limits[0])


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _needles(quote: str, evidence: Evidence) -> list[str]:
    """Return what to search for a quote, folded: as it is, then without what was put to it."""

    def unless_shown(label: re.Match[str]) -> str:
        shown = evidence.first <= int(label.group(1)) <= evidence.last
        return "" if shown else label.group()

    bare = _LABEL.sub(unless_shown, quote).strip(_WRAPPING)
    folded = dict.fromkeys((fold(quote), fold(bare)))
    return [needle for needle in folded if len(needle) >= _SHORTEST] or [fold(quote)]


def _find(needle: str, text: str, start: int, end: int) -> int:
    """Return the first place where the needle is not a part of longer words, or -1."""
    at = text.find(needle, start, end) if needle else -1
    while at >= 0:
        after = at + len(needle)
        if not (at > start and _joined(text, at)) and not (after < end and _joined(text, after)):
            return at
        at = text.find(needle, at + 1, end)
    return -1


def _joined(text: str, at: int) -> bool:
    """Say whether a cut before ``at`` would go through a word."""
    left, right = text[at - 1], text[at]
    return left.isalnum() and right.isalnum() and left < _UNSPACED and right < _UNSPACED


def _place(text: str, start: int, end: int, offsets: list[int]) -> tuple[int, int]:
    """Return where folded characters, of these offsets from ``start``, come from.

    Marks on the last one belong to it; the place ends at ``end`` at the latest.
    """
    stop = start + offsets[-1] + 1
    while stop < end and not text[stop].isspace() and not fold(text[stop]):
        stop += 1
    return start + offsets[0], stop


def _find_alike(needle: str, folded: str) -> tuple[int, int] | None:
    """Return the limits of the words that are most like the needle, if they are alike."""
    if not _SHORTEST_FUZZY <= len(needle) <= min(len(folded), _LONGEST_FUZZY):
        return None
    if len(folded) > _WIDEST_FUZZY:
        return None
    found = fuzzy_search().fuzz.partial_ratio_alignment(needle, folded, score_cutoff=_ALIKE)
    if found is None:
        return None
    begin, stop = _solid(needle, folded, found.dest_start, found.dest_end)
    begin, stop = _snapped(folded, begin), _snapped(folded, stop)
    while begin < stop and folded[begin] == " ":
        begin += 1
    while stop > begin and folded[stop - 1] == " ":
        stop -= 1
    return (begin, stop) if begin < stop else None


def _solid(needle: str, folded: str, begin: int, stop: int) -> tuple[int, int]:
    """Return the limits without what is at the ends only because the needle is longer."""
    editing = fuzzy_search().distance.Indel.opcodes(needle, folded[begin:stop])
    blocks = [block for block in editing.as_matching_blocks() if block.size >= _SOLID]
    if not blocks:
        return begin, stop
    return begin + blocks[0].b, begin + blocks[-1].b + blocks[-1].size


def _snapped(folded: str, at: int) -> int:
    """Return the edge of a word that is nearest to ``at``."""
    left = right = at
    while 0 < left < len(folded) and _joined(folded, left):
        left -= 1
    while 0 < right < len(folded) and _joined(folded, right):
        right += 1
    return left if at - left <= right - at else right


def fuzzy_search() -> Any:
    """Return the module that searches fuzzily; call it once before quotes are asked for.

    Raises:
        OptionError: rapidfuzz is not installed.
    """
    try:
        import rapidfuzz
        import rapidfuzz.distance
    except ImportError as error:
        raise OptionError("quotes need rapidfuzz: pip install 'cogtrace[llm]'") from error
    return rapidfuzz
