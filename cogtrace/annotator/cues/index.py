"""The cues of a taxonomy, compiled into one Aho-Corasick index.

However many phrases a taxonomy has, the text is read once.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import ahocorasick_rs
import numpy as np

from cogtrace.annotator.cues.folding import fold
from cogtrace.annotator.cues.page import BoolArray, FloatArray, IntArray
from cogtrace.taxonomy import Cue, Strength, Taxonomy

# How sure one occurrence of a cue makes us that its sentence shows the element. The
# schema asks authors to choose strengths by that meaning.
PROBABILITY: Final[dict[Strength, float]] = {"strong": 0.8, "medium": 0.5, "weak": 0.2}

# Evidence adds up as the negative logarithm of the probability of absence: after several
# independent cues the element is there with 1 - exp(-sum of weights) (noisy or).
WEIGHT: Final[dict[Strength, float]] = {s: -math.log(1 - p) for s, p in PROBABILITY.items()}

# A cue in parts stands for phrases with up to twelve words between the parts.
GAP: Final = " ... "
_GAP_WORDS: Final = r"\W+(?:[\w'-]+\W+){0,12}?"

NEGATORS: Final = frozenset(
    "not never without cannot nor neither don't doesn't didn't can't couldn't won't"
    " wouldn't shouldn't isn't aren't wasn't weren't haven't hasn't hadn't needn't no"
    " hardly".split()
) | {"instead of", "rather than", "unable to", "fail to", "fails to", "failed to"}


@dataclass(frozen=True, slots=True)
class Use:
    """A cue of an element, found by one of its patterns."""

    element: int
    weight: float
    at_start: bool
    in_question: bool
    parts: tuple[str, ...] = ()  # of a cue in parts, which is found by its rarest one


@dataclass(frozen=True, slots=True)
class Whole:
    """A cue in parts, to be found in a sentence where its rarest part stands."""

    parts: tuple[str, ...]
    pattern: re.Pattern[str]

    def find(self, folded: str, start: int, end: int) -> int:
        """Return where the cue begins in ``folded[start:end]``, or -1."""
        # Nearly always a part is missing, which is much cheaper to see this way.
        position = start
        for number, part in enumerate(self.parts):
            position = folded.find(part, position, end)
            if position < 0:
                return -1
            if not number:
                start = position
            position += len(part)
        found = self.pattern.search(folded, start, end)
        return -1 if found is None else found.start()


@dataclass(frozen=True, slots=True)
class CueIndex:
    """What the matcher needs, in arrays.

    Pattern p serves uses ``first_use[p]`` to ``first_use[p + 1]`` (half-open); the
    arrays after it hold one entry per use, those after ``whole`` one per pattern.
    """

    automaton: ahocorasick_rs.AhoCorasick
    elements: tuple[str, ...]
    first_use: IntArray
    element: IntArray
    weight: FloatArray
    at_start: BoolArray
    in_question: BoolArray
    in_parts: BoolArray  # whether ``whole`` must match too
    whole: tuple[Whole | None, ...]
    word_before: BoolArray  # it must not continue a word on its left
    word_after: BoolArray
    is_negator: BoolArray


@dataclass(slots=True)
class _Builder:
    """Collects patterns and their uses before they become arrays."""

    numbers: dict[str, int] = field(default_factory=dict)
    uses: dict[int, list[Use]] = field(default_factory=lambda: defaultdict(list))

    def number(self, pattern: str) -> int:
        return self.numbers.setdefault(pattern, len(self.numbers))

    def add(self, element: int, cue: Cue) -> None:
        for text in _variants(cue.text):
            parts = text.split(GAP)
            use = Use(
                element=element,
                weight=WEIGHT[cue.strength],
                at_start=cue.at == "start",
                in_question=cue.in_question,
                parts=tuple(parts) if len(parts) > 1 else (),
            )
            uses = self.uses[self.number(max(parts, key=_rarity))]
            if all((use.element, use.parts) != (other.element, other.parts) for other in uses):
                uses.append(use)


def compile_cues(taxonomy: Taxonomy) -> CueIndex:
    """Compile the cues of all elements of ``taxonomy``."""
    builder = _Builder()
    for number, element in enumerate(taxonomy.elements):
        for cue in element.cues:
            builder.add(number, cue)
    for negator in sorted(NEGATORS):
        builder.number(negator)
    patterns = list(builder.numbers)
    groups = [builder.uses.get(number, []) for number in range(len(patterns))]
    uses = [use for group in groups for use in group]
    return CueIndex(
        # The largest form in memory (a few MB) and the fastest to run.
        automaton=ahocorasick_rs.AhoCorasick(
            patterns, implementation=ahocorasick_rs.Implementation.DFA
        ),
        elements=taxonomy.element_ids,
        first_use=np.cumsum([0, *map(len, groups)], dtype=np.int64),
        element=np.array([use.element for use in uses], dtype=np.int64),
        weight=np.array([use.weight for use in uses], dtype=np.float64),
        at_start=np.array([use.at_start for use in uses], dtype=bool),
        in_question=np.array([use.in_question for use in uses], dtype=bool),
        in_parts=np.array([bool(use.parts) for use in uses], dtype=bool),
        whole=tuple(_whole(use.parts) for use in uses),
        word_before=np.array([_is_word(p[0]) for p in patterns], dtype=bool),
        word_after=np.array([_is_word(p[-1]) for p in patterns], dtype=bool),
        is_negator=np.array([p in NEGATORS for p in patterns], dtype=bool),
    )


def _rarity(part: str) -> tuple[int, int]:
    """Return a guess at how rare a phrase is: long words are."""
    return max(map(len, part.split())), len(part)


def _whole(parts: tuple[str, ...]) -> Whole | None:
    if not parts:
        return None
    words = _GAP_WORDS.join(re.escape(part) for part in parts)
    return Whole(parts, re.compile(rf"(?<!\w){words}(?!\w)"))


def _variants(text: str) -> list[str]:
    """Return the phrase as written, and without commas."""
    folded = fold(text)
    bare = folded.replace(",", "")
    whole = bare != folded and all(part.strip() for part in bare.split(GAP))
    return [folded, bare] if whole else [folded]


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
