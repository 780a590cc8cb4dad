"""What is looked for: taxonomies of elements, and the bundled one of 28."""

from cogtrace.taxonomy.loader import BUNDLED, build_taxonomy, load_taxonomy, read_taxonomy
from cogtrace.taxonomy.model import (
    Cue,
    Dimension,
    Element,
    Example,
    ProblemType,
    Related,
    Scoring,
    Strength,
    Taxonomy,
)

__all__ = [
    "BUNDLED",
    "Cue",
    "Dimension",
    "Element",
    "Example",
    "ProblemType",
    "Related",
    "Scoring",
    "Strength",
    "Taxonomy",
    "build_taxonomy",
    "load_taxonomy",
    "read_taxonomy",
]
