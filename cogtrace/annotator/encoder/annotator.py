"""The annotator that is a trained encoder: on a GPU, or slowly on a CPU."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from cogtrace.annotator.cues.page import make_page, pages
from cogtrace.annotator.cues.scoring import decided
from cogtrace.annotator.cues.writing import AnnotationWriter
from cogtrace.annotator.encoder.files import EncoderConfig
from cogtrace.annotator.encoder.reading import EncoderReader, TrainedEncoder, load_encoder
from cogtrace.annotator.model.annotator import chosen, columns
from cogtrace.annotator.model.reading import thresholds_of, trace_total
from cogtrace.errors import OptionError
from cogtrace.records import Annotation, AnnotatorRef, Trace
from cogtrace.taxonomy import Taxonomy

# Goes up with every change to the code that may change an annotation.
VERSION: Final = "1"


class EncoderAnnotator:
    """Annotates traces with a trained encoder.

    ``taxonomy`` is what is looked for, ``whole`` the taxonomy that the encoder was trained
    for, where that has more elements.

    Raises:
        ModelError: the encoder was trained for another taxonomy.
    """

    name: Final = "encoder"

    def __init__(
        self, model: TrainedEncoder, taxonomy: Taxonomy, whole: Taxonomy | None = None
    ) -> None:
        self.taxonomy = taxonomy
        self._reader = EncoderReader(model, whole or taxonomy)
        self._columns = columns(model.config, taxonomy)
        self._limits = chosen(thresholds_of(model.config.limits), self._columns)
        self.ref = AnnotatorRef(
            name=self.name, version=VERSION, fingerprint=_fingerprint(model.config, taxonomy)
        )
        self._writer = AnnotationWriter(taxonomy, self.ref)

    @classmethod
    def from_folder(
        cls, folder: Path, taxonomy: Taxonomy, whole: Taxonomy | None = None
    ) -> EncoderAnnotator:
        """Return the annotator for the encoder in a folder.

        Raises:
            OptionError: torch or transformers is not installed.
            ModelError: there is no usable encoder.
        """
        require_torch()
        return cls(load_encoder(folder), taxonomy, whole)

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate a batch; one annotation per trace, in the same order."""
        return [annotation for group in pages(traces) for annotation in self._page(group)]

    def spent(self) -> None:
        """Return None: nothing is spent but time."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _page(self, traces: list[Trace]) -> list[Annotation]:
        page = make_page(traces)
        probability = self._reader.probability(traces, page)[self._columns]
        decision = decided(trace_total(probability, page.first), probability, page, self._limits)
        return self._writer.annotations(traces, page, decision)


def require_torch() -> None:
    """Make sure that torch and transformers are there.

    Raises:
        OptionError: they are not; says how to install them.
    """
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise OptionError(
            "an encoder needs torch and transformers: pip install 'cogtrace[encoder]'"
        )


def _fingerprint(config: EncoderConfig, taxonomy: Taxonomy) -> str:
    parts = (EncoderAnnotator.name.encode(), VERSION.encode(), msgspec.json.encode(config))
    return hashlib.sha256(b"\0".join([*parts, taxonomy.sha256.encode()])).hexdigest()[:16]
