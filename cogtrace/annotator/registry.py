"""Which annotator a job uses, and all it takes to build it, here or in a worker process."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from cogtrace.annotator.builtin import CUE, MERGED
from cogtrace.extensions import AnnotatorKind, AnnotatorSetup
from cogtrace.records import Annotator
from cogtrace.taxonomy import Taxonomy


def default_annotator(taxonomy: Taxonomy) -> str:
    """Return the annotator of a job for which none is asked for, nor a language model.

    Cues and the bundled model together, where that was trained for the taxonomy; else cues.
    """
    from cogtrace.annotator.merged import fits

    return MERGED.name if fits(taxonomy) else CUE.name


@dataclass(frozen=True, slots=True)
class AnnotatorSpec:
    """An annotator that is not built yet."""

    kind: AnnotatorKind
    setup: AnnotatorSetup

    @classmethod
    def cue(cls, taxonomy: Taxonomy) -> AnnotatorSpec:
        """Return the spec of the cue annotator."""
        return cls(CUE, AnnotatorSetup(taxonomy=taxonomy))

    @property
    def taxonomy(self) -> Taxonomy:
        """What is looked for."""
        return self.setup.taxonomy

    def build(self, folder: Path | None = None) -> Annotator:
        """Return the annotator, for a job in ``folder``.

        Raises:
            OptionError: its options have no meaning.
            EngineError: its language model cannot be used.
        """
        return self.kind.build(dataclasses.replace(self.setup, folder=folder))
