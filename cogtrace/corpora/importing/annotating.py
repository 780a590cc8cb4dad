"""From labelled stretches of a text to an annotation, each span checked."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from cogtrace.annotator.llm.spans import unite
from cogtrace.annotator.sentences import sentence_starts
from cogtrace.corpora.importing.mapping import Mapping, Source
from cogtrace.extensions import Labels, Mark
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    Span,
    Trace,
    Unanswered,
    text_sha256,
)

PRESENT: Final = 2  # the score of a label that has no strength of its own


class _Fault(ValueError):
    """Why an element has no usable answer; the reason is a short code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Page:
    """A trace with what is needed to place spans on it."""

    text: str
    starts: list[int]  # of its sentences
    labels: Labels
    marks: dict[str, list[Mark]]  # by label

    @classmethod
    def of(cls, trace: Trace, labels: Labels) -> _Page:
        marks = defaultdict(list)
        for mark in labels.marks:
            marks[mark.label].append(mark)
        return cls(trace.text, list(sentence_starts(trace.text)), labels, marks)


def annotation_of(
    trace: Trace, labels: Labels, mapping: Mapping, annotator: AnnotatorRef
) -> Annotation:
    """Return what the labels of a trace say of each element.

    An element whose labels or spans cannot be used is among the unanswered, with the
    reason; so is one that the row does not speak of.
    """
    page = _Page.of(trace, labels)
    elements: list[ElementAnnotation] = []
    unanswered: list[Unanswered] = []
    for name in mapping.taxonomy.element_ids:
        try:
            elements.append(_element(name, page, mapping, annotator.name))
        except _Fault as fault:
            raw = _shown(page, mapping.sources[name])
            unanswered.append(
                Unanswered(elements=(name,), reason=fault.reason, message=str(fault), raw=raw)
            )
    return Annotation(
        trace_id=trace.trace_id,
        text_sha256=text_sha256(trace.text),
        sentences=len(page.starts),
        taxonomy=mapping.taxonomy.ref,
        annotator=annotator,
        elements=tuple(elements),
        unanswered=tuple(unanswered),
        tally={f"left-out-{name}": count for name, count in labels.left_out.items()},
    )


def _element(name: str, page: _Page, mapping: Mapping, source: str) -> ElementAnnotation:
    found = [(origin, *_read(page, origin.label, source)) for origin in mapping.sources[name]]
    asked = [(origin, score, spans) for origin, score, spans in found if score is not None]
    if not asked:
        raise _Fault("not-in-record", "the record does not say anything of this element")
    spans = [span for _, _, spans in asked for span in spans]
    if mapping.unites:
        placed = unite(page.text, spans)
    else:
        placed = tuple(sorted(spans, key=lambda span: (span.start, span.end)))
    return ElementAnnotation(
        element=name,
        score=max(score for _, score, _ in asked),
        spans=placed,
        explanation=_explanation([origin for origin, score, _ in asked if score]),
    )


def _read(page: _Page, label: str, source: str) -> tuple[int | None, list[Span]]:
    """Return score and spans of one label; None for a label the row does not speak of.

    Raises:
        _Fault: they cannot be used.
    """
    if label in page.labels.faults:
        raise _Fault(*page.labels.faults[label])
    marks = page.marks.get(label, [])
    if page.labels.scores is None:
        score: int | None = PRESENT if marks else 0
    else:
        score = page.labels.scores.get(label)
    if score not in (None, 0, 1, PRESENT):
        raise _Fault("bad-score", f"{label}: the score is {score!r:.40}, not 0, 1 or 2")
    if bool(score) != bool(marks) and (marks or label not in page.labels.whole):
        raise _Fault(
            "score-without-span" if score else "span-without-score",
            f"{label}: score {score or 0} with {len(marks)} spans",
        )
    return score, [_span(page, mark, source) for mark in marks]


def _span(page: _Page, mark: Mark, source: str) -> Span:
    start, end = mark.start, mark.end
    if not 0 <= start < end <= len(page.text):
        raise _Fault(
            "bad-span",
            f"{mark.label}: [{start}, {end}) is no stretch of a text of "
            f"{len(page.text):,} characters",
        )
    quote = page.text[start:end]
    if mark.quote is not None and mark.quote != quote:
        raise _Fault(
            "not-its-quote", f"{mark.label}: other words stand at [{start}, {end}) of the text"
        )
    return Span(
        start=start,
        end=end,
        quote=quote,
        first_sentence=bisect_right(page.starts, start),
        last_sentence=bisect_right(page.starts, end - 1),
        anchor="exact",
        source=source,
    )


def _explanation(origins: list[Source]) -> str | None:
    named = [f"{origin.label} ({origin.relation})" for origin in origins if origin.relation]
    return "; ".join(named) or None


def _shown(page: _Page, sources: tuple[Source, ...]) -> str:
    """Return what the row says of an element, as it can be kept."""
    names = [source.label for source in sources]
    scores = page.labels.scores or {}
    found = [
        {
            "label": name,
            "score": scores.get(name),
            "spans": [[mark.start, mark.end] for mark in page.marks.get(name, [])],
        }
        for name in names
    ]
    return json.dumps(found)
