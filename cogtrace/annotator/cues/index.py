"""The cues of a taxonomy, compiled into one Aho-Corasick index.

However many phrases a taxonomy has, the text is read once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import ahocorasick_rs
import numpy as np
import numpy.typing as npt

from cogtrace.annotator.cues.folding import fold
from cogtrace.taxonomy import Cue, Strength, Taxonomy

# How sure one occurrence of a cue makes us that its sentence shows the element. The
# schema asks authors to choose strengths by that meaning.
PROBABILITY: Final[dict[Strength, float]] = {"strong": 0.8, "medium": 0.5, "weak": 0.2}

# Evidence adds up as log-odds of absence: the probability after several independent
# cues is 1 - exp(-sum of weights) (noisy or).
WEIGHT: Final[dict[Strength, float]] = {s: -math.log(1 - p) for s, p in PROBABILITY.items()}

GAP: Final = " ... "

NEGATORS: Final = frozenset(
    "not never without cannot nor neither don't doesn't didn't can't couldn't won't"
    " wouldn't shouldn't isn't aren't wasn't weren't haven't hasn't hadn't needn't no"
    " hardly".split()
) | {"instead of", "rather than", "unable to", "fail to", "fails to", "failed to"}

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class GapCue:
    """A cue in several parts that follow each other in one sentence."""

    rest: tuple[int, ...]  # pattern numbers of the parts after the first
    element: int
    weight: float
    at_start: bool
    in_question: bool


@dataclass(frozen=True, slots=True)
class CueIndex:
    """What the matcher needs, in arrays.

    Pattern p serves uses ``first_use[p]`` to ``first_use[p + 1]`` (half-open); the
    other arrays hold one entry per use.
    """

    automaton: ahocorasick_rs.AhoCorasick
    elements: tuple[str, ...]
    first_use: IntArray
    element: IntArray
    weight: FloatArray
    at_start: BoolArray
    in_question: BoolArray
    word_before: BoolArray  # per pattern: it must not continue a word on its left
    word_after: BoolArray
    is_negator: BoolArray
    gap_cues: dict[int, list[GapCue]]  # by the pattern number of their first part
    is_gap_part: BoolArray


@dataclass(slots=True)
class _Builder:
    """Collects patterns and their uses before they become arrays."""

    numbers: dict[str, int] = field(default_factory=dict)
    uses: dict[int, list[tuple[int, float, bool, bool]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    gap_cues: dict[int, list[GapCue]] = field(default_factory=lambda: defaultdict(list))

    def number(self, pattern: str) -> int:
        return self.numbers.setdefault(pattern, len(self.numbers))

    def add(self, element: int, cue: Cue) -> None:
        weight = WEIGHT[cue.strength]
        at_start = cue.at == "start"
        for text in _variants(cue.text):
            if GAP in text:
                first, *rest = (self.number(part) for part in text.split(GAP))
                gap = GapCue(tuple(rest), element, weight, at_start, cue.in_question)
                self.gap_cues[first].append(gap)
            else:
                use = (element, weight, at_start, cue.in_question)
                uses = self.uses[self.number(text)]
                if all(other[0] != element for other in uses):
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
    uses = [builder.uses.get(number, []) for number in range(len(patterns))]
    flat = [use for group in uses for use in group]
    gap_parts = np.zeros(len(patterns), dtype=bool)
    for first, gaps in builder.gap_cues.items():
        gap_parts[first] = True
        for gap in gaps:
            gap_parts[list(gap.rest)] = True
    return CueIndex(
        automaton=ahocorasick_rs.AhoCorasick(patterns),
        elements=taxonomy.element_ids,
        first_use=np.cumsum([0, *map(len, uses)], dtype=np.int64),
        element=np.array([use[0] for use in flat], dtype=np.int64),
        weight=np.array([use[1] for use in flat], dtype=np.float64),
        at_start=np.array([use[2] for use in flat], dtype=bool),
        in_question=np.array([use[3] for use in flat], dtype=bool),
        word_before=np.array([_is_word(p[0]) for p in patterns], dtype=bool),
        word_after=np.array([_is_word(p[-1]) for p in patterns], dtype=bool),
        is_negator=np.array([p in NEGATORS for p in patterns], dtype=bool),
        gap_cues=dict(builder.gap_cues),
        is_gap_part=gap_parts,
    )


def _variants(text: str) -> list[str]:
    """Return the phrase as written, and without commas."""
    folded = fold(text)
    bare = folded.replace(",", "")
    return [folded] if bare == folded else [folded, bare]


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
