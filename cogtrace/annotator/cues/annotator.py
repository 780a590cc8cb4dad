"""The cue annotator: finds elements by their wording, on a CPU, fast."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from cogtrace.annotator.cues.forms import signal_weights
from cogtrace.annotator.cues.index import compile_cues
from cogtrace.annotator.cues.matcher import find_evidence
from cogtrace.annotator.cues.scoring import Decision, decide, thresholds
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    Span,
    Trace,
    text_sha256,
)
from cogtrace.taxonomy import Taxonomy, load_taxonomy

# Goes up with every change to the code that may change an annotation.
VERSION: Final = "1"


class CueAnnotator:
    """Annotates traces by the cues of a taxonomy.

    >>> from cogtrace.records import Trace
    >>> annotator = CueAnnotator()
    >>> trace = Trace(trace_id="t", text="It is 41. Let me double-check: 17 + 24 = 41.")
    >>> annotator.annotate([trace])[0].of("verification").spans[0].quote
    'Let me double-check: 17 + 24 = 41.'
    """

    name: Final = "cue"

    def __init__(self, taxonomy: Taxonomy | None = None) -> None:
        self.taxonomy = taxonomy or load_taxonomy()
        self._index = compile_cues(self.taxonomy)
        self._signals = signal_weights(self.taxonomy)
        self._thresholds = thresholds(self.taxonomy)
        self.ref = AnnotatorRef(
            name=self.name, version=VERSION, fingerprint=_fingerprint(self.taxonomy)
        )

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate a batch; one annotation per trace, in the same order."""
        return [self._annotate(trace) for trace in traces]

    def annotate_text(self, text: str, question: str | None = None) -> Annotation:
        """Annotate a single text; its id is "text"."""
        return self._annotate(Trace(trace_id="text", text=text, question=question))

    def _annotate(self, trace: Trace) -> Annotation:
        ranges = sentence_ranges(trace.text)
        evidence = find_evidence(
            self._index, self._signals, trace.text, ranges, trace.question
        )
        decision = decide(evidence, self._thresholds)
        return Annotation(
            trace_id=trace.trace_id,
            text_sha256=text_sha256(trace.text),
            sentences=len(ranges),
            taxonomy=self.taxonomy.ref,
            annotator=self.ref,
            elements=self._elements(trace.text, ranges, decision),
        )

    def _elements(
        self, text: str, ranges: list[tuple[int, int]], decision: Decision
    ) -> tuple[ElementAnnotation, ...]:
        spans: list[list[Span]] = [[] for _ in self.taxonomy.elements]
        for element, first, last, confidence in zip(
            decision.run_element.tolist(),
            decision.run_first.tolist(),
            decision.run_last.tolist(),
            np.round(decision.run_confidence, 3).tolist(),
            strict=True,
        ):
            start, end = ranges[first][0], ranges[last][1]
            spans[element].append(
                Span(
                    start=start,
                    end=end,
                    quote=text[start:end],
                    first_sentence=first + 1,
                    last_sentence=last + 1,
                    anchor="sentence",
                    source=self.name,
                    confidence=confidence,
                )
            )
        return tuple(
            ElementAnnotation(element=name, score=score, spans=tuple(found))
            for name, score, found in zip(
                self._index.elements, decision.scores.tolist(), spans, strict=True
            )
        )


def _fingerprint(taxonomy: Taxonomy) -> str:
    parts = (CueAnnotator.name, VERSION, taxonomy.sha256)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
