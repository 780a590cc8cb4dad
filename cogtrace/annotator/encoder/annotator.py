"""The annotator that is a trained encoder: on a GPU, or slowly on a CPU."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from cogtrace.annotator.cues.page import CellArray, Page
from cogtrace.annotator.encoder.reading import EncoderReader, TrainedEncoder, load_encoder
from cogtrace.annotator.model.annotator import TrainedAnnotator
from cogtrace.errors import OptionError
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy

# Goes up with every change to the code that may change an annotation.
VERSION: Final = "1"


class EncoderAnnotator(TrainedAnnotator):
    """Annotates traces with a trained encoder.

    ``taxonomy`` is what is looked for, ``whole`` the taxonomy that the encoder was trained
    for, where that has more elements.

    Raises:
        ModelError: the encoder was trained for another taxonomy.
    """

    name = "encoder"
    page = 1 << 20  # a GPU wants much at once

    def __init__(
        self, model: TrainedEncoder, taxonomy: Taxonomy, whole: Taxonomy | None = None
    ) -> None:
        self._reader = EncoderReader(model, whole or taxonomy)
        fingerprint = hashlib.sha256(msgspec.json.encode(model.config)).hexdigest()
        super().__init__(model.config, taxonomy, VERSION, fingerprint)

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

    def probability(self, traces: list[Trace], page: Page) -> CellArray:
        """Return how probably each sentence (column) shows each element (row) of the model."""
        return self._reader.probability(traces, page)


def require_torch() -> None:
    """Make sure that torch and transformers are there.

    Raises:
        OptionError: they are not; says how to install them.
    """
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise OptionError(
            "an encoder needs torch and transformers: pip install 'cogtrace[encoder]'"
        )
