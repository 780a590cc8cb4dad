"""Annotators by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.errors import OptionError
from cogtrace.records import Annotator
from cogtrace.taxonomy import Taxonomy

NAMES: Final = (CueAnnotator.name,)


@dataclass(frozen=True, slots=True)
class AnnotatorSpec:
    """All it takes to build an annotator, here or in a worker process."""

    name: str
    taxonomy: Taxonomy

    def build(self) -> Annotator:
        """Return the annotator.

        Raises:
            OptionError: there is none of this name.
        """
        if self.name == CueAnnotator.name:
            return CueAnnotator(self.taxonomy)
        raise OptionError(f"--annotator {self.name}: unknown; there is {', '.join(NAMES)}")
