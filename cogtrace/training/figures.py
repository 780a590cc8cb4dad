"""How good a model is on labelled sentences, beside what can be had without looking."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from cogtrace.annotator.cues.page import BoolArray, FloatArray, IntArray
from cogtrace.annotator.model.files import TrainedConfig
from cogtrace.training.labels import NOT_JUDGED

_LEAST: Final = 1e-6  # probability


class ElementFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of an element over judged sentences."""

    element: str
    judged: int
    shown: int  # of these
    precision: float
    recall: float
    f1: float
    f1_of_always: float  # of saying yes to every sentence
    ranking: float  # average precision: over all thresholds


class DevFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a model."""

    elements: tuple[ElementFigures, ...]
    macro_f1: float  # mean over elements that are shown anywhere
    accuracy: float | None  # where each sentence has exactly one label


def dev_figures(rows: FloatArray, scores: IntArray, config: TrainedConfig) -> DevFigures:
    """Return the figures of probabilities against scores; both have a row per sentence."""
    spans = np.array([limit.span for limit in config.limits])
    marked = rows >= spans
    if config.exclusive:
        marked = rows == rows.max(axis=1, keepdims=True)
    found = tuple(
        element_figures(name, marked[:, k], rows[:, k], scores[:, k])
        for k, name in enumerate(config.elements)
    )
    shown = [each.f1 for each in found if each.shown]
    return DevFigures(
        elements=found,
        macro_f1=float(np.mean(shown)) if shown else 0.0,
        accuracy=round(accuracy(rows, scores), 4) if config.exclusive else None,
    )


def element_figures(
    name: str, marked: BoolArray, rows: FloatArray, scores: IntArray
) -> ElementFigures:
    """Return the figures of an element: what was marked, how probable it was, the gold."""
    judged = scores != NOT_JUDGED
    shown = scores[judged] > 0
    mine = marked[judged]
    hits, given, wanted = int((mine & shown).sum()), int(mine.sum()), int(shown.sum())
    return ElementFigures(
        element=name,
        judged=int(judged.sum()),
        shown=wanted,
        precision=hits / given if given else 0.0,
        recall=hits / wanted if wanted else 0.0,
        f1=2 * hits / (given + wanted) if given + wanted else 0.0,
        f1_of_always=2 * wanted / (len(shown) + wanted) if wanted else 0.0,
        ranking=average_precision(rows[judged], shown),
    )


def quality(rows: FloatArray, scores: IntArray, exclusive: bool) -> float:
    """Return what a model is chosen by: the mean average precision.

    Of exclusive labels the mean logarithm of the probability of the right one, which is
    steadier over few sentences than the share of hits.
    """
    if exclusive:
        return log_likelihood(rows, scores)
    found = []
    for column, gold in zip(rows.T, scores.T, strict=True):
        judged = gold != NOT_JUDGED
        if (gold[judged] > 0).any():
            found.append(average_precision(column[judged], gold[judged] > 0))
    return float(np.mean(found)) if found else 0.0


def accuracy(rows: FloatArray, scores: IntArray) -> float:
    """Return the share of labelled sentences whose likeliest label is theirs."""
    labelled = scores.max(axis=1, initial=NOT_JUDGED) > 0
    if not labelled.any():
        return 0.0
    hits = rows[labelled].argmax(axis=1) == scores[labelled].argmax(axis=1)
    return float(hits.mean())


def log_likelihood(rows: FloatArray, scores: IntArray) -> float:
    """Return the mean logarithm of the probability of each sentence's label; 0 without any."""
    labelled = scores.max(axis=1, initial=NOT_JUDGED) > 0
    if not labelled.any():
        return 0.0
    right = rows[labelled, scores[labelled].argmax(axis=1)]
    return float(np.log(np.maximum(right, _LEAST)).mean())


def average_precision(rows: FloatArray, shown: BoolArray) -> float:
    """Return the mean precision at each hit, going down the ranking; 0 where there is none."""
    if not shown.any():
        return 0.0
    order = np.argsort(-rows, kind="stable")
    hits = shown[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())
