"""Training a model: weights, their strength, calibration and limits, and how good it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from cogtrace.annotator.cues.annotator import VERSION as CUES_VERSION
from cogtrace.annotator.cues.page import FloatArray
from cogtrace.annotator.model.features import VERSION, FeatureSettings
from cogtrace.annotator.model.files import FORMAT, Model, ModelConfig, Weights
from cogtrace.annotator.model.reading import PageReader, cues_sha256, with_bundled_cues
from cogtrace.annotator.model.scorer import margins
from cogtrace.taxonomy import Taxonomy
from cogtrace.training.calibrating import ALWAYS, calibrated, successions
from cogtrace.training.figures import DevFigures, dev_figures, quality
from cogtrace.training.fitting import Seen, fit_weights, see, together
from cogtrace.training.labels import LabelledTrace
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
    best: tuple[float, float, Model, FloatArray] | None = None
    for strength in settings.strengths:
        said(f"fitting {len(taxonomy.elements)} elements, strength {strength:g}")
        weights = fit_weights(
            seen,
            settings.features,
            strength=strength,
            unjudged=settings.unjudged,
            seed=settings.seed,
        )
        model, rows = _tuned(weights, seen, tuning, taxonomy, settings)
        found = quality(rows, tuning.scores, settings.exclusive)
        if best is None or found > best[0]:
            best = (found, strength, model, rows)
    if best is None:
        raise ValueError("no strength to try")
    _, strength, model, rows = best
    figures = dev_figures(rows, tuning.scores, model.config)
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
) -> tuple[Model, FloatArray]:
    """Return a model that is calibrated and has limits, and its probabilities on ``tuning``."""
    model = Model(_config(taxonomy, settings), weights)
    raw = np.concatenate([margins(model, found) for _, found in tuning.pages])
    learnt = (seen.scores, seen.lengths) if settings.exclusive else None
    found = calibrated(raw, tuning.scores, tuning.lengths, learnt)
    weights = dataclasses.replace(
        weights,
        slope=found.slope,
        shift=found.shift,
        follows=found.follows,
        common=found.common,
    )
    return Model(msgspec.structs.replace(model.config, limits=found.limits), weights), found.rows


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
        limits=(ALWAYS,) * len(taxonomy.elements),
        weights_sha256="",
    )
