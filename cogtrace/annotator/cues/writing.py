"""From decisions about a page to the annotations of its traces."""

from __future__ import annotations

import numpy as np

from cogtrace.annotator.cues.page import IntArray, Page
from cogtrace.annotator.cues.scoring import Decision
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    Span,
    Trace,
    text_sha256,
)
from cogtrace.taxonomy import Taxonomy


class AnnotationWriter:
    """Writes annotations for an annotator that goes by sentences."""

    def __init__(self, taxonomy: Taxonomy, ref: AnnotatorRef) -> None:
        self._taxonomy = taxonomy
        self._ref = ref
        # Most elements are absent from most traces; their entries are all the same.
        self._absent = [ElementAnnotation(element=name, score=0) for name in taxonomy.element_ids]

    def annotations(self, traces: list[Trace], page: Page, decision: Decision) -> list[Annotation]:
        """Return an annotation per trace of the page, in the same order."""
        spans = self._spans(traces, page, decision)
        edges = _edges(decision, len(self._absent))
        elements = [
            tuple(
                ElementAnnotation(element=absent.element, score=score, spans=tuple(spans[a:b]))
                if score
                else absent
                for absent, score, a, b in zip(self._absent, scores, begin, end, strict=True)
            )
            for scores, begin, end in zip(
                decision.scores.tolist(), edges[:, :-1].tolist(), edges[:, 1:].tolist(), strict=True
            )
        ]
        return [
            Annotation(
                trace_id=trace.trace_id,
                text_sha256=text_sha256(trace.text),
                sentences=sentences,
                taxonomy=self._taxonomy.ref,
                annotator=self._ref,
                elements=found,
            )
            for trace, sentences, found in zip(
                traces, np.diff(page.first).tolist(), elements, strict=True
            )
        ]

    def _spans(self, traces: list[Trace], page: Page, decision: Decision) -> list[Span]:
        """Return the spans of all runs, in their order."""
        offset = page.offset[decision.owner]
        before = page.first[decision.owner]
        return [
            Span(
                start=start,
                end=end,
                quote=traces[owner].text[start:end],
                first_sentence=first,
                last_sentence=last,
                anchor="sentence",
                source=self._ref.name,
                confidence=confidence,
            )
            for owner, start, end, first, last, confidence in zip(
                decision.owner.tolist(),
                (page.limits[decision.first, 0] - offset).tolist(),
                (page.limits[decision.last, 1] - offset).tolist(),
                (decision.first - before + 1).tolist(),
                (decision.last - before + 1).tolist(),
                np.round(decision.confidence.astype(np.float64), 3).tolist(),
                strict=True,
            )
        ]


def _edges(decision: Decision, elements: int) -> IntArray:
    """Return where the runs of each trace (row) and element begin, and the last ones end."""
    size = decision.scores.size
    counts = np.bincount(decision.owner * elements + decision.element, minlength=size)
    ends = np.cumsum(counts).reshape(-1, elements)
    begins = ends[:, :1] - counts.reshape(-1, elements)[:, :1]
    return np.concatenate([begins, ends], axis=1)
