"""Turning margins into probabilities, and choosing from which of them on to speak.

All of it on traces that the weights were not fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.annotator.cues.page import BoolArray, FloatArray, IntArray
from cogtrace.annotator.model.files import Limits
from cogtrace.annotator.model.reading import trace_total
from cogtrace.annotator.model.scorer import chained, logistic
from cogtrace.training.labels import NOT_JUDGED

# One label a sentence: whatever has a sentence is there, and its sentences are its spans.
ALWAYS: Final = Limits(partial=1e-6, present=0.5, span=1e-6)

_FEW: Final = 5  # traces or sentences of a kind; with fewer nothing is fitted
_CUTS: Final = np.round(np.arange(0.1, 0.91, 0.05), 2)
_NEIGHBOURS: Final = 1  # cuts on either side over which gains are averaged
_DEFAULT: Final = Limits(partial=0.25, present=0.6, span=0.5)
_SMOOTH: Final = 1.0  # added to each count of labels that follow each other


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes probabilities of margins, and from where on they speak; K elements."""

    slope: FloatArray
    shift: FloatArray
    follows: FloatArray  # K x K, as `scorer.chain` takes it; 0 unless labels are exclusive
    common: FloatArray
    limits: tuple[Limits, ...]
    rows: FloatArray  # probabilities of what it was calibrated on


def calibrated(
    margins: FloatArray,
    scores: IntArray,
    lengths: IntArray,
    learnt: tuple[IntArray, IntArray] | None,
) -> Calibration:
    """Return the calibration that fits labelled sentences (rows) best.

    ``lengths`` is the number of sentences of each trace. ``learnt`` holds scores and lengths
    of what was learnt from where each sentence has exactly one label: from these comes how
    labels follow each other. Margins then stay as they are: they are weighed against each
    other, and slopes of their own from few traces would upset that.
    """
    count = scores.shape[1]
    first = np.concatenate([[0], np.cumsum(lengths)])
    if learnt is not None:
        follows, common = successions(*learnt)
        rows = chained(logistic(margins), first, follows, common)
        always = (ALWAYS,) * count
        return Calibration(np.ones(count), np.zeros(count), follows, common, always, rows)
    slope, shift = platt(margins, scores)
    rows = logistic(slope * margins + shift)
    totals = trace_total(rows.T.astype(np.float32), first)
    found = limits(rows, scores, totals, trace_scores(scores, lengths))
    return Calibration(slope, shift, np.zeros((count, count)), np.zeros(count), found, rows)


def trace_scores(scores: IntArray, lengths: IntArray) -> IntArray:
    """Return the score of each trace: the highest of its sentences, if any was judged."""
    filled = np.flatnonzero(lengths)
    found = np.full((len(lengths), scores.shape[1]), NOT_JUDGED, dtype=np.int64)
    if len(filled):
        first = np.cumsum(lengths) - lengths
        found[filled] = np.maximum.reduceat(scores, first[filled], axis=0)
    return found


def platt(margins: FloatArray, scores: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return slope and shift, per element, that make margins into probabilities.

    After Platt (1999), on judged sentences; elements with few of them keep 1 and 0.
    """
    from sklearn.linear_model import LogisticRegression

    count = margins.shape[1]
    slope, shift = np.ones(count), np.zeros(count)
    for element in range(count):
        used = scores[:, element] != NOT_JUDGED
        shown = scores[used, element] > 0
        if min(shown.sum(), (~shown).sum()) < _FEW:
            continue
        model = LogisticRegression(C=1.0).fit(margins[used, element, None], shown)
        # A negative slope would turn a model around that is worse than chance here.
        slope[element] = max(float(model.coef_[0, 0]), 0.05)
        shift[element] = float(model.intercept_[0])
    return slope, shift


def successions(scores: IntArray, lengths: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return how labels follow each other, and how common they are, as `scorer.chain` takes it.

    For labels of which each sentence has one.
    """
    labels = scores.argmax(axis=1)
    labelled = scores.max(axis=1) > 0
    owner = np.repeat(np.arange(len(lengths)), lengths)
    both = labelled[1:] & labelled[:-1] & (owner[1:] == owner[:-1])
    pairs = np.full((scores.shape[1], scores.shape[1]), _SMOOTH)
    np.add.at(pairs, (labels[:-1][both], labels[1:][both]), 1)
    shares = np.bincount(labels[labelled], minlength=scores.shape[1]) + _SMOOTH
    shares /= shares.sum()
    follows = pairs / pairs.sum(axis=1, keepdims=True)
    return np.log(follows / shares), np.log(shares)


def limits(
    probability: FloatArray, scores: IntArray, totals: FloatArray, traces: IntArray
) -> tuple[Limits, ...]:
    """Return, per element, the limits that agree best with the labels.

    ``probability`` and ``scores`` have a row per sentence, ``totals`` and ``traces`` (the
    evidence and the score of the whole) one per trace.
    """
    return tuple(
        _limits(*columns)
        for columns in zip(probability.T, scores.T, totals.T, traces.T, strict=True)
    )


def _limits(
    probability: FloatArray, scores: IntArray, totals: FloatArray, traces: IntArray
) -> Limits:
    judged = scores != NOT_JUDGED
    span = span_cut(probability[judged], scores[judged] > 0)
    known = traces != NOT_JUDGED
    if min((traces[known] > 0).sum(), (traces[known] == 0).sum()) < _FEW:
        return Limits(partial=_DEFAULT.partial, present=_DEFAULT.present, span=span)
    low, high = score_cuts(totals[known], traces[known])
    return Limits(partial=round(low, 4), present=round(high, 4), span=span)


def span_cut(probability: FloatArray, shown: BoolArray) -> float:
    """Return the probability from which on to mark a sentence: where F1 is best."""
    if shown.sum() < _FEW:
        return _DEFAULT.span
    found = probability[:, None] >= _CUTS
    hits = (found & shown[:, None]).sum(axis=0)
    gains = 2 * hits / (found.sum(axis=0) + shown.sum())
    # A peak of a single cut is luck.
    width = 2 * _NEIGHBOURS + 1
    smooth = np.convolve(np.pad(gains, _NEIGHBOURS, mode="edge"), np.ones(width) / width, "valid")
    return float(_CUTS[smooth.argmax()])


def score_cuts(values: FloatArray, gold: IntArray) -> tuple[float, float]:
    """Return the two thresholds on ``values`` whose scores agree best with ``gold``.

    By kappa with quadratic weights, half way between neighbouring values. All pairs of
    cuts are tried, each from sums that are worked out once.
    """
    order = np.argsort(values, kind="stable")
    ranked, scores = values[order], gold[order].astype(np.float64)
    size = len(ranked)
    cut = np.concatenate([[0], np.flatnonzero(ranked[1:] > ranked[:-1]) + 1, [size]])
    above = np.append(np.cumsum(scores[::-1])[::-1], 0.0)[cut]  # of gold, from each cut on
    low, high = np.triu_indices(len(cut))
    ours = (2 * size - cut[low] - cut[high]) / size  # mean of our scores
    squares = (4 * size - cut[low] - 3 * cut[high]) / size
    both = (above[low] + above[high]) / size
    mine, theirs = scores.mean(), (scores**2).mean()
    observed = squares + theirs - 2 * both
    expected = squares + theirs - 2 * ours * mine
    kappa = np.where(expected > 0, 1 - observed / np.where(expected > 0, expected, 1.0), 0.0)
    best = int(kappa.argmax())
    edges = np.concatenate([[ranked[0] - 1], ranked, [ranked[-1] + 1]])
    between = [float(edges[cut[k]] + edges[cut[k] + 1]) / 2 for k in (low[best], high[best])]
    return max(between[0], 1e-6), max(between[1], 1e-6)
