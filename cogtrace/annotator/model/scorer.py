"""From the features of sentences to the probability that each shows each element."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from cogtrace.annotator.cues.page import FloatArray, IntArray, Page
from cogtrace.annotator.model.features import Features
from cogtrace.annotator.model.files import Model

# How much neighbouring labels count where each sentence has exactly one, and how far rare
# labels are lifted: a chain of labels counts what they have in common twice.
CHAIN: Final = 0.4
LIFT: Final = 0.4

_TINY: Final = 1e-6


def margins(model: Model, features: Features) -> FloatArray:
    """Return how far each sentence (row) is on the side of each element (column)."""
    weights, settings = model.weights, model.config.features
    total = weights.bias + settings.cues * features.cues @ weights.cues
    for name, family in features.families.items():
        if not len(family.sentence):
            continue
        fresh = np.append(True, family.sentence[1:] != family.sentence[:-1])
        first = np.flatnonzero(fresh)
        count = np.diff(np.append(first, len(fresh)))
        # Whole numbers: half the time, and the same sum in whatever order.
        sums = np.add.reduceat(weights.table[family.bucket], first, axis=0, dtype=np.int32)
        scale = settings.scale(name) / np.sqrt(count)
        total[family.sentence[first]] += sums * weights.step * scale[:, None]
    return total


def probabilities(model: Model, margins: FloatArray, page: Page) -> FloatArray:
    """Return how probably each sentence (row) shows each element (column)."""
    weights = model.weights
    lean = weights.slope * margins + weights.shift
    single = logistic(lean)
    if not model.config.exclusive:
        return single
    return chained(single, page.first, weights.follows, weights.common)


def logistic(lean: FloatArray) -> FloatArray:
    """Return margins as probabilities."""
    found: FloatArray = 1 / (1 + np.exp(-np.clip(lean, -30, 30)))
    return found


def chained(
    single: FloatArray, first: IntArray, follows: FloatArray, common: FloatArray
) -> FloatArray:
    """Return what `chain` makes of each trace; ``first`` is where each begins, and the end."""
    found = single.copy()
    for begin, end in pairwise(first.tolist()):
        found[begin:end] = chain(single[begin:end], follows, common)
    return found


def chain(single: FloatArray, follows: FloatArray, common: FloatArray) -> FloatArray:
    """Return probabilities of labels of which each sentence has one, by their neighbours too.

    Forward and backward over the sentences. ``common`` holds the logarithm of how common
    each label is, ``follows`` of how much more often than by that the label of a column
    follows that of a row.
    """
    if not len(single):
        return single
    own = np.log(single + _TINY) - LIFT * common
    step = CHAIN * follows
    ahead, back = own.copy(), np.zeros_like(own)
    for row in range(1, len(own)):
        ahead[row] += _log_sum(ahead[row - 1][:, None] + step)
    for row in range(len(own) - 2, -1, -1):
        back[row] = _log_sum((step + own[row + 1] + back[row + 1]).T)
    both = ahead + back
    both -= both.max(axis=1, keepdims=True)
    shares = np.exp(both)
    normal: FloatArray = shares / shares.sum(axis=1, keepdims=True)
    return normal


def _log_sum(values: FloatArray) -> FloatArray:
    """Return the logarithm of the sum of exponentials of each column."""
    top = values.max(axis=0)
    total: FloatArray = top + np.log(np.exp(values - top).sum(axis=0))
    return total
