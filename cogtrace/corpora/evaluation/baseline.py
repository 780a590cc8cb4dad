"""A guess from length alone: what any figure has to beat before it says anything.

A long trace shows nearly every element somewhere, and a long sentence is more likely to
show one than a short one. The guesses here know nothing else. They are fitted to the gold
of other questions than those they are judged on, so they are not flattered.

* The score of a trace: two thresholds on its length, by best kappa with quadratic weights.
* Spans: the sentences longer than a threshold, by best F1 of sentences.
* The order of traces (AUC): their length, longer taken as more.
* The confidence of a predicted span: the share that is right among spans of like length.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cogtrace.corpora.evaluation import metrics, spans
from cogtrace.corpora.evaluation.aligning import Aligned, Places
from cogtrace.corpora.evaluation.observing import (
    LEVELS,
    RIGHT,
    Distances,
    Observed,
    reliability,
    score_blocks,
    span_blocks,
    unit_counts,
)
from cogtrace.corpora.evaluation.units import Layers, Measured, Sentences
from cogtrace.corpora.statistics.arrays import Array, ratio

FOLDS: Final = 10
_CUTS: Final = 64  # thresholds that are tried
_DIGITS: Final = 12  # of a kappa; what differs beyond is rounding


def length_only(aligned: Aligned, measured: Measured, placed: Array) -> Observed:
    """Count what `observe` counts, of guesses from length."""
    fold = folds(aligned.cluster)
    score = length_scores(aligned.length, np.where(aligned.asked, aligned.gold.score, -1), fold)
    blocks = score_blocks(aligned, score)
    chosen = _sentences_chosen(measured, placed, fold)
    parts: dict[str, list[Array]] = {}
    distances: list[tuple[Array, int, Array]] = []
    rows, elements = placed.shape
    for element in range(elements):
        guess = _guess(measured.sentences, chosen[:, element])
        gold = measured.gold.only(placed.reshape(-1)).within(element, elements)
        for name, block in span_blocks(guess, gold, rows).items():
            parts.setdefault(name, []).append(block)
        owner, value = spans.boundaries(guess.characters, gold.characters)
        distances.append((owner, element, value))
    stacked = {name: np.stack(found, axis=1) for name, found in parts.items()}
    blocks |= stacked | unit_counts(stacked, measured, placed)
    blocks["calibration"] = _calibration(measured, placed, fold)
    length = np.broadcast_to(aligned.length[:, None], placed.shape)
    return Observed(
        blocks=blocks,
        rank=np.where(aligned.asked, length, np.nan),
        shown=aligned.gold.score > 0,
        distances=Distances(
            np.concatenate([owner for owner, _, _ in distances]),
            np.concatenate([np.full(len(owner), element) for owner, element, _ in distances]),
            np.concatenate([value for _, _, value in distances]),
        ),
    )


def folds(cluster: Array) -> Array:
    """Return the fold of each row: rows of a cluster are in one fold."""
    found: Array = cluster % min(FOLDS, int(cluster.max(initial=0)) + 1)
    return found


def length_scores(length: Array, gold: Array, fold: Array) -> Array:
    """Return the scores that length tells, each fold by thresholds of the others.

    ``gold`` is -1 where nothing is known; so is the result where there are no other folds.
    """
    scores = np.full(gold.shape, -1, dtype=np.int8)
    for number in np.unique(fold):
        here = fold == number
        for element in range(gold.shape[1]):
            known = ~here & (gold[:, element] >= 0)
            if known.any():
                low, high = best_cuts(length[known], gold[known, element])
                scores[here, element] = (length[here] > low).astype(np.int8) + (length[here] > high)
    return scores


def best_cuts(values: Array, gold: Array) -> tuple[float, float]:
    """Return the two thresholds whose scores agree best with ``gold``.

    By weighted kappa; where that is the same, by how many scores are right. They lie half
    way between neighbouring values; of many values, 64 are tried.
    """
    levels = np.unique(values)
    if len(levels) > _CUTS:
        levels = np.unique(np.quantile(values, np.linspace(0, 1, _CUTS), method="nearest"))
    cuts = np.concatenate([[-np.inf], (levels[1:] + levels[:-1]) / 2, [np.inf]])
    onehot = (gold[:, None] == np.arange(LEVELS)).astype(np.float64)
    order = np.argsort(values, kind="stable")
    beyond = np.vstack([np.cumsum(onehot[order][::-1], axis=0)[::-1], np.zeros(LEVELS)])
    above = beyond[np.searchsorted(values[order], cuts, side="right")]
    low, high = np.triu_indices(len(cuts))
    table = np.stack([above[0] - above[low], above[low] - above[high], above[high]], axis=1)
    kappa = np.nan_to_num(metrics.kappa(table.reshape(len(low), -1))).round(_DIGITS)
    right = np.trace(table, axis1=1, axis2=2)
    best = np.lexsort((cuts[high], cuts[low], right, kappa))[-1]
    return float(cuts[low[best]]), float(cuts[high[best]])


def _sentences_chosen(measured: Measured, placed: Array, fold: Array) -> Array:
    """Return for each sentence and element whether its length makes it a guess."""
    table = measured.sentences
    rows, elements = placed.shape
    length = (table.end - table.start).astype(np.float64)
    grid = np.unique(np.quantile(length, np.linspace(0, 1, _CUTS))) if len(length) else np.zeros(1)
    bins = len(grid)
    place = np.maximum(np.searchsorted(grid, length, side="right") - 1, 0)
    marked = _marked(measured, placed)
    number = int(fold.max(initial=0)) + 1
    some = np.zeros((number, elements, bins))
    gold = np.zeros((number, elements, bins))
    per_row = np.bincount(table.row * bins + place, minlength=rows * bins).reshape(rows, bins)
    for one in range(number):
        here = fold == one
        some[one] = placed[here].T.astype(np.float64) @ per_row[here]
        mine = here[table.row]
        for element in range(elements):
            hit = place[mine & marked[:, element]]
            gold[one, element] = np.bincount(hit, minlength=bins)
    least = _best_bins(some, gold)  # folds x elements
    chosen: Array = (place[:, None] >= least[fold[table.row]]) & placed[table.row]
    return chosen


def _best_bins(some: Array, gold: Array) -> Array:
    """Return the first length that is a guess, for each fold by the others; none: beyond all."""
    rest_some, rest_gold = (part.sum(axis=0) - part for part in (some, gold))
    found, hits = (
        np.cumsum(part[..., ::-1], axis=-1)[..., ::-1] for part in (rest_some, rest_gold)
    )
    score = ratio(2 * hits, found + hits[..., :1])
    score = np.nan_to_num(score).round(_DIGITS)
    nothing: Array = np.where(score.max(axis=-1) > 0, score.argmax(axis=-1), some.shape[-1])
    return nothing


def _marked(measured: Measured, placed: Array) -> Array:
    """Return for each sentence and element whether the gold marks it."""
    rows, elements = placed.shape
    table = measured.sentences
    begins = np.searchsorted(table.row, np.arange(rows))
    gold = measured.gold.only(placed.reshape(-1)).sentences
    edges = np.zeros((len(table.row) + 1, elements), dtype=np.int32)
    row, element = np.divmod(gold.owner, elements)
    np.add.at(edges, (begins[row] + gold.start, element), 1)
    np.add.at(edges, (begins[row] + gold.end, element), -1)
    marked: Array = np.cumsum(edges[:-1], axis=0) > 0
    return marked


def _guess(table: Sentences, chosen: Array) -> Layers:
    """Return chosen sentences as spans; owners are rows."""
    row = table.row[chosen]
    sides = (
        (table.start, table.end),
        (table.number, table.number + 1),
        (table.first_token, table.last_token),
    )
    nothing = np.full(len(row), np.nan)
    known = np.zeros(0, dtype=bool)  # not looked at
    layers = [Places(row, start[chosen], end[chosen], nothing, known) for start, end in sides]
    return Layers(*(layer.only(layer.start < layer.end) for layer in layers))


def _calibration(measured: Measured, placed: Array, fold: Array) -> Array:
    """Return the calibration of confidences guessed from the lengths of the same spans."""
    rows, elements = placed.shape
    keep = placed.reshape(-1)
    predicted = measured.predicted.only(keep).characters
    predicted = predicted.only(~np.isnan(predicted.confidence))
    right = spans.inside(predicted, measured.gold.only(keep).characters) >= RIGHT
    row, element = np.divmod(predicted.owner, elements)
    length = (predicted.end - predicted.start).astype(np.float64)
    edges = np.quantile(length, (0.2, 0.4, 0.6, 0.8)) if len(length) else np.zeros(0)
    kind = element * 5 + np.searchsorted(edges, length)
    guess = np.full(len(row), np.nan)
    for number in np.unique(fold[row]):
        here = fold[row] == number
        count, hits = (
            np.bincount(kind[~here], weights=weight[~here], minlength=elements * 5)
            for weight in (np.ones(len(row)), right.astype(np.float64))
        )
        guess[here] = ((hits + 0.5) / (count + 1))[kind[here]]  # half a span each way
    return reliability(predicted.owner, guess, right, rows * elements).reshape(rows, elements, -1)
