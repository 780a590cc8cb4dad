"""Reading traces with a trained encoder: from their sentences to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cogtrace.annotator.cues.page import CellArray, FloatArray, Page
from cogtrace.annotator.encoder.files import TRANSFORMER, EncoderConfig, Head, load_head
from cogtrace.annotator.model.reading import PageReader, as_cells, require_fit
from cogtrace.annotator.model.scorer import chained, logistic
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy

if TYPE_CHECKING:
    from cogtrace.annotator.encoder.transformer import Transformer


@dataclass(frozen=True, slots=True)
class TrainedEncoder:
    """A transformer, and what makes margins of its vectors."""

    config: EncoderConfig
    head: Head
    transformer: Transformer


class EncoderReader:
    """A trained encoder with the taxonomy that it was trained for.

    Raises:
        ModelError: it was trained for another taxonomy.
    """

    def __init__(self, model: TrainedEncoder, taxonomy: Taxonomy) -> None:
        require_fit(model.config, taxonomy)
        self.model = model
        self.pages = PageReader(taxonomy)

    def probability(self, traces: Sequence[Trace], page: Page) -> CellArray:
        """Return how probably each sentence (column) shows each element (row)."""
        from cogtrace.annotator.encoder.transformer import read

        texts = sentences(traces, page)
        found = read(self.model.transformer, texts)
        vectors = np.asarray(found, dtype=np.float64)
        rows = probabilities(self.model.head, margins(self.model.head, vectors, self.cues(page)))
        if self.model.config.exclusive:
            head = self.model.head
            rows = chained(rows, page.first, head.follows, head.common)
        rows[[not text.strip() for part in texts for text in part]] = 0.0  # nothing is shown there
        return as_cells(rows, exclusive=self.model.config.exclusive)

    def cues(self, page: Page) -> FloatArray:
        """Return the probability of each sentence (row) by its cues, for each element."""
        return cue_rows(self.pages, page)


def load_encoder(folder: Path) -> TrainedEncoder:
    """Return the trained encoder in a folder.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    from cogtrace.annotator.encoder.transformer import load_transformer

    config, head = load_head(folder)
    return TrainedEncoder(config, head, load_transformer(folder / TRANSFORMER, config.window))


def sentences(traces: Sequence[Trace], page: Page) -> list[list[str]]:
    """Return the sentences of each trace as they stand in it."""
    places = (page.limits - page.offset[page.owner][:, None]).tolist()
    ends = page.first.tolist()
    return [
        [trace.text[a:b] for a, b in places[ends[number] : ends[number + 1]]]
        for number, trace in enumerate(traces)
    ]


def cue_rows(pages: PageReader, page: Page) -> FloatArray:
    """Return the probability of each sentence (row) by its cues, for each element."""
    found: FloatArray = 1 - np.exp(-pages.evidence(page).cells.T.astype(np.float64))
    return found


def margins(head: Head, vectors: FloatArray, cues: FloatArray) -> FloatArray:
    """Return how far each sentence (row) is on the side of each element (column)."""
    found: FloatArray = np.hstack([vectors, cues]) @ head.weight.T + head.bias
    return found


def probabilities(head: Head, margins: FloatArray) -> FloatArray:
    """Return calibrated margins as probabilities."""
    return logistic(head.slope * margins + head.shift)
