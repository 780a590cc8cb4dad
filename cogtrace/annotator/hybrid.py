"""The hybrid annotator: cues rule out what is plainly absent, a language model is asked the rest.

What cues rule out is scored 0 without being asked, except for a random share of the
pairs, which is asked all the same: from it follows how much was missed.
"""

from __future__ import annotations

from typing import Final

import msgspec

from cogtrace.annotator.cues.screening import Screen, audited
from cogtrace.annotator.llm.annotator import LlmAnnotator
from cogtrace.annotator.llm.fingerprints import digest
from cogtrace.annotator.llm.layout import Layout
from cogtrace.errors import Stopped
from cogtrace.extensions import AnnotatorSetup
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    Trace,
    Usage,
    text_sha256,
)

VERSION: Final = "1"
RULED_OUT: Final = "ruled out by cues; not asked"


class HybridAnnotator:
    """Asks a language model only about the elements that cues do not rule out.

    Tallies, per element: ``ruled-out/ID`` pairs ruled out, ``audited/ID`` of these asked
    all the same, ``missed/ID`` of these that the model scored above 0.

    Raises:
        OptionError: settings without meaning.
        EngineError: the engine cannot be used.
    """

    name: Final = "hybrid"

    def __init__(self, setup: AnnotatorSetup) -> None:
        # Whether a trace is readable to cues shows in all elements, asked about or not.
        self._screen = Screen(setup.uncut or setup.taxonomy)
        self._llm = LlmAnnotator(setup)
        self.taxonomy = setup.taxonomy
        settings = self._llm.settings
        self._share, self._seed = settings.options.audit, settings.seed
        self.ref = AnnotatorRef(
            name=self.name,
            version=VERSION,
            fingerprint=digest(
                self._llm.ref.fingerprint,
                self._screen.fingerprint,
                self._share,
                self._seed,
                VERSION,
            )[:16],
        )

    @classmethod
    def from_setup(cls, setup: AnnotatorSetup) -> HybridAnnotator:
        """Return the annotator of a job."""
        return cls(setup)

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate a batch; one annotation per trace, in the same order.

        Raises:
            Stopped: see `LlmAnnotator.annotate`; the first traces are in ``done``.
        """
        everything = set(self.taxonomy.element_ids)
        ruled_out, audits = _screened(self._screen, everything, traces, self._seed, self._share)
        asked = [
            self._llm.layout.narrowed(everything - out | audit)
            for out, audit in zip(ruled_out, audits, strict=True)
        ]
        try:
            found = self._llm.annotate_asking(traces, asked)
        except Stopped as stop:
            done = self._complete(stop.done, ruled_out, audits)
            raise Stopped(stop.reason, done) from stop
        return self._complete(found, ruled_out, audits)

    def _complete(
        self, found: list[Annotation], ruled_out: list[set[str]], audits: list[set[str]]
    ) -> list[Annotation]:
        return [
            self._completed(annotation, out, audit)
            for annotation, out, audit in zip(found, ruled_out, audits, strict=False)
        ]

    @property
    def layout(self) -> Layout:
        """How traces are laid out on prompts."""
        return self._llm.layout

    def spent(self) -> Usage:
        """Return what the whole job has cost so far."""
        return self._llm.spent()

    def close(self) -> None:
        """Shut the engine down."""
        self._llm.close()

    def _completed(self, found: Annotation, ruled_out: set[str], audit: set[str]) -> Annotation:
        """Return the model's annotation with what it was not asked about."""
        if found.unanswered and not found.elements:
            # Nothing was learned of this trace; it goes to quarantine as a whole.
            return msgspec.structs.replace(found, annotator=self.ref)
        entries = {entry.element: entry for entry in found.elements}
        tally = dict(found.tally)
        for name in sorted(ruled_out):
            tally[f"ruled-out/{name}"] = 1
            if name not in audit:
                entries[name] = ElementAnnotation(element=name, score=0, explanation=RULED_OUT)
            elif name in entries:
                tally[f"audited/{name}"] = 1
                tally[f"missed/{name}"] = int(entries[name].score > 0)
        return msgspec.structs.replace(
            found,
            annotator=self.ref,
            elements=tuple(entries[n] for n in self.taxonomy.element_ids if n in entries),
            tally=tally,
        )


def asked_elements(
    setup: AnnotatorSetup, traces: list[Trace], seed: int, share: float
) -> list[set[str]]:
    """Return, per trace, the elements that a hybrid job asks a model about."""
    everything = set(setup.taxonomy.element_ids)
    screen = Screen(setup.uncut or setup.taxonomy)
    ruled_out, audits = _screened(screen, everything, traces, seed, share)
    return [everything - out | audit for out, audit in zip(ruled_out, audits, strict=True)]


def _screened(
    screen: Screen, elements: set[str], traces: list[Trace], seed: int, share: float
) -> tuple[list[set[str]], list[set[str]]]:
    """Return, per trace, what cues rule out, and what of it is asked all the same."""
    ruled_out = [set(found) & elements for found in screen.ruled_out(traces)]
    audits = []
    for trace, out in zip(traces, ruled_out, strict=True):
        sha = text_sha256(trace.text)
        audits.append({name for name in out if audited(seed, sha, name, share)})
    return ruled_out, audits
