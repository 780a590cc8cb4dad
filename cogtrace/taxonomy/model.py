"""A taxonomy in memory: dimensions, elements and what belongs to them."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Literal

import msgspec

from cogtrace.errors import UnknownElement
from cogtrace.records import TaxonomyRef

Strength = Literal["strong", "medium", "weak"]


class _Entry(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What all entries share: immutable, built by keyword, strict about fields."""


class Cue(_Entry, frozen=True, kw_only=True):
    """A phrase that gives an element away."""

    text: str  # lower case; " ... " stands for up to twelve words
    strength: Strength
    at: Literal["any", "start"] = "any"
    in_question: bool = False


class Example(_Entry, frozen=True, kw_only=True):
    """A worked example: a piece of trace, its score and the words that justify it."""

    text: str
    score: int
    quotes: tuple[str, ...]
    domain: str | None = None
    hard_negative: bool = False
    why: str | None = None


class Related(_Entry, frozen=True, kw_only=True):
    """An element that is easily confused with another."""

    element: str
    difference: str


class Scoring(_Entry, frozen=True, kw_only=True):
    """How cue evidence becomes a score and spans. See `cogtrace.annotator.cues`."""

    partial: float = 0.6  # evidence of the whole trace from which the score is 1
    present: float = 2.0  # the same for score 2
    span: float = 0.15  # probability from which a sentence belongs to a span
    before: int = 0  # sentences before a cue to which its evidence carries
    after: int = 1  # sentences after a cue to which its evidence carries
    screen: float = 0.0  # evidence of the whole trace below which to rule it out; 0: never


class Element(_Entry, frozen=True, kw_only=True):
    """One thing to look for."""

    id: str
    name: str
    dimension: str
    definition: str
    indicators: tuple[str, ...]
    rubric: dict[str, str]
    cues: tuple[Cue, ...]
    examples: tuple[Example, ...]
    aliases: tuple[str, ...] = ()
    group: str | None = None
    marr_level: str | None = None
    signals: dict[str, Strength] = {}
    scoring: Scoring = Scoring()
    related: tuple[Related, ...] = ()
    sources: tuple[str, ...] = ()


class Dimension(_Entry, frozen=True, kw_only=True):
    """A group of elements that are reported together."""

    id: str
    name: str
    definition: str


class ProblemType(_Entry, frozen=True, kw_only=True):
    """A type of problem a trace may solve."""

    id: str
    name: str
    definition: str
    number: int | None = None
    structure: str | None = None
    aliases: tuple[str, ...] = ()


class Taxonomy(_Entry, frozen=True, kw_only=True, dict=True):
    """What is looked for. Everything else in cogtrace is driven by it."""

    id: str
    version: str
    name: str
    dimensions: tuple[Dimension, ...]
    elements: tuple[Element, ...]
    description: str | None = None
    problem_types: tuple[ProblemType, ...] = ()
    sources: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Callable[[bytes], Taxonomy], tuple[bytes]]:
        """Pickle as JSON, so that the hash is the same in another process.

        msgspec leaves out what *is* the default, and what was pickled merely equals it.
        """
        return _from_json, (msgspec.json.encode(self),)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, the same on every machine."""
        canonical = msgspec.json.encode(self, order="deterministic")
        return hashlib.sha256(canonical).hexdigest()

    @cached_property
    def ref(self) -> TaxonomyRef:
        """Id, version and hash, as records carry them."""
        return TaxonomyRef(id=self.id, version=self.version, sha256=self.sha256)

    @cached_property
    def element_ids(self) -> tuple[str, ...]:
        """The ids of all elements, in order."""
        return tuple(element.id for element in self.elements)

    @cached_property
    def _by_name(self) -> dict[str, Element]:
        names = {alias: element for element in self.elements for alias in element.aliases}
        return names | {element.id: element for element in self.elements}

    def element(self, name: str) -> Element:
        """Return the element with this id or alias.

        Raises:
            UnknownElement: there is none; names that look alike are suggested.
        """
        found = self._by_name.get(name) or self._by_name.get(name.strip().lower().replace(" ", "-"))
        if found is None:
            near = difflib.get_close_matches(name.lower(), self._by_name, n=2)
            raise UnknownElement(name, self.id, near)
        return found

    def in_dimension(self, dimension: str) -> tuple[Element, ...]:
        """Return the elements of a dimension, in order."""
        return tuple(e for e in self.elements if e.dimension == dimension)

    def dimension_number(self, element: Element) -> int:
        """Return the place of an element's dimension among all, from 0."""
        return [dimension.id for dimension in self.dimensions].index(element.dimension)

    def only(self, names: list[str]) -> Taxonomy:
        """Return the taxonomy cut down to some elements, in its own order.

        They are related to each other alone then, so that it is a valid taxonomy.
        """
        wanted = {self.element(name).id for name in names}
        elements = tuple(
            msgspec.structs.replace(e, related=tuple(r for r in e.related if r.element in wanted))
            for e in self.elements
            if e.id in wanted
        )
        return msgspec.structs.replace(self, elements=elements)


def _from_json(content: bytes) -> Taxonomy:
    return msgspec.json.decode(content, type=Taxonomy)
