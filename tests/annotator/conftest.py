"""Small taxonomies for the tests of the annotator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from cogtrace.taxonomy import Cue, Dimension, Element, Taxonomy


@pytest.fixture(scope="session")
def make_taxonomy() -> Callable[..., Taxonomy]:
    """Return a maker of taxonomies from the cues of each element; a string is a strong cue."""

    def make(cues: Mapping[str, Sequence[str | Cue]], **fields: Any) -> Taxonomy:
        return Taxonomy(
            id="small",
            version="0.1.0",
            name="Small",
            dimensions=(Dimension(id="all", name="All", definition="All there is."),),
            elements=tuple(
                Element(
                    id=name,
                    name=name.title(),
                    dimension="all",
                    definition=f"What {name} means in these tests.",
                    indicators=("It is there.",),
                    rubric={score: f"This is score {score}." for score in ("0", "1", "2")},
                    cues=tuple(
                        Cue(text=cue, strength="strong") if isinstance(cue, str) else cue
                        for cue in phrases
                    ),
                    examples=(),
                    **fields,
                )
                for name, phrases in cues.items()
            ),
        )

    return make
