"""The cue annotator: finds elements by their wording, on a CPU, fast."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from cogtrace.annotator.cues.forms import signal_weights
from cogtrace.annotator.cues.index import compile_cues
from cogtrace.annotator.cues.matcher import find_evidence
from cogtrace.annotator.cues.page import IntArray, Page, make_page, pages
from cogtrace.annotator.cues.scoring import Decision, decide, thresholds
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
        # Most elements are absent from most traces; their entries are all the same.
        self._absent = [ElementAnnotation(element=name, score=0) for name in self._index.elements]
        self.ref = AnnotatorRef(
            name=self.name, version=VERSION, fingerprint=_fingerprint(self.taxonomy)
        )

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate a batch; one annotation per trace, in the same order."""
        return [annotation for group in pages(traces) for annotation in self._page(group)]

    def spent(self) -> None:
        """Return None: cues cost nothing but time."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def annotate_text(self, text: str, question: str | None = None) -> Annotation:
        """Annotate a single text; its id is "text"."""
        return self._page([Trace(trace_id="text", text=text, question=question)])[0]

    def _page(self, traces: list[Trace]) -> list[Annotation]:
        page = make_page(traces)
        evidence = find_evidence(self._index, self._signals, page)
        decision = decide(evidence, page, self._thresholds)
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
                taxonomy=self.taxonomy.ref,
                annotator=self.ref,
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
                source=self.name,
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


def _fingerprint(taxonomy: Taxonomy) -> str:
    parts = (CueAnnotator.name, VERSION, taxonomy.sha256)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
