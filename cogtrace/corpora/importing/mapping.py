"""From labels to elements: of their own taxonomy, of a given one, or by a crosswalk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from cogtrace.corpora.importing.crosswalk import Crosswalk
from cogtrace.errors import InputError, OptionError, UnknownElement
from cogtrace.taxonomy import Taxonomy, build_taxonomy

_MOST: Final = 500  # labels of one scheme; more are no labels but data


@dataclass(frozen=True, slots=True)
class Source:
    """A label from which an element is read."""

    label: str
    relation: str | None = None  # as in the crosswalk


@dataclass(frozen=True, slots=True)
class Mapping:
    """The elements of an import, and the labels that each is read from."""

    taxonomy: Taxonomy  # holds these elements and no others
    sources: dict[str, tuple[Source, ...]]  # element: labels
    unknown: frozenset[str] = frozenset()  # labels of the input that should be elements
    unmapped: tuple[str, ...] = ()  # labels of the input that no rule names
    unseen: tuple[str, ...] = ()  # labels of rules that the input does not hold
    unites: bool = False  # whether spans of an element that overlap become one


def own_mapping(form: str, labels: Collection[str]) -> Mapping:
    """Return the mapping of free labels to a taxonomy made of them.

    Raises:
        InputError: there are far too many.
    """
    if len(labels) > _MOST:
        raise InputError(f"--from {form}: {len(labels):,} different labels; at most {_MOST}")
    ids = _ids(sorted(labels))
    data = {
        "id": f"{_slug(form) or 'imported'}-labels",
        "version": "1.0.0",
        "name": f"Labels of {form}",
        "description": "Made of the labels in an import. They have no strength: an element "
        "scores 2 where its label stands, and 0 where it does not.",
        "dimensions": [
            {"id": "labels", "name": "Labels", "definition": "The labels as they were given."}
        ],
        "elements": [_element(name, label, set(ids)) for name, label in ids.items()],
    }
    taxonomy = build_taxonomy(data, f"the taxonomy made of the labels of {form}")
    return Mapping(taxonomy, {name: (Source(label),) for name, label in ids.items()})


def given_mapping(taxonomy: Taxonomy, labels: Collection[str]) -> Mapping:
    """Return the mapping of labels that are ids or aliases of elements to these elements.

    Raises:
        InputError: none of them is.
    """
    sources: dict[str, tuple[Source, ...]] = {}
    unknown = set()
    for label in sorted(labels):
        try:
            element = taxonomy.element(label).id
        except UnknownElement:
            unknown.add(label)
        else:
            sources[element] = (*sources.get(element, ()), Source(label))
    if not sources:
        raise InputError(
            f"none of the labels is an element of the taxonomy {taxonomy.id!r}; give the right "
            "one with --taxonomy, or a --crosswalk"
        )
    return Mapping(taxonomy.only(list(sources)), sources, unknown=frozenset(unknown))


def crosswalk_mapping(taxonomy: Taxonomy, crosswalk: Crosswalk, labels: Collection[str]) -> Mapping:
    """Return the mapping of labels to the elements that a crosswalk names.

    An element none of whose labels is in the input is left out: nobody looked for it, for
    all one can tell.

    Raises:
        OptionError: the crosswalk is for another taxonomy.
        UnknownElement: it names an element that the taxonomy does not have.
        InputError: none of its labels is in the input.
    """
    if crosswalk.taxonomy != taxonomy.id:
        raise OptionError(
            f"--crosswalk: it leads to the taxonomy {crosswalk.taxonomy!r}, not {taxonomy.id!r}; "
            "give the right one with --taxonomy"
        )
    sources: dict[str, dict[str, Source]] = {}
    for rule in crosswalk.rules:
        element = taxonomy.element(rule.element).id
        if rule.label in labels:
            sources.setdefault(element, {}).setdefault(
                rule.label, Source(rule.label, rule.relation)
            )
    named = {rule.label for rule in crosswalk.rules}
    if not sources:
        there = ", ".join(sorted(labels)[:12])
        raise InputError(f"--crosswalk: no label of its rules is in the input; there is {there}")
    return Mapping(
        taxonomy.only(list(sources)),
        {element: tuple(found.values()) for element, found in sources.items()},
        unmapped=tuple(sorted(set(labels) - named)),
        unseen=tuple(sorted(named - set(labels))),
        unites=True,
    )


def _ids(labels: list[str]) -> dict[str, str]:
    """Return {id: label}; labels that would get the same id are told apart by a hash."""
    ids: dict[str, str] = {}
    for label in labels:
        digest = hashlib.sha256(label.encode()).hexdigest()[:8]
        name = _slug(label) or f"label-{digest}"
        ids[name if name not in ids else f"{name}-{digest}"] = label
    return ids


def _slug(label: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:50].strip("-")
    return words if not words or words[0].isalpha() else f"label-{words}"


def _element(name: str, label: str, ids: Collection[str]) -> dict[str, object]:
    element: dict[str, object] = {
        "id": name,
        "name": label,
        "dimension": "labels",
        "definition": f"Somebody gave a piece of the trace the label {label!r}.",
        "indicators": [f"A span that carries the label {label!r}."],
        "rubric": {
            "0": "No span carries the label.",
            "1": "Not used: the label has no strength.",
            "2": "At least one span carries the label.",
        },
        # A taxonomy needs a cue and an example; these say no more than is known.
        "cues": [{"text": name.replace("-", " "), "strength": "weak"}],
        "examples": [{"text": "A trace that nobody gave this label.", "score": 0, "quotes": []}],
    }
    return element if label in ids else element | {"aliases": [label]}
