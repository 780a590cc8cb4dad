"""Several answers about one element of one trace become one: windows, and votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from cogtrace.annotator.llm.model import Ranges
from cogtrace.annotator.llm.spans import PRECISION, unite
from cogtrace.records import ElementAnnotation, Span


def merge_windows(text: str, entries: Sequence[ElementAnnotation]) -> ElementAnnotation:
    """Return what a trace shows of an element, from what its windows show.

    The score is the highest: windows are parts of one trace, and what one part shows the
    trace shows; that the other parts do not show it takes nothing away. All spans are kept,
    overlapping ones united, with the highest confidence of each. The explanation is that of
    the window that gave the score, the first one in the text if there are several; for score
    0 it is kept only if all windows give the same, as each speaks of its own part only.

    The entries are of one element, at least one; their order does not matter.
    """
    score = max(entry.score for entry in entries)
    return ElementAnnotation(
        element=entries[0].element,
        score=score,
        spans=unite(text, (span for entry in entries for span in entry.spans)) if score else (),
        explanation=_window_explanation([e for e in entries if e.score == score], score),
    )


def merge_votes(
    text: str, ranges: Ranges, entries: Sequence[ElementAnnotation]
) -> ElementAnnotation:
    """Return what several answers to the same question agree on.

    The score is the highest that more than half of the votes reach (the lower median): one
    of three that saw nothing is outvoted, one of two is not. It has as evidence

    * the spans that at least half of the votes above 0 give with the same limits, and
    * of the other sentences, those that at least half of the votes above 0 point to;
    * if there are none, the sentence that most point to, the first one of several.

    The confidence of a span is the share of all votes, those for 0 included, that point to
    its sentences, the mean over them, to three digits. The explanation is the one that the
    votes for this score give most often, the first in the alphabet of several.

    The entries are of one element and of one source, at least one; their order does not
    matter. ``ranges`` are the sentences of the text.
    """
    score = sorted(entry.score for entry in entries)[(len(entries) - 1) // 2]
    spans: tuple[Span, ...] = ()
    if score:
        voting = [entry for entry in entries if entry.score]
        support = Counter(number for entry in voting for number in _sentences(entry.spans))
        agreed = _agreed(voting)
        found = agreed + _supported(text, ranges, voting, support, _sentences(agreed))
        spans = tuple(_sure(span, support, len(entries)) for span in unite(text, found))
    return ElementAnnotation(
        element=entries[0].element,
        score=score,
        spans=spans,
        explanation=_usual_explanation([e for e in entries if e.score == score]),
    )


def _window_explanation(entries: list[ElementAnnotation], score: int) -> str | None:
    if not score:
        said = {entry.explanation for entry in entries}
        return said.pop() if len(said) == 1 else None

    def place(entry: ElementAnnotation) -> tuple[int, int, str]:
        first = min(entry.spans, key=lambda span: (span.start, span.end))
        return first.start, first.end, entry.explanation or ""

    return min(entries, key=place).explanation or None


def _usual_explanation(entries: list[ElementAnnotation]) -> str | None:
    counts = Counter(entry.explanation for entry in entries if entry.explanation)
    return min(counts, key=lambda words: (-counts[words], words), default=None)


def _sentences(spans: Iterable[Span]) -> set[int]:
    return {n for span in spans for n in range(span.first_sentence, span.last_sentence + 1)}


def _agreed(voting: list[ElementAnnotation]) -> list[Span]:
    """Return the spans that at least half give alike, each by its most precise anchor."""
    alike: dict[tuple[int, int], list[Span]] = {}
    for entry in voting:
        for limits, span in {(s.start, s.end): s for s in entry.spans}.items():
            alike.setdefault(limits, []).append(span)
    return [
        max(spans, key=lambda s: (PRECISION[s.anchor], s.first_sentence, -s.last_sentence))
        for spans in alike.values()
        if 2 * len(spans) >= len(voting)
    ]


def _supported(
    text: str,
    ranges: Ranges,
    voting: list[ElementAnnotation],
    support: Counter[int],
    covered: set[int],
) -> list[Span]:
    """Return spans of whole sentences that have support and are not covered yet."""
    # A sentence may be empty: white space between two others. It shows nothing.
    filled = sorted(n for n in support if ranges[n - 1][0] < ranges[n - 1][1])
    numbers = [n for n in filled if 2 * support[n] >= len(voting)]
    if not numbers:
        numbers = [min(filled, key=lambda n: (-support[n], n))]
    source = voting[0].spans[0].source
    return [
        Span(
            start=ranges[first - 1][0],
            end=ranges[last - 1][1],
            quote=text[ranges[first - 1][0] : ranges[last - 1][1]],
            first_sentence=first,
            last_sentence=last,
            anchor="sentence",
            source=source,
        )
        for first, last in _runs([n for n in numbers if n not in covered])
    ]


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return (first, last) of each run of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _sure(span: Span, support: Counter[int], votes: int) -> Span:
    numbers = range(span.first_sentence, span.last_sentence + 1)
    share = sum(support[number] for number in numbers) / (len(numbers) * votes)
    return msgspec.structs.replace(span, confidence=round(share, 3))
