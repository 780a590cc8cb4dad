"""Reading traces with a model: features, probabilities, and what they add up to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from cogtrace.annotator.cues.forms import signal_weights
from cogtrace.annotator.cues.index import compile_cues
from cogtrace.annotator.cues.matcher import Evidence, find_evidence
from cogtrace.annotator.cues.page import CellArray, FloatArray, IntArray, Page
from cogtrace.annotator.cues.scoring import Thresholds
from cogtrace.annotator.model.features import Features, FeatureSettings, features
from cogtrace.annotator.model.files import Limits, Model, TrainedConfig
from cogtrace.annotator.model.scorer import margins, probabilities
from cogtrace.errors import ModelError
from cogtrace.taxonomy import Taxonomy, load_taxonomy

# Features take 500 bytes for each character: a long trace is read a piece at a time, each with
# the sentences beside it that features of others depend on.
_PIECE: Final = 500_000
_BESIDE: Final = 2


class PageReader:
    """Finds the cues and features of pages. Holds no model: training uses it as well."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        whole = with_bundled_cues(taxonomy)
        self._index = compile_cues(whole)
        self._signals = signal_weights(whole)

    def evidence(self, page: Page) -> Evidence:
        """Return what the cues say."""
        return find_evidence(self._index, self._signals, page)

    def features(self, page: Page, settings: FeatureSettings) -> Features:
        """Return the features of all sentences of a page."""
        return features(page, self.evidence(page).cells, settings)


class ModelReader:
    """A model with the taxonomy that it was trained for."""

    def __init__(self, model: Model, taxonomy: Taxonomy) -> None:
        require_fit(model.config, taxonomy)
        self.model = model
        self.pages = PageReader(taxonomy)

    def probability(self, page: Page, evidence: Evidence | None = None) -> CellArray:
        """Return how probably each sentence (column) shows each element (row)."""
        cells = (evidence or self.pages.evidence(page)).cells
        settings = self.model.config.features
        rows = np.zeros((len(page.limits), len(self.model.config.elements)))
        for begin, end in _pieces(page, _PIECE):
            low, high = max(0, begin - _BESIDE), min(len(rows), end + _BESIDE)
            found = features(page.part(low, high), cells[:, low:high], settings)
            rows[begin:end] = margins(self.model, found)[begin - low : end - low]
        rows = probabilities(self.model, rows, page)
        return as_cells(rows, exclusive=self.model.config.exclusive)


def _pieces(page: Page, most: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of sentences of about so many characters, that make up the page."""
    begin = 0
    while begin < len(page.limits):
        last = np.searchsorted(page.limits[:, 1], page.limits[begin, 0] + most, side="right")
        end = max(begin + 1, int(last))
        yield begin, end
        begin = end


def as_cells(rows: FloatArray, *, exclusive: bool) -> CellArray:
    """Return probabilities with a row per element; of exclusive ones the likeliest alone."""
    if exclusive and len(rows):
        rows = np.where(rows == rows.max(axis=1, keepdims=True), rows, 0.0)
    return np.ascontiguousarray(rows.T, dtype=np.float32)


def trace_total(probability: CellArray, first: IntArray) -> FloatArray:
    """Return, per trace (row) and element, how much the whole trace speaks for the element.

    The sum of the squares of the probabilities over the root of the number of sentences: a
    few sure sentences count more than many doubtful ones, of which a long trace has more,
    and twice the sentences need more than the same share of them to mean the same.
    ``first`` is where the sentences of each trace begin, and the end of the last.
    """
    lengths = np.diff(first)
    total = np.zeros((len(lengths), probability.shape[0]))
    filled = np.flatnonzero(lengths)
    if len(filled):
        squares = np.add.reduceat(probability.astype(np.float64) ** 2, first[filled], axis=1).T
        total[filled] = squares / np.sqrt(lengths[filled])[:, None]
    return total


def thresholds_of(limits: tuple[Limits, ...]) -> Thresholds:
    """Return limits as arrays; a model knows of neighbours already, so nothing carries over."""
    none = np.zeros(len(limits), dtype=np.int64)
    return Thresholds(
        partial=np.array([limit.partial for limit in limits]),
        present=np.array([limit.present for limit in limits]),
        span=np.array([limit.span for limit in limits]),
        before=none,
        after=none,
    )


def with_bundled_cues(taxonomy: Taxonomy) -> Taxonomy:
    """Return a taxonomy with the elements of the bundled one after its own.

    For a model of other labels the cues of the bundled elements are features like any, and
    good ones: a sentence that checks or plans does so under any scheme.
    """
    bundled = load_taxonomy()
    if taxonomy.id == bundled.id:
        return taxonomy
    return msgspec.structs.replace(taxonomy, elements=(*taxonomy.elements, *bundled.elements))


def require_fit(config: TrainedConfig, taxonomy: Taxonomy) -> None:
    """Refuse a model that was trained for other elements or cues.

    Raises:
        ModelError: says for which taxonomy it was trained.
    """
    if config.cues_sha256 != cues_sha256(taxonomy):
        raise ModelError(
            f"the model was trained for the taxonomy {config.taxonomy} {config.taxonomy_version}, "
            f"and this is {taxonomy.id} {taxonomy.version}, or cues have changed since: give the "
            "taxonomy that it was trained for with --taxonomy, or train it again"
        )


def cues_sha256(taxonomy: Taxonomy) -> str:
    """Return the hash of what a model depends on: the elements, their cues and signals."""
    whole = with_bundled_cues(taxonomy).elements
    parts = [(e.id, e.cues, sorted(e.signals.items())) for e in whole]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
