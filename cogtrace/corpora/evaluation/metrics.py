"""Measures of agreement that are functions of sums over traces.

Each takes an array whose last axis holds the sums, and returns one figure per row of the
rest; so the same few lines give the figure of an element, of all elements together, and
of a thousand draws. Where a figure is not defined it is NaN. Tests compare them with
scikit-learn and the krippendorff package, which know no draws.

Sums of a table of scores come as ``confusion``: predicted score times the number of
levels, plus score in the gold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, ratio

BINS: Final = 10  # of confidence


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: its name, the block of sums it is a function of, and how.

    ``share`` marks shares of independent cases; their denominators are what it returns.
    """

    name: str
    block: str
    value: Callable[[Array], Array]
    n: Callable[[Array], Array]
    share: Callable[[Array], Array] | None = None


def precision(sums: Array) -> Array:
    """Return hits over predictions; sums are hits, predicted, gold and all."""
    return ratio(sums[..., 0], sums[..., 1])


def recall(sums: Array) -> Array:
    """Return hits over gold."""
    return ratio(sums[..., 0], sums[..., 2])


def f1(sums: Array) -> Array:
    """Return the harmonic mean of precision and recall: 2 hits / (predicted + gold)."""
    return ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def soft_precision(sums: Array) -> Array:
    """Return the mean share of a predicted span that the gold covers.

    Sums are shares of predicted spans, predicted spans, shares of gold spans, gold spans.
    """
    return ratio(sums[..., 0], sums[..., 1])


def soft_recall(sums: Array) -> Array:
    """Return the mean share of a gold span that the prediction covers."""
    return ratio(sums[..., 2], sums[..., 3])


def soft_f1(sums: Array) -> Array:
    """Return the harmonic mean of both; 0 where one side has no span, NaN where none has."""
    p, r = soft_precision(sums), soft_recall(sums)
    p, r = np.nan_to_num(p), np.nan_to_num(r)
    some = sums[..., 1] + sums[..., 3] > 0
    return np.where(some, np.nan_to_num(ratio(2 * p * r, p + r)), np.nan)


def presence(confusion: Array) -> Array:
    """Return hits, predicted, gold and all of "score 1 or more"."""
    table = _square(confusion)
    hits = table[..., 1:, 1:].sum(axis=(-2, -1))
    predicted = table[..., 1:, :].sum(axis=(-2, -1))
    gold = table[..., :, 1:].sum(axis=(-2, -1))
    return np.stack([hits, predicted, gold, table.sum(axis=(-2, -1))], axis=-1)


def specificity(confusion: Array) -> Array:
    """Return the share of traces without the element that are predicted so."""
    hits, predicted, gold, everything = np.moveaxis(presence(confusion), -1, 0)
    return ratio(everything - predicted - gold + hits, everything - gold)


def excess(confusion: Array) -> Array:
    """Return by how much the predicted share of traces is above that of the gold."""
    _, predicted, gold, everything = np.moveaxis(presence(confusion), -1, 0)
    return ratio(predicted - gold, everything)


def kappa(confusion: Array) -> Array:
    """Return Cohen's kappa with quadratic weights; NaN where chance alone is perfect."""
    table = _square(confusion)
    levels = np.arange(table.shape[-1])
    weight = (levels[:, None] - levels[None, :]) ** 2
    total = table.sum(axis=(-2, -1))
    rows, columns = table.sum(axis=-1), table.sum(axis=-2)
    observed = (table * weight).sum(axis=(-2, -1)) * total
    expected = np.einsum("...i,ij,...j->...", rows, weight, columns)
    found: Array = 1 - ratio(observed, expected)
    return found


def alpha(confusion: Array) -> Array:
    """Return Krippendorff's alpha for ordered levels; NaN where all values are alike.

    Krippendorff, Content Analysis (2004), chapter 11. A pair of values that m annotators
    share weighs 1 / (m - 1).
    """
    table = _square(confusion)
    together = table + np.swapaxes(table, -1, -2)
    each = together.sum(axis=-1)
    total = each.sum(axis=-1)
    # Between two levels lie all values of those between, and half of each end.
    middle = np.cumsum(each, axis=-1) - each / 2
    distance = (middle[..., :, None] - middle[..., None, :]) ** 2
    observed = (together * distance).sum(axis=(-2, -1))
    expected = (each[..., :, None] * each[..., None, :] * distance).sum(axis=(-2, -1))
    found: Array = 1 - (total - 1) * ratio(observed, expected)
    return found


def brier(sums: Array) -> Array:
    """Return the mean squared distance of confidence from being right.

    Sums are, bin by bin: spans, their confidences, those that are right; then squares.
    """
    return ratio(sums[..., -1], sums[..., :BINS].sum(axis=-1))


def calibration_error(sums: Array) -> Array:
    """Return the expected calibration error: |confidence - right|, mean over spans in bins."""
    count, confidence, right = (sums[..., k * BINS : (k + 1) * BINS] for k in range(3))
    return ratio(np.abs(confidence - right).sum(axis=-1), count.sum(axis=-1))


def _square(confusion: Array) -> Array:
    levels = isqrt(confusion.shape[-1])
    square: Array = confusion.reshape(*confusion.shape[:-1], levels, levels)
    return square


def _cells(confusion: Array) -> Array:
    cells: Array = confusion.sum(axis=-1)
    return cells


def _spans(sums: Array) -> Array:
    spans: Array = sums[..., :BINS].sum(axis=-1)
    return spans


METRICS: Final = (
    Metric(
        "presence_precision",
        "confusion",
        lambda s: precision(presence(s)),
        _cells,
        lambda s: presence(s)[..., 1],
    ),
    Metric(
        "presence_recall",
        "confusion",
        lambda s: recall(presence(s)),
        _cells,
        lambda s: presence(s)[..., 2],
    ),
    Metric(
        "presence_specificity",
        "confusion",
        specificity,
        _cells,
        lambda s: presence(s)[..., 3] - presence(s)[..., 2],
    ),
    Metric("presence_f1", "confusion", lambda s: f1(presence(s)), _cells),
    Metric("presence_excess", "confusion", excess, _cells),
    Metric("kappa_quadratic", "confusion", kappa, _cells),
    Metric("alpha_ordinal", "pairs", alpha, _cells),
    Metric("sentence_precision", "sentences", precision, lambda s: s[..., 3]),
    Metric("sentence_recall", "sentences", recall, lambda s: s[..., 3]),
    Metric("sentence_f1", "sentences", f1, lambda s: s[..., 3]),
    Metric("token_f1", "tokens", f1, lambda s: s[..., 3]),
    Metric("onset_precision", "onsets", precision, lambda s: s[..., 1]),
    Metric("onset_recall", "onsets", recall, lambda s: s[..., 2]),
    Metric("onset_f1", "onsets", f1, lambda s: s[..., 1] + s[..., 2]),
    Metric("span_exact_f1", "exact", f1, lambda s: s[..., 1] + s[..., 2]),
    Metric("span_soft_precision", "soft", soft_precision, lambda s: s[..., 1]),
    Metric("span_soft_recall", "soft", soft_recall, lambda s: s[..., 3]),
    Metric("span_soft_f1", "soft", soft_f1, lambda s: s[..., 1] + s[..., 3]),
    Metric("brier", "calibration", brier, _spans),
    Metric("calibration_error", "calibration", calibration_error, _spans),
)
