"""Whether the names in a taxonomy fit together, which its schema cannot say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cogtrace.taxonomy.model import Taxonomy


def name_problems(taxonomy: Taxonomy) -> Iterator[tuple[str, str]]:
    """Yield (place, reason) for each name used twice or pointing nowhere."""
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
    ids = set(taxonomy.element_ids)
    for element in taxonomy.elements:
        if element.dimension not in dimensions:
            yield element.id, f"unknown dimension {element.dimension!r}"
        for related in element.related:
            if related.element not in ids or related.element == element.id:
                yield element.id, f"related to {related.element!r}, no other element"
