"""The records of an evaluation. JSON Schema: "evaluation".

None is a figure that is not defined. ``n`` says how many observations a figure rests on,
which are traces, sentences, tokens or spans (docs/evaluation.md says where). All intervals
are at 95 %.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from cogtrace.records import AnnotatorRef, TaxonomyRef

Group = dict[str, str | None]

# What two people say of each other's labels; which of them is the prediction is chance.
MUTUAL: Final = (
    "kappa_quadratic",
    "alpha_ordinal",
    "presence_f1",
    "sentence_f1",
    "token_f1",
    "onset_f1",
    "span_exact_f1",
    "span_soft_f1",
    "boundary_distance",
)


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all of them share."""


class Estimate(Figure, frozen=True, kw_only=True):
    """A figure with its interval and standard error, over draws of clusters."""

    value: float | None
    low: float | None
    high: float | None
    se: float | None
    n: int


Metrics = dict[str, Estimate]


class Counts(Figure, frozen=True, kw_only=True):
    """Traces by whether they show an element (score 1 or more): predicted, and in the gold."""

    both: int
    predicted_only: int
    gold_only: int
    neither: int
    clusters_with: int  # clusters with a trace that shows it in the gold
    clusters_without: int  # with one that does not


class Reliability(Figure, frozen=True, kw_only=True):
    """Predicted spans whose confidence lies in a range, and the share that is right."""

    low: float  # of the confidence
    high: float
    n: int
    confidence: float | None  # mean
    right: float | None  # share


class ElementFigure(Figure, frozen=True, kw_only=True):
    """How well one element is found."""

    element: str
    metrics: Metrics
    length_only: Metrics
    counts: Counts
    reliability: list[Reliability]
    small: bool  # fewer than min_n traces


class Disagreement(Figure, frozen=True, kw_only=True):
    """A trace and an element about which prediction and gold differ."""

    trace_id: str
    annotator: str  # of the gold
    element: str
    predicted: int
    gold: int
    weight: float  # what the list is ordered by
    quote: str | None  # words that only one side marks
    marked_by: Literal["predicted", "gold"] | None


class Comparison(Figure, frozen=True, kw_only=True):
    """One set of predictions against the gold, in one group of traces."""

    predicted: str  # the folder
    annotator: AnnotatorRef
    group: Group  # {}: all traces
    traces: int
    rows: int  # pairs of a trace and an annotator of the gold
    clusters: int
    elements: list[ElementFigure]
    overall: Metrics
    overall_length_only: Metrics
    disagreements: list[Disagreement]


class AgreementFigure(Figure, frozen=True, kw_only=True):
    """How well the annotators of the gold agree about an element."""

    element: str
    metrics: Metrics
    small: bool


class Gold(Figure, frozen=True, kw_only=True):
    """What the predictions are judged by."""

    source: str
    annotators: list[str]
    traces: int
    unmatched: int  # traces that no prediction knows
    random_sample: bool  # of the corpus that was annotated; as declared


class Evaluation(Figure, frozen=True, kw_only=True):
    """How well annotations agree with a gold."""

    format: Literal[1] = 1
    taxonomy: TaxonomyRef
    parameters: dict[str, Any]
    gold: Gold
    notes: list[str]
    agreement: list[AgreementFigure]  # empty with fewer than two annotators
    agreement_overall: Metrics
    comparisons: list[Comparison]
