"""Which annotator a job uses, and all it takes to build it, here or in a worker process."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from cogtrace.annotator.builtin import CUE
from cogtrace.extensions import AnnotatorKind, AnnotatorSetup
from cogtrace.records import Annotator
from cogtrace.taxonomy import Taxonomy


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
