"""Prevalence corrected for the errors of the annotator, beside the raw one.

An annotator that misses some traces and names others wrongly gets the share of traces
that show an element wrong, however many traces there are. What it misses and names
wrongly is known from an evaluation against a gold (`cogtrace evaluate`), more or less
surely; the interval carries that doubt as well as that of the sample.

* Rogan and Gladen, "Estimating prevalence from the results of a screening test" (American
  Journal of Epidemiology 107(1), 1978): ``(p + specificity - 1) / (sensitivity +
  specificity - 1)``. It assumes that the annotator errs as often here as on the gold.
* Prediction-powered, after Angelopoulos et al., "Prediction-powered inference" (Science
  382, 2023): the share, less the mean error on a gold that was drawn at random from these
  traces. It assumes nothing about the errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.corpora.evaluation.figures import Comparison, ElementFigure, Evaluation
from cogtrace.corpora.statistics.arrays import Array, number
from cogtrace.corpora.statistics.bootstrap import interval, spread
from cogtrace.corpora.statistics.corpus import Source
from cogtrace.corpora.statistics.figures import (
    CorrectedFigure,
    Correction,
    Group,
    PrevalenceFigure,
    Uncorrected,
)
from cogtrace.corpora.statistics.measures import Z
from cogtrace.errors import OptionError

_HALF: Final = 0.5  # of a case, in Jeffreys' prior


@dataclass(frozen=True, slots=True)
class Errors:
    """What an evaluation says of the annotator of a corpus; makes a table of `Statistics`."""

    comparison: Comparison
    annotators: int  # of the gold
    random_sample: bool

    @classmethod
    def of(cls, evaluation: Evaluation, sources: list[Source]) -> Errors:
        """Return the part of an evaluation that is about the annotator of some folders.

        Raises:
            OptionError: it is about another annotator, or the folders have several.
        """
        marks = {source.manifest.annotator.fingerprint for source in sources}
        if len(marks) > 1:
            raise OptionError(
                "--evaluation: the folders were annotated by different annotators, whose errors "
                "differ; give the folders of one"
            )
        for found in evaluation.comparisons:
            if not found.group and found.annotator.fingerprint in marks:
                return cls(
                    found, max(1, len(evaluation.gold.annotators)), evaluation.gold.random_sample
                )
        known = sorted({found.annotator.name for found in evaluation.comparisons})
        raise OptionError(
            f"--evaluation: it is about another annotator, or other settings of it "
            f"({', '.join(known)}); evaluate an annotation with the same settings"
        )

    def rows(
        self,
        group: Group,
        prevalence: Sequence[PrevalenceFigure],
        draws: Array,
        rng: np.random.Generator,
    ) -> list[CorrectedFigure]:
        """Return the rows of a group; ``draws`` has the raw share of each draw and element.

        By Rogan and Gladen's method always; prediction-powered for all traces together,
        where the gold is a random sample of them. Elements that the evaluation does not
        speak of have no row.
        """
        known = {entry.element: entry for entry in self.comparison.elements}
        found = []
        for place, row in enumerate(prevalence):
            entry = known.get(row.element)
            if entry is None or row.shown is None:
                continue
            mine = draws[:, place]
            found.append(_rogan_gladen(self.annotators, group, row, entry, mine, rng))
            if self.random_sample and not group:
                found.append(_prediction_powered(group, row, entry, mine))
        return found


def _rogan_gladen(
    annotators: int,
    group: Group,
    row: PrevalenceFigure,
    entry: ElementFigure,
    draws: Array,
    rng: np.random.Generator,
) -> CorrectedFigure:
    sensitivity = entry.metrics["presence_recall"].value
    specificity = entry.metrics["presence_specificity"].value
    if sensitivity is None or specificity is None or row.shown is None:
        return _figure(group, row, entry, reason="unknown-errors")
    if sensitivity + specificity <= 1:
        return _figure(group, row, entry, reason="no-better-than-chance")
    value = rogan_gladen(np.array(row.shown), np.array(sensitivity), np.array(specificity))
    low = high = math.nan
    if len(draws):
        share = _with_doubt(row, draws, rng)
        some, all_ = (
            _beta(entry, metric, annotators, len(draws), rng)
            for metric in ("presence_recall", "presence_specificity")
        )
        spread_out = rogan_gladen(share, some, all_)
        # Where chance does as well, the true share may be anything.
        lost = np.flatnonzero(np.isnan(spread_out))
        spread_out[lost] = np.arange(len(lost)) % 2
        low, high = (float(end) for end in interval(np.clip(spread_out, 0, 1)))
    return _figure(group, row, entry, "rogan-gladen", float(value), low, high)


def rogan_gladen(share: Array, sensitivity: Array, specificity: Array) -> Array:
    """Return the true share behind a share that an annotator with these errors found.

    It may lie below 0 or above 1; it is NaN where the annotator is no better than chance.
    """
    gain = sensitivity + specificity - 1
    return np.where(gain > 0, (share + specificity - 1) / np.where(gain > 0, gain, 1), np.nan)


def _prediction_powered(
    group: Group, row: PrevalenceFigure, entry: ElementFigure, draws: Array
) -> CorrectedFigure:
    excess = entry.metrics["presence_excess"]
    if excess.value is None or row.shown is None:
        return _figure(group, row, entry, "prediction-powered", reason="unknown-errors")
    value = row.shown - excess.value
    low = high = math.nan
    if len(draws) and excess.se is not None:
        own = float(spread(draws[:, None])[0])
        reach = Z * math.hypot(0 if math.isnan(own) else own, _doubt(entry))
        low, high = value - reach, value + reach
    return _figure(group, row, entry, "prediction-powered", value, low, high)


def _doubt(entry: ElementFigure) -> float:
    """Return the standard error of the mean error; never 0, for no error may be luck."""
    counts = entry.counts
    clusters = max(counts.clusters_with, counts.clusters_without, 1)
    wrong = counts.predicted_only + counts.gold_only
    least = math.sqrt(1 / (clusters + 1) / clusters) if not wrong else 0.0
    return max(entry.metrics["presence_excess"].se or 0.0, least)


def _with_doubt(row: PrevalenceFigure, draws: Array, rng: np.random.Generator) -> Array:
    """Return the draws of the raw share; made up where all traces are alike, as draws are."""
    if not row.shown_exact:
        return draws
    hits = row.clusters if row.shown else 0
    drawn: Array = rng.beta(hits + _HALF, row.clusters - hits + _HALF, len(draws))
    return drawn


def _beta(
    entry: ElementFigure, metric: str, annotators: int, draws: int, rng: np.random.Generator
) -> Array:
    """Return draws of sensitivity or specificity, by Jeffreys' posterior.

    Its cases are as many independent ones as would be as sure as the cluster bootstrap
    says; where that says nothing, as many as there are clusters.
    """
    estimate, counts = entry.metrics[metric], entry.counts
    recall = metric == "presence_recall"
    cases = counts.both + counts.gold_only if recall else counts.predicted_only + counts.neither
    clusters = counts.clusters_with if recall else counts.clusters_without
    value = estimate.value or 0.0
    size: float = clusters
    if estimate.se and 0 < value < 1:
        size = min(value * (1 - value) / estimate.se**2, cases / annotators)
    drawn: Array = rng.beta(value * size + _HALF, (1 - value) * size + _HALF, draws)
    return drawn


def _figure(
    group: Group,
    row: PrevalenceFigure,
    entry: ElementFigure,
    method: Correction = "rogan-gladen",
    value: float = math.nan,
    low: float = math.nan,
    high: float = math.nan,
    reason: Uncorrected | None = None,
) -> CorrectedFigure:
    ends = [
        number(min(1.0, max(0.0, end))) if not math.isnan(end) else None
        for end in (value, low, high)
    ]
    return CorrectedFigure(
        group=group,
        element=row.element,
        method=method,
        n=row.n,
        n_gold=entry.metrics["presence_f1"].n,
        raw=row.shown,
        raw_low=row.shown_low,
        raw_high=row.shown_high,
        sensitivity=entry.metrics["presence_recall"].value,
        specificity=entry.metrics["presence_specificity"].value,
        corrected=ends[0],
        low=ends[1],
        high=ends[2],
        clipped=value < 0 or value > 1,
        reason=reason,
        small=row.small or entry.small,
    )
