"""From cue evidence to scores and spans.

The score of an element rests on how many sentences are expected to show it, discounted
for length: long traces show a little of everything by chance. Its spans are the runs
of sentences in which enough evidence stands or carries over from the sentence before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.annotator.cues.index import BoolArray, FloatArray, IntArray
from cogtrace.taxonomy import Taxonomy

# Expected sentences are divided by (sentences / 60) to this power: 0 would let length
# speak, 1 would count shares and miss a single clear remark in a long trace.
LENGTH_EXPONENT: Final = 0.25
TYPICAL_LENGTH: Final = 60

# How much of a cue's evidence carries over to the next sentence of its passage.
CARRY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The scoring parameters of a taxonomy, one entry per element."""

    partial: FloatArray
    present: FloatArray
    span: FloatArray
    before: IntArray
    after: IntArray


@dataclass(frozen=True, slots=True)
class Decision:
    """What the evidence says: scores, and runs of sentences for all elements.

    Run r belongs to element ``run_element[r]`` and covers sentences ``run_first[r]``
    to ``run_last[r]``, counted from 0, both included. Runs are sorted by element.
    """

    scores: IntArray
    run_element: IntArray
    run_first: IntArray
    run_last: IntArray
    run_confidence: FloatArray


def thresholds(taxonomy: Taxonomy) -> Thresholds:
    """Return the scoring parameters of ``taxonomy`` as arrays."""
    scoring = [element.scoring for element in taxonomy.elements]
    return Thresholds(
        partial=np.array([s.partial for s in scoring]),
        present=np.array([s.present for s in scoring]),
        span=np.array([s.span for s in scoring]),
        before=np.array([s.before for s in scoring]),
        after=np.array([s.after for s in scoring]),
    )


def trace_evidence(evidence: FloatArray) -> FloatArray:
    """Return, per element, the expected number of sentences discounted for length.

    ``evidence`` is as `find_evidence` returns it: elements by sentences.
    """
    sentences = max(1, evidence.shape[1])
    expected: FloatArray = (1 - np.exp(-evidence)).sum(axis=1)
    return expected / (sentences / TYPICAL_LENGTH) ** LENGTH_EXPONENT


def passage_probability(evidence: FloatArray, limits: Thresholds) -> FloatArray:
    """Return how probably each sentence lies in a passage that shows each element."""
    spread = evidence.copy()
    size = evidence.shape[1]
    for step in range(1, min(size, int(limits.after.max(initial=0)) + 1)):
        reached = limits.after >= step
        spread[reached, step:] += CARRY**step * evidence[reached, :-step]
    for step in range(1, min(size, int(limits.before.max(initial=0)) + 1)):
        reached = limits.before >= step
        spread[reached, :-step] += CARRY**step * evidence[reached, step:]
    probability: FloatArray = 1 - np.exp(-spread)
    return probability


def decide(evidence: FloatArray, limits: Thresholds) -> Decision:
    """Return the scores and runs of sentences that ``evidence`` supports.

    An element scores above 0 exactly if it has a run.
    """
    total = trace_evidence(evidence)
    scores = (total >= limits.partial).astype(np.int64) + (total >= limits.present)
    if not evidence.shape[1]:
        scores[:] = 0
    probability = passage_probability(evidence, limits)
    shown = (probability >= limits.span[:, None]) & (scores > 0)[:, None]
    for element in np.flatnonzero((scores > 0) & ~shown.any(axis=1)):
        shown[element, probability[element].argmax()] = True
    element, first, last = _runs(shown)
    confidence = np.zeros(len(element))
    if len(element):
        flat = np.where(shown, probability, 0.0).ravel()
        confidence = np.maximum.reduceat(flat, element * shown.shape[1] + first)
    return Decision(scores, element, first, last, confidence)


def _runs(shown: BoolArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return element, first and last column of each run of True, row by row."""
    padded = np.zeros((shown.shape[0], shown.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = shown
    change = np.diff(padded, axis=1)
    element, first = np.nonzero(change == 1)
    _, after = np.nonzero(change == -1)
    return element, first, after - 1
