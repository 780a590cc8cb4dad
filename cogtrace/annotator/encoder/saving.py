"""A trained encoder with the taxonomy that it was trained for, in one folder."""

from __future__ import annotations

from pathlib import Path

from cogtrace.annotator.encoder.files import TRANSFORMER, save_head
from cogtrace.annotator.encoder.reading import TrainedEncoder
from cogtrace.annotator.model.saving import save_taxonomy
from cogtrace.taxonomy import Taxonomy


def save_encoder(model: TrainedEncoder, taxonomy: Taxonomy, folder: Path) -> TrainedEncoder:
    """Write a trained encoder with its taxonomy; return it with the hashes of its files.

    Raises:
        ModelError: it cannot be written.
    """
    from cogtrace.annotator.encoder.transformer import save_transformer

    save_transformer(model.transformer, folder / TRANSFORMER)
    config = save_head(model.config, model.head, folder)
    save_taxonomy(taxonomy, folder)
    return TrainedEncoder(config, model.head, model.transformer)
