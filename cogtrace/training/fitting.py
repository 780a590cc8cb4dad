"""Fitting the weights of a model: one logistic regression per element.

Needs scikit-learn (``pip install 'cogtrace[train]'``); what it makes needs only numpy.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cogtrace.annotator.cues.page import FloatArray, IntArray, Page, make_page, pages
from cogtrace.annotator.model.features import Features, FeatureSettings
from cogtrace.annotator.model.files import Weights
from cogtrace.annotator.model.reading import PageReader
from cogtrace.training.labels import NOT_JUDGED, LabelledTrace, require_same_sentences

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_STEPS: Final = 127  # of a weight in one byte
_ITERATIONS: Final = 200
_TOLERANCE: Final = 1e-2
_LEAST_RARE: Final = 0.1  # natural logarithm; that of what every sentence has would be 0


@dataclass(frozen=True, slots=True)
class Seen:
    """Labelled traces as a model sees them: their pages with features, and all scores."""

    pages: list[tuple[Page, Features]]
    scores: IntArray  # a row per sentence of all pages
    lengths: IntArray  # sentences of each trace

    @property
    def first(self) -> IntArray:
        """The row of the first sentence of each trace."""
        starts: IntArray = np.cumsum(self.lengths) - self.lengths
        return starts


def see(labelled: Sequence[LabelledTrace], reader: PageReader, settings: FeatureSettings) -> Seen:
    """Return what a model sees of traces.

    Raises:
        ModelError: scores that are not one for each sentence.
    """
    found = []
    for group in pages([each.trace for each in labelled]):
        page = make_page(group)
        found.append((page, reader.features(page, settings)))
    lengths = np.concatenate([np.diff(page.first) for page, _ in found] or [np.zeros(0, int)])
    for each, length in zip(labelled, lengths.tolist(), strict=True):
        require_same_sentences(each, length)
    return Seen(found, np.concatenate([each.scores for each in labelled]), lengths)


def together(one: Seen, other: Seen) -> Seen:
    """Return two sets of traces as one."""
    return Seen(
        [*one.pages, *other.pages],
        np.concatenate([one.scores, other.scores]),
        np.concatenate([one.lengths, other.lengths]),
    )


def fit_weights(
    seen: Seen, settings: FeatureSettings, *, strength: float, unjudged: float, seed: int
) -> Weights:
    """Fit the weights of all elements, not calibrated yet.

    ``strength`` is the inverse of the regularisation. What was not judged counts as absent
    with the weight ``unjudged``: most sentences do not show most elements.
    """
    from scipy.sparse import csr_array, diags_array

    plain = _design(seen, settings)
    lift = _rarity(plain)
    design = csr_array(plain @ diags_array(lift))
    count = seen.scores.shape[1]
    table = np.zeros((settings.buckets, count), dtype=np.int8)
    step, bias = np.ones(count), np.zeros(count)
    cues = np.zeros((design.shape[1] - settings.buckets, count))
    for element in range(count):
        fitted = _regression(design, seen.scores[:, element], strength, unjudged, seed)
        if fitted is None:
            bias[element] = -10.0  # never seen, or never missed: nothing to learn from
            continue
        weights, bias[element] = fitted[0] * lift, fitted[1]
        hashed = weights[: settings.buckets]
        cues[:, element] = weights[settings.buckets :]
        step[element] = max(float(np.abs(hashed).max()), 1e-9) / _STEPS
        table[:, element] = np.rint(hashed / step[element]).astype(np.int8)
    zeros = np.zeros(count)
    square = np.zeros((count, count))
    return Weights(table, step, cues, bias, np.ones(count), zeros, square, zeros.copy())


def _regression(
    design: csr_array, scores: IntArray, strength: float, unjudged: float, seed: int
) -> tuple[FloatArray, float] | None:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    weight = np.where(scores == NOT_JUDGED, unjudged, 1.0)
    used = np.flatnonzero(weight > 0)
    shown = scores[used] > 0
    if len(np.unique(shown)) < 2:
        return None
    # The dual form: many more features than sentences.
    model: Any = LogisticRegression(
        C=strength,
        solver="liblinear",
        dual=True,
        max_iter=_ITERATIONS,
        tol=_TOLERANCE,
        class_weight="balanced",
        random_state=seed,
    )
    with warnings.catch_warnings():
        # A last digit more of the weights would change no annotation.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(design[used], shown, sample_weight=weight[used])
    return model.coef_[0], float(model.intercept_[0])


def _rarity(design: csr_array) -> FloatArray:
    """Return how much each feature counts for while fitting: more where fewer sentences have it.

    The root of the inverse document frequency (Spärck Jones 1972), 1 on average. What is
    rare may then have a large weight without paying for it in the regularisation.
    """
    sentences, features = design.shape
    seen_in = np.bincount(design.indices, minlength=features)
    rarity = np.sqrt(np.maximum(np.log((sentences + 1) / (seen_in + 1)), _LEAST_RARE))
    found: FloatArray = rarity / rarity[seen_in > 0].mean()
    return found


def _design(seen: Seen, settings: FeatureSettings) -> csr_array:
    """Return the features of all sentences as a sparse matrix, as `scorer.margins` counts them."""
    from scipy.sparse import csr_array

    rows, columns, values = [], [], []
    first = 0
    for page, found in seen.pages:
        for name, family in found.families.items():
            count = np.bincount(family.sentence, minlength=len(page.limits))[family.sentence]
            rows.append(family.sentence + first)
            columns.append(family.bucket)
            values.append(settings.scale(name) / np.sqrt(count))
        sentence, element = np.nonzero(found.cues)
        rows.append(sentence + first)
        columns.append(element + settings.buckets)
        values.append(settings.cues * found.cues[sentence, element])
        first += len(page.limits)
    # Indices of 32 bits are all that liblinear takes.
    places = (
        np.concatenate(rows).astype(np.int32),
        np.concatenate(columns).astype(np.int32),
    )
    shape = (first, settings.buckets + seen.pages[0][1].cues.shape[1])
    return csr_array((np.concatenate(values), places), shape=shape)
