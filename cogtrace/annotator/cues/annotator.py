"""The cue annotator: finds elements by their wording, on a CPU, fast."""

from __future__ import annotations

import hashlib
from typing import Final

from cogtrace.annotator.cues.forms import signal_weights
from cogtrace.annotator.cues.index import compile_cues
from cogtrace.annotator.cues.matcher import find_evidence
from cogtrace.annotator.cues.page import make_page
from cogtrace.annotator.cues.paged import PagedAnnotator
from cogtrace.annotator.cues.scoring import decide, thresholds
from cogtrace.annotator.cues.writing import AnnotationWriter
from cogtrace.records import Annotation, AnnotatorRef, Trace
from cogtrace.taxonomy import Taxonomy, load_taxonomy

# Goes up with every change to the code that may change an annotation.
VERSION: Final = "1"


class CueAnnotator(PagedAnnotator):
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
        self._writer = AnnotationWriter(self.taxonomy, self.ref)

    def annotate_page(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate traces that are read together."""
        page = make_page(traces)
        evidence = find_evidence(self._index, self._signals, page)
        decision = decide(evidence, page, self._thresholds)
        return self._writer.annotations(traces, page, decision)


def _fingerprint(taxonomy: Taxonomy) -> str:
    parts = (CueAnnotator.name, VERSION, taxonomy.sha256)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
