"""The trained annotator: a model of sentences, on a CPU."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from cogtrace.annotator.cues.page import CellArray, Page, make_page
from cogtrace.annotator.cues.paged import PagedAnnotator
from cogtrace.annotator.cues.scoring import Thresholds, decided
from cogtrace.annotator.cues.writing import AnnotationWriter
from cogtrace.annotator.model.files import Model, TrainedConfig, load_model
from cogtrace.annotator.model.reading import ModelReader, thresholds_of, trace_total
from cogtrace.errors import OptionError
from cogtrace.extensions import AnnotatorSetup
from cogtrace.records import Annotation, AnnotatorRef, Trace
from cogtrace.taxonomy import Taxonomy

# Goes up with every change to the code that may change an annotation.
VERSION: Final = "1"


class TrainedAnnotator(PagedAnnotator):
    """What annotators that were trained share; a subclass says how probable elements are.

    ``fingerprint`` says what the annotations depend on besides the taxonomy.
    """

    name: ClassVar[str]

    def __init__(
        self, config: TrainedConfig, taxonomy: Taxonomy, version: str, fingerprint: str
    ) -> None:
        self.taxonomy = taxonomy
        self._columns = columns(config, taxonomy)
        self._limits = chosen(thresholds_of(config.limits), self._columns)
        parts = (self.name, version, fingerprint, taxonomy.sha256)
        whole = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
        self.ref = AnnotatorRef(name=self.name, version=version, fingerprint=whole)
        self._writer = AnnotationWriter(taxonomy, self.ref)

    def probability(self, traces: list[Trace], page: Page) -> CellArray:
        """Return how probably each sentence (column) shows each element (row) of the model."""
        raise NotImplementedError

    def annotate_page(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate traces that are read together."""
        page = make_page(traces)
        probability = self.probability(traces, page)[self._columns]
        decision = decided(trace_total(probability, page.first), probability, page, self._limits)
        return self._writer.annotations(traces, page, decision)


class ModelAnnotator(TrainedAnnotator):
    """Annotates traces with a trained model.

    ``taxonomy`` is what is looked for, ``whole`` the taxonomy that the model was trained
    for, where that has more elements.

    Raises:
        ModelError: the model was trained for another taxonomy.
    """

    name = "model"

    def __init__(self, model: Model, taxonomy: Taxonomy, whole: Taxonomy | None = None) -> None:
        self._reader = ModelReader(model, whole or taxonomy)
        super().__init__(model.config, taxonomy, VERSION, model.fingerprint)

    @classmethod
    def from_setup(cls, setup: AnnotatorSetup) -> ModelAnnotator:
        """Return the annotator of a job: ``--annotator model:FOLDER``.

        Raises:
            OptionError: no folder is named.
            ModelError: there is no usable model in it.
        """
        folder = setup.options.get("argument")
        if not folder:
            raise OptionError("--annotator model: needs the folder of a model, as in model:FOLDER")
        return cls(load_model(Path(folder)), setup.taxonomy, setup.uncut)

    def probability(self, traces: list[Trace], page: Page) -> CellArray:
        """Return how probably each sentence (column) shows each element (row) of the model."""
        return self._reader.probability(page)


def columns(config: TrainedConfig, taxonomy: Taxonomy) -> list[int]:
    """Return where the elements of a taxonomy stand among those of a model."""
    return [config.elements.index(name) for name in taxonomy.element_ids]


def chosen(limits: Thresholds, where: list[int]) -> Thresholds:
    """Return the thresholds of some elements."""
    picked = np.array(where, dtype=np.int64)
    return Thresholds(
        partial=limits.partial[picked],
        present=limits.present[picked],
        span=limits.span[picked],
        before=limits.before[picked],
        after=limits.after[picked],
    )
