"""The bundled sample corpus; README.md beside this file is its data card."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

# What to write on the command line in place of a file.
SAMPLE_NAME: Final = "@sample"


def sample_path() -> Path:
    """Return the path of the sample corpus (JSON Lines, schema "trace")."""
    with as_file(files(__name__).joinpath("traces.jsonl")) as path:
        return path
