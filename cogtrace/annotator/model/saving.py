"""A model with the taxonomy that it was trained for, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from cogtrace.annotator.model.files import Model, save_model
from cogtrace.errors import ModelError
from cogtrace.taxonomy import Taxonomy

TAXONOMY: Final = "taxonomy.json"


def save_with_taxonomy(model: Model, taxonomy: Taxonomy, folder: Path) -> None:
    """Write a model and its taxonomy.

    Raises:
        ModelError: they cannot be written.
    """
    save_model(model, folder)
    save_taxonomy(taxonomy, folder)


def save_taxonomy(taxonomy: Taxonomy, folder: Path) -> None:
    """Write the taxonomy that a model was trained for beside it.

    Raises:
        ModelError: it cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(taxonomy), indent=2)
    try:
        (folder / TAXONOMY).write_bytes(text + b"\n")
    except OSError as error:
        raise ModelError(f"{folder / TAXONOMY}: cannot be written ({error.strerror})") from error
