"""The merged annotator: the bundled model and the cues, each adding to what the other finds.

The rule. Evidence of a sentence is the negative logarithm of the probability that it does
not show the element. That of the cues stands as it is, and the model adds half (`SHARE`) of
its own: it looks at the cues too, so the two are not independent. Scores and spans follow
as they do from cues alone, with thresholds of their own, which lie beside the model.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np

from cogtrace.annotator.cues.annotator import VERSION as CUES_VERSION
from cogtrace.annotator.cues.matcher import Evidence
from cogtrace.annotator.cues.page import CellArray, Page, make_page
from cogtrace.annotator.cues.paged import PagedAnnotator
from cogtrace.annotator.cues.scoring import Thresholds, decide
from cogtrace.annotator.cues.writing import AnnotationWriter
from cogtrace.annotator.model.annotator import chosen, columns
from cogtrace.annotator.model.files import Model, load_model
from cogtrace.annotator.model.reading import ModelReader, cues_sha256
from cogtrace.errors import ModelError
from cogtrace.extensions import AnnotatorSetup
from cogtrace.records import Annotation, AnnotatorRef, Trace
from cogtrace.taxonomy import Taxonomy

# Goes up with every change to the code that may change an annotation.
VERSION: Final = "2"

SHARE: Final = 0.5
_MOST: Final = 0.97  # no sentence is surer than that by the model

_BUNDLED: Final = ("model", "cognitive")
_SCORING: Final = "merged.json"


class MergedScoring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thresholds of one element, with the meaning they have in a taxonomy's scoring."""

    partial: float
    present: float
    span: float
    before: int = 0
    after: int = 1


class MergedAnnotator(PagedAnnotator):
    """Annotates traces by cues and the bundled model together.

    ``taxonomy`` is what is looked for, ``whole`` the bundled taxonomy where that has more
    elements.

    Raises:
        ModelError: it is another taxonomy than the bundled model was trained for.
    """

    name: Final = "merged"

    def __init__(self, taxonomy: Taxonomy, whole: Taxonomy | None = None) -> None:
        self.taxonomy = taxonomy
        model = bundled_model()
        self._reader = ModelReader(model, whole or taxonomy)
        self._columns = columns(model.config, taxonomy)
        self._limits = chosen(merged_limits(model), self._columns)
        self.ref = AnnotatorRef(
            name=self.name, version=VERSION, fingerprint=_fingerprint(model, taxonomy)
        )
        self._writer = AnnotationWriter(taxonomy, self.ref)

    @classmethod
    def from_setup(cls, setup: AnnotatorSetup) -> MergedAnnotator:
        """Return the annotator of a job."""
        return cls(setup.taxonomy, setup.uncut)

    def annotate_page(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate traces that are read together."""
        page = make_page(traces)
        evidence = merged_evidence(self._reader, page)
        mine = Evidence(evidence.cells[self._columns], evidence.variety[:, self._columns])
        decision = decide(mine, page, self._limits)
        return self._writer.annotations(traces, page, decision)


def merged_evidence(reader: ModelReader, page: Page) -> Evidence:
    """Return what cues and model say together, in the form of the cues' evidence."""
    evidence = reader.pages.evidence(page)
    probability = reader.probability(page, evidence)
    return Evidence(evidence.cells + added(probability), evidence.variety)


def added(probability: CellArray) -> CellArray:
    """Return the evidence that a model's probabilities add."""
    cells: CellArray = (-SHARE * np.log1p(-np.minimum(probability, _MOST))).astype(np.float32)
    return cells


@functools.cache
def bundled_model() -> Model:
    """Return the model that ships with cogtrace."""
    return load_model(files(__package__).joinpath(*_BUNDLED))


def fits(taxonomy: Taxonomy) -> bool:
    """Return whether the bundled model was trained for the elements and cues of a taxonomy."""
    return bundled_model().config.cues_sha256 == cues_sha256(taxonomy)


def merged_limits(model: Model) -> Thresholds:
    """Return the thresholds for the bundled model with cues.

    Raises:
        ModelError: they are not there for each element.
    """
    data = files(__package__).joinpath(*_BUNDLED, _SCORING).read_bytes()
    found = msgspec.json.decode(data, type=dict[str, MergedScoring])
    if set(found) != set(model.config.elements):
        raise ModelError(f"{_SCORING} and the bundled model are about different elements")
    scoring = [found[name] for name in model.config.elements]
    return Thresholds(
        partial=np.array([s.partial for s in scoring]),
        present=np.array([s.present for s in scoring]),
        span=np.array([s.span for s in scoring]),
        before=np.array([s.before for s in scoring]),
        after=np.array([s.after for s in scoring]),
    )


def _fingerprint(model: Model, taxonomy: Taxonomy) -> str:
    scoring = files(__package__).joinpath(*_BUNDLED, _SCORING).read_bytes()
    known = (MergedAnnotator.name, VERSION, CUES_VERSION, model.fingerprint, taxonomy.sha256)
    parts = [*(part.encode() for part in known), scoring]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
