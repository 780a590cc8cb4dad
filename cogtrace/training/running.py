"""Training a model: weights, their strength, calibration and limits, and how good it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from cogtrace.annotator.cues.annotator import VERSION as CUES_VERSION
from cogtrace.annotator.cues.page import FloatArray, IntArray
from cogtrace.annotator.model.features import VERSION, FeatureSettings
from cogtrace.annotator.model.files import FORMAT, Limits, Model, ModelConfig, Weights
from cogtrace.annotator.model.reading import PageReader, cues_sha256, trace_total, with_bundled_cues
from cogtrace.annotator.model.scorer import margins, probabilities
from cogtrace.taxonomy import Taxonomy
from cogtrace.training.calibrating import limits, platt, successions
from cogtrace.training.figures import DevFigures, dev_figures, quality
from cogtrace.training.fitting import Seen, fit_weights, see, together
from cogtrace.training.labels import NOT_JUDGED, LabelledTrace
from cogtrace.training.requiring import require_learning

STRENGTHS: Final = (1.0, 3.0, 10.0, 30.0)  # inverse of the regularisation; the best on dev is taken


class TrainSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is trained."""

    features: FeatureSettings = FeatureSettings()
    exclusive: bool = False  # each sentence shows exactly one element
    strengths: tuple[float, ...] = STRENGTHS
    unjudged: float = 0.05  # weight of what was not judged, as absent
    refit: bool = True  # fit the final weights to what it was tuned on as well
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, and how it does on the labels it was tuned on."""

    model: Model
    figures: DevFigures


def train(
    labelled: Sequence[LabelledTrace],
    dev: Sequence[LabelledTrace],
    taxonomy: Taxonomy,
    settings: TrainSettings,
    said: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train a model on labelled traces, and tune it on others.

    Its strength, calibration and limits come from ``dev``, and so do the figures; then the
    weights are fitted once more, to all labels. ``said`` is told how far it is. The same
    labels and settings give the same model.

    Raises:
        OptionError: scikit-learn is not installed.
        ModelError: labels that do not fit their traces.
    """
    require_learning()
    reader = PageReader(taxonomy)
    said("reading the labelled traces")
    seen = see(labelled, reader, settings.features)
    tuning = see(dev, reader, settings.features)
    best: tuple[float, float, Model] | None = None
    for strength in settings.strengths:
        said(f"fitting {len(taxonomy.elements)} elements, strength {strength:g}")
        weights = fit_weights(
            seen,
            settings.features,
            strength=strength,
            unjudged=settings.unjudged,
            seed=settings.seed,
        )
        model = _tuned(weights, seen, tuning, taxonomy, settings)
        found = quality(_probabilities(model, tuning), tuning.scores, settings.exclusive)
        if best is None or found > best[0]:
            best = (found, strength, model)
    if best is None:
        raise ValueError("no strength to try")
    _, strength, model = best
    figures = dev_figures(_probabilities(model, tuning), tuning.scores, model.config)
    if settings.refit:
        said("fitting once more, to all labels")
        model = _refitted(model, together(seen, tuning), strength, settings)
    notes: dict[str, Any] = {
        "traces": len(labelled),
        "sentences": len(seen.scores),
        "dev_traces": len(dev),
        "dev_sentences": len(tuning.scores),
        "strength": strength,
        "unjudged": settings.unjudged,
        "refit": settings.refit,
        "seed": settings.seed,
        "dev": {"f1": round(figures.macro_f1, 4), "accuracy": figures.accuracy},
    }
    config = msgspec.structs.replace(model.config, training=notes)
    return Trained(dataclasses.replace(model, config=config), figures)


def _tuned(
    weights: Weights, seen: Seen, tuning: Seen, taxonomy: Taxonomy, settings: TrainSettings
) -> Model:
    """Return a model with weights that are calibrated, and with limits."""
    model = Model(_config(taxonomy, settings), weights)
    raw = np.concatenate([margins(model, found) for _, found in tuning.pages])
    slope, shift = platt(raw, tuning.scores)
    weights = dataclasses.replace(weights, slope=slope, shift=shift)
    if settings.exclusive:
        follows, common = successions(seen.scores, seen.lengths)
        weights = dataclasses.replace(weights, follows=follows, common=common)
        return Model(model.config, weights)
    model = Model(model.config, weights)
    rows = _probabilities(model, tuning)
    chosen = limits(rows, tuning.scores, _totals(tuning, rows), trace_scores(tuning))
    return Model(msgspec.structs.replace(model.config, limits=chosen), weights)


def _refitted(model: Model, seen: Seen, strength: float, settings: TrainSettings) -> Model:
    """Return a model with weights fitted to more labels, calibrated as it was."""
    found = fit_weights(
        seen,
        settings.features,
        strength=strength,
        unjudged=settings.unjudged,
        seed=settings.seed,
    )
    old = model.weights
    follows, common = old.follows, old.common
    if settings.exclusive:
        follows, common = successions(seen.scores, seen.lengths)
    weights = dataclasses.replace(
        found, slope=old.slope, shift=old.shift, follows=follows, common=common
    )
    return Model(model.config, weights)


def _config(taxonomy: Taxonomy, settings: TrainSettings) -> ModelConfig:
    # One label a sentence: whatever has a sentence is there, and its sentences are its spans.
    always = Limits(partial=1e-6, present=0.5, span=1e-6)
    return ModelConfig(
        format=FORMAT,
        features_version=VERSION,
        cues_version=CUES_VERSION,
        taxonomy=taxonomy.id,
        taxonomy_version=taxonomy.version,
        cues_sha256=cues_sha256(taxonomy),
        cues=len(with_bundled_cues(taxonomy).elements),
        elements=taxonomy.element_ids,
        features=settings.features,
        exclusive=settings.exclusive,
        limits=(always,) * len(taxonomy.elements),
        weights_sha256="",
    )


def _probabilities(model: Model, seen: Seen) -> FloatArray:
    parts = [probabilities(model, found, page) for page, found in seen.pages]
    return np.concatenate(parts)


def _totals(seen: Seen, rows: FloatArray) -> FloatArray:
    totals, first = [], 0
    for page, _ in seen.pages:
        last = first + len(page.limits)
        totals.append(trace_total(rows[first:last].T.astype(np.float32), page))
        first = last
    return np.concatenate(totals)


def trace_scores(seen: Seen) -> IntArray:
    """Return the score of each trace: the highest of its sentences, if any was judged."""
    filled = np.flatnonzero(seen.lengths)
    scores = np.full((len(seen.lengths), seen.scores.shape[1]), NOT_JUDGED, dtype=np.int64)
    if len(filled):
        scores[filled] = np.maximum.reduceat(seen.scores, seen.first[filled], axis=0)
    return scores
