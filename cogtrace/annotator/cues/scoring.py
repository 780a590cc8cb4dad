"""From cue evidence to scores and spans.

The score of an element rests on how many sentences are expected to show it and on how
varied the wording is: one stock phrase said forty times is weaker evidence than ten
different ones, and a long trace repeats its phrases more than it varies them. The spans
are the runs of sentences in which enough evidence stands or carries over from the
sentence before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.annotator.cues.matcher import Evidence
from cogtrace.annotator.cues.page import BoolArray, CellArray, FloatArray, IntArray, Page
from cogtrace.taxonomy import Taxonomy

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
    """What the evidence says of the traces of a page.

    ``scores`` has a row per trace and a column per element. Run r belongs to trace
    ``owner[r]`` and element ``element[r]`` and covers the sentences ``first[r]`` to
    ``last[r]`` of the page, both included. Runs are sorted by trace, element and place.
    """

    scores: IntArray
    owner: IntArray
    element: IntArray
    first: IntArray
    last: IntArray
    confidence: CellArray


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


def trace_evidence(evidence: Evidence, page: Page) -> FloatArray:
    """Return, per trace and element, how much the whole trace speaks for the element.

    The geometric mean of the expected number of sentences that show the element and of
    the number of different cues found, each counted by its probability.
    """
    expected = np.zeros_like(evidence.variety)
    opening = page.opening()
    if len(opening):
        probability = 1 - np.exp(-evidence.cells)
        expected[page.owner[opening]] = np.add.reduceat(probability, opening, axis=1).T
    mean: FloatArray = np.sqrt(expected * evidence.variety)
    return mean


def passage_probability(cells: CellArray, page: Page, limits: Thresholds) -> CellArray:
    """Return how probably each sentence lies in a passage that shows each element.

    ``cells`` are those of an `Evidence`, and so is the shape of the result. Evidence
    carries over from a cue's sentence to its neighbours in the same trace.
    """
    spread = cells.copy()
    size = cells.shape[1]
    for step in range(1, min(size, int(limits.after.max(initial=0)) + 1)):
        same = page.owner[step:] == page.owner[:-step]
        weight = ((limits.after >= step)[:, None] * same * CARRY**step).astype(np.float32)
        spread[:, step:] += weight * cells[:, :-step]
    for step in range(1, min(size, int(limits.before.max(initial=0)) + 1)):
        same = page.owner[step:] == page.owner[:-step]
        weight = ((limits.before >= step)[:, None] * same * CARRY**step).astype(np.float32)
        spread[:, :-step] += weight * cells[:, step:]
    probability: CellArray = 1 - np.exp(-spread)
    return probability


def decide(evidence: Evidence, page: Page, limits: Thresholds) -> Decision:
    """Return the scores and runs of sentences that ``evidence`` supports.

    An element scores above 0 in a trace exactly if it has a run there.
    """
    total = trace_evidence(evidence, page)
    return decided(total, passage_probability(evidence.cells, page, limits), page, limits)


def decided(total: FloatArray, probability: CellArray, page: Page, limits: Thresholds) -> Decision:
    """Return scores and runs of sentences from what was found before.

    ``total`` is the evidence of each trace (row) for each element (column), ``probability``
    that of each sentence (column) to show each element (row).
    """
    scores = (total >= limits.partial).astype(np.int64) + (total >= limits.present)
    scored = scores.T[:, page.owner] > 0
    shown = (probability >= limits.span[:, None]) & scored
    _show_at_least_one(shown, probability, scores, page)
    element, first, last = _runs(shown, page)
    confidence = np.zeros(len(element), dtype=np.float32)
    if len(element):
        flat = np.where(shown, probability, 0.0).ravel()
        confidence = np.maximum.reduceat(flat, element * shown.shape[1] + first)
    owner = page.owner[first]
    order = np.lexsort((first, element, owner))
    return Decision(
        scores, owner[order], element[order], first[order], last[order], confidence[order]
    )


def _show_at_least_one(
    shown: BoolArray, probability: CellArray, scores: IntArray, page: Page
) -> None:
    """Mark the likeliest sentence where an element is scored but no sentence reaches its cut."""
    opening = page.opening()
    if not len(opening):
        return
    any_shown = np.zeros(scores.shape, dtype=bool)
    any_shown[page.owner[opening]] = np.logical_or.reduceat(shown, opening, axis=1).T
    for trace, element in zip(*np.nonzero((scores > 0) & ~any_shown), strict=True):
        begin, end = page.first[trace], page.first[trace + 1]
        shown[element, begin + probability[element, begin:end].argmax()] = True


def _runs(shown: BoolArray, page: Page) -> tuple[IntArray, IntArray, IntArray]:
    """Return element, first and last sentence of each run of True; none crosses a trace."""
    begins, ends = shown.copy(), shown.copy()
    if shown.shape[1] > 1:
        joined = shown[:, 1:] & shown[:, :-1] & (page.owner[1:] == page.owner[:-1])
        begins[:, 1:] &= ~joined
        ends[:, :-1] &= ~joined
    element, first = np.nonzero(begins)
    _, last = np.nonzero(ends)
    return element, first, last
