"""How many sentences of each kind the gold corpus has, and how long they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Final

from cogtrace.corpora.gold.records import GoldPassage

SCORES: Final = (0, 1, 2)

# How a sentence ends that takes back what it says: a giveaway of partial ones, if common.
_HEDGE: Final = re.compile(
    r"(?:,| -| –)\s+(?:i (?:think|guess|suppose|believe|hope)|or so(?: \w+){0,3}|probably|maybe"
    r"|perhaps|more or less|somehow|roughly|at a guess|it seems|i'd say|for now|or something"
    r"(?: like that)?|as far as i (?:know|can (?:see|tell)))\s*[.!?]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ElementCounts:
    """The judged sentences of an element, those of complete passages left out.

    ``sentences``, ``lengths`` (medians, in characters) and ``hedged`` (those that end with
    a hedge) each have an entry for score 0, 1 and 2.
    """

    element: str
    passages: int
    sentences: tuple[int, int, int]
    lengths: tuple[float, float, float]
    hedged: tuple[int, int, int]


def count(passages: Iterable[GoldPassage], element: str) -> ElementCounts:
    """Return the counts of an element over passages of any kind."""
    texts: dict[int, list[str]] = {score: [] for score in SCORES}
    mine = 0
    for passage in passages:
        mine += passage.element == element
        if passage.complete:
            continue
        for sentence in passage.sentences:
            if element in sentence.labels:
                texts[sentence.labels[element]].append(sentence.text.strip())
    zero, partial, clear = (texts[score] for score in SCORES)
    return ElementCounts(
        element=element,
        passages=mine,
        sentences=(len(zero), len(partial), len(clear)),
        lengths=(_middle(zero), _middle(partial), _middle(clear)),
        hedged=(_hedges(zero), _hedges(partial), _hedges(clear)),
    )


def is_hedged(text: str) -> bool:
    """Say whether a sentence ends with a hedge."""
    return _HEDGE.search(text) is not None


def _middle(texts: list[str]) -> float:
    return float(median(map(len, texts))) if texts else 0.0


def _hedges(texts: list[str]) -> int:
    return sum(map(is_hedged, texts))
