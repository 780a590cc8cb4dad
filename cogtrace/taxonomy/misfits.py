"""Whether what a taxonomy says fits together, which its schema cannot tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cogtrace.taxonomy.model import Taxonomy


def misfits(taxonomy: Taxonomy) -> Iterator[tuple[str, str]]:
    """Yield (place, reason) for each name used twice or pointing nowhere, and broken cue."""
    owners: dict[str, str] = {}
    for element in taxonomy.elements:
        for name in (element.id, *element.aliases):
            if name in owners:
                yield element.id, f"the name {name!r} is taken by {owners[name]!r}"
            owners[name] = element.id
    dimensions = Counter(d.id for d in taxonomy.dimensions)
    yield from ((name, "dimension twice") for name, count in dimensions.items() if count > 1)
    types = Counter(p.id for p in taxonomy.problem_types)
    yield from ((name, "problem type twice") for name, count in types.items() if count > 1)
    for element in taxonomy.elements:
        for cue in element.cues:
            if not all(part.strip() for part in cue.text.split("...")):
                yield element.id, f"the cue {cue.text!r} has a gap at its edge"
    ids = set(taxonomy.element_ids)
    for element in taxonomy.elements:
        if element.dimension not in dimensions:
            yield element.id, f"unknown dimension {element.dimension!r}"
        for related in element.related:
            if related.element not in ids or related.element == element.id:
                yield element.id, f"related to {related.element!r}, no other element"
