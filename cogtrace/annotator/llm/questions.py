"""What is asked of a model at once: one element, a dimension, or everything."""

from __future__ import annotations

from collections.abc import Collection

from cogtrace.annotator.llm.model import Ask, Question
from cogtrace.taxonomy.model import Taxonomy


def questions(taxonomy: Taxonomy, ask: Ask) -> tuple[Question, ...]:
    """Return the questions that cover a taxonomy, in its order.

    One per element, one per dimension that has elements, or a single one.
    """
    if ask == "element":
        return tuple(Question(element.id, (element,)) for element in taxonomy.elements)
    if ask == "all":
        return (Question("all", taxonomy.elements),)
    groups = ((d.id, taxonomy.in_dimension(d.id)) for d in taxonomy.dimensions)
    return tuple(Question(name, elements) for name, elements in groups if elements)


def narrowed(question: Question, element_ids: Collection[str]) -> Question:
    """Return the same question about some of its elements only, in its own order.

    Raises:
        ValueError: an id is not one of the question's, or none is left.
    """
    wanted = set(element_ids)
    elements = tuple(element for element in question.elements if element.id in wanted)
    if len(elements) < max(len(wanted), 1):
        known = ", ".join(element.id for element in question.elements)
        asked = ", ".join(sorted(wanted)) or "nothing"
        raise ValueError(f"question {question.id} asks about {known}; it was narrowed to {asked}")
    return question if elements == question.elements else Question(question.id, elements)
