"""What is counted of every row and element; all figures are functions of sums of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.corpora.evaluation import spans
from cogtrace.corpora.evaluation.aligning import Aligned
from cogtrace.corpora.evaluation.metrics import BINS
from cogtrace.corpora.evaluation.units import Layers, Measured
from cogtrace.corpora.statistics.arrays import Array

LEVELS: Final = 3  # of a score
RIGHT: Final = 0.5  # share of a predicted span that must lie in gold spans


@dataclass(frozen=True, slots=True)
class Distances:
    """How far the ends of spans are off, for gold spans that have a counterpart."""

    row: Array
    element: Array
    value: Array


@dataclass(frozen=True, slots=True)
class Observed:
    """First axis: rows; second: elements. The blocks are those that `metrics` names."""

    blocks: dict[str, Array]
    rank: Array  # what the AUC orders rows by; NaN where there is nothing to order
    shown: Array  # whether the gold shows the element
    distances: Distances


def observe(aligned: Aligned, measured: Measured, placed: Array) -> Observed:
    """Count everything about a prediction; ``placed`` is where spans can be compared."""
    rows, elements = aligned.asked.shape
    keep = placed.reshape(-1)
    predicted, gold = measured.predicted.only(keep), measured.gold.only(keep)
    blocks = {
        name: block.reshape(rows, elements, -1)
        for name, block in span_blocks(predicted, gold, rows * elements).items()
    }
    blocks |= unit_counts(blocks, measured, placed)
    confidence = predicted.characters.confidence
    right = spans.inside(predicted.characters, gold.characters) >= RIGHT
    blocks["calibration"] = reliability(
        predicted.characters.owner, confidence, right, rows * elements
    ).reshape(rows, elements, -1)
    owner, value = spans.boundaries(predicted.characters, gold.characters)
    return Observed(
        blocks=blocks | score_blocks(aligned, aligned.predicted.score),
        rank=np.where(aligned.asked, _rank(aligned), np.nan),
        shown=aligned.gold.score > 0,
        distances=Distances(owner // elements, owner % elements, value),
    )


def placeable(aligned: Aligned) -> Array:
    """Return where both sides say where an element is shown, if it is.

    Nowhere for an element that a side shows and never places: its spans cannot be compared.
    """
    placed = aligned.asked
    for side in (aligned.predicted, aligned.gold):
        known, shown = side.places.known, side.score > 0
        ever = (shown & known).any(axis=0) | ~shown.any(axis=0)
        placed = placed & known & ever
    return placed


def score_blocks(aligned: Aligned, score: Array) -> dict[str, Array]:
    """Return the tables of scores, plain and weighed for pairs of annotators."""
    asked = aligned.asked & (score >= 0)
    cell = np.where(asked, score.astype(np.int64) * LEVELS + aligned.gold.score, 0)
    confusion = np.zeros((*asked.shape, LEVELS * LEVELS), dtype=np.float32)
    np.put_along_axis(confusion, cell[..., None], asked[..., None].astype(np.float32), axis=-1)
    return {"confusion": confusion, "pairs": confusion * aligned.weight[..., None]}


def span_blocks(predicted: Layers, gold: Layers, owners: int) -> dict[str, Array]:
    """Return what two sets of spans share, in all units."""
    return {
        "sentences": spans.shared(predicted.sentences, gold.sentences, owners),
        "tokens": spans.shared(predicted.tokens, gold.tokens, owners),
        "onsets": spans.onsets(predicted.sentences, gold.sentences, owners),
        "exact": spans.exact(predicted.characters, gold.characters, owners),
        "soft": spans.soft(predicted.characters, gold.characters, owners),
    }


def unit_counts(blocks: dict[str, Array], measured: Measured, placed: Array) -> dict[str, Array]:
    """Return the blocks of sentences and tokens with how many of them there were to mark."""
    counts = {"sentences": measured.sentence_count, "tokens": measured.token_count}
    return {
        name: np.concatenate([blocks[name], (placed * count[:, None])[..., None]], axis=-1)
        for name, count in counts.items()
    }


def reliability(owner: Array, confidence: Array, right: Array, owners: int) -> Array:
    """Return per owner what calibration is a function of; spans without confidence are left out."""
    sure = ~np.isnan(confidence)
    owner, confidence, right = owner[sure], confidence[sure], right[sure]
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    width = 3 * BINS + 1
    sums = np.zeros(owners * width)
    columns: Sequence[tuple[int, Array]] = (
        (0, np.ones(len(owner))),
        (BINS, confidence),
        (2 * BINS, right.astype(np.float64)),
    )
    for first, value in columns:
        sums += np.bincount(owner * width + first + place, weights=value, minlength=len(sums))
    squares = (confidence - right) ** 2
    sums += np.bincount(owner * width + 3 * BINS, weights=squares, minlength=len(sums))
    return sums.reshape(owners, width)


def _rank(aligned: Aligned) -> Array:
    """Return scores, and among equal ones the highest confidence of a span."""
    score = aligned.predicted.score.astype(np.float64)
    places = aligned.predicted.places
    best = np.zeros(score.size)
    np.maximum.at(best, places.owner, np.nan_to_num(places.confidence))
    rank: Array = score + best.reshape(score.shape) / 2
    return rank
