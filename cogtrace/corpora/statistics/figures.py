"""The records of all figures. Each is a row of a table; JSON Schema: "statistics".

``group`` says which traces a row is about: {} all of them, else the value of each column
of --by. ``n`` is always the number of traces (or of what else is said) the figure rests
on; ``small`` marks rows that rest on fewer than --min-n. None is a figure that is not
defined. All intervals are at 95 %.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from cogtrace.records import AnnotatorRef, TaxonomyRef

Group = dict[str, str | None]
Correction = Literal["rogan-gladen", "prediction-powered"]
Uncorrected = Literal["no-better-than-chance", "unknown-errors"]
Method = Literal["raw", "matched", "regression"]

ALL = "ALL"  # in place of an element: spans of all elements together


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all rows share."""


class SourceFigure(Figure, frozen=True, kw_only=True):
    """A job folder that was read."""

    folder: str
    status: str
    taxonomy: TaxonomyRef
    annotator: AnnotatorRef
    traces: int
    left_out: int  # by --where
    quarantined: int  # rows that could not be annotated


class GroupFigure(Figure, frozen=True, kw_only=True):
    """A group of traces."""

    group: Group
    n: int  # traces
    clusters: int  # questions, and traces without one
    without_question: int  # traces
    graded: int  # traces known to be right or wrong
    correct: int
    length_median: float | None  # code points
    length_mean: float | None
    small: bool


class PrevalenceFigure(Figure, frozen=True, kw_only=True):
    """How many traces show an element. ``exact`` intervals: see the docs."""

    group: Group
    element: str
    n: int  # traces that were asked about it and answered
    clusters: int
    score_0: int
    score_1: int
    score_2: int  # or above, in a taxonomy with more levels
    shown: float | None  # share with score 1 or more
    shown_low: float | None
    shown_high: float | None
    shown_exact: bool
    present: float | None  # share with score 2 or more
    present_low: float | None
    present_high: float | None
    present_exact: bool
    small: bool


class CorrectedFigure(Figure, frozen=True, kw_only=True):
    """The share that shows an element, corrected for the annotator's errors on a gold."""

    group: Group
    element: str
    method: Correction
    n: int  # traces that were asked about it and answered
    n_gold: int  # pairs of a trace and an annotator of the gold
    raw: float | None  # share with score 1 or more, as in prevalence
    raw_low: float | None
    raw_high: float | None
    sensitivity: float | None  # share found of the traces that show it in the gold
    specificity: float | None  # share found clear of those that do not
    corrected: float | None  # within 0 and 1
    low: float | None
    high: float | None
    clipped: bool  # it lay outside 0 and 1
    reason: Uncorrected | None  # why it is not corrected
    small: bool


class SpanFigure(Figure, frozen=True, kw_only=True):
    """How much text shows an element; "ALL": any element."""

    group: Group
    element: str
    n: int  # traces asked about it
    n_shown: int  # traces with score 1 or more
    spans_per_trace: float | None
    spans_low: float | None
    spans_high: float | None
    spans_where_shown: float | None  # per trace that shows it
    covered: float | None  # mean share of the text in its spans, overlaps counted once
    covered_low: float | None
    covered_high: float | None
    small: bool


class PairFigure(Figure, frozen=True, kw_only=True):
    """How two elements go together in traces (score 1 or more)."""

    group: Group
    a: str
    b: str
    n: int  # traces asked about both
    n_a: int
    n_b: int
    both: int
    npmi: float | None
    npmi_low: float | None
    npmi_high: float | None
    odds_ratio: float | None
    odds_low: float | None
    odds_high: float | None
    haldane: bool  # half a trace was added to each cell
    small: bool


class PositionFigure(Figure, frozen=True, kw_only=True):
    """Where in the text an element is shown."""

    group: Group
    element: str
    n: int  # traces with a span of it
    first: float | None  # mean place at which its first span starts, 0 to 1
    first_low: float | None
    first_high: float | None
    first_median: float | None
    bins: list[float | None]  # share of its spans in each tenth of the text, mean of traces
    bins_low: list[float | None]
    bins_high: list[float | None]
    small: bool


class TransitionFigure(Figure, frozen=True, kw_only=True):
    """How often one element comes next after another."""

    group: Group
    source: str
    target: str
    n: int  # steps with the source that have a next step
    count: int  # of these, with the target next
    traces: int  # in which that happens
    share: float | None
    share_low: float | None
    share_high: float | None
    lift: float | None  # share, over the share of all next steps that have the target
    small: bool


class SuccessFigure(Figure, frozen=True, kw_only=True):
    """What showing an element has to do with being right."""

    group: Group
    element: str
    n: int  # graded traces asked about it
    n_shown: int
    n_correct: int
    both: int
    success_shown: float | None  # share right of the traces that show it
    success_absent: float | None
    pmi: float | None
    npmi: float | None
    npmi_low: float | None
    npmi_high: float | None
    ppmi: float | None
    odds_ratio: float | None
    odds_low: float | None
    odds_high: float | None
    haldane: bool
    odds_at_length: float | None  # odds ratio at equal log length
    odds_at_length_low: float | None
    odds_at_length_high: float | None
    small: bool


class ComparisonFigure(Figure, frozen=True, kw_only=True):
    """How two sets of traces, a and b, differ in the share that shows an element."""

    group: Group
    method: Method
    element: str
    n_a: int  # traces that count
    n_b: int
    dropped_a: int  # traces without a counterpart of like length
    dropped_b: int
    share_a: float | None
    share_b: float | None
    difference: float | None  # share_a - share_b
    low: float | None
    high: float | None
    odds_ratio: float | None  # only by regression
    odds_low: float | None
    odds_high: float | None
    p: float | None
    p_adjusted: float | None  # Benjamini-Hochberg, over the elements
    small: bool


class LengthFigure(Figure, frozen=True, kw_only=True):
    """How long the traces are that a comparison is about."""

    group: Group
    method: Method
    n_a: int
    n_b: int
    dropped_a: int
    dropped_b: int
    length_a: float | None  # geometric mean, code points
    length_b: float | None
    length_ratio: float | None


class Statistics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All figures of some job folders."""

    format: Literal[1] = 1
    parameters: dict[str, Any]
    sources: list[SourceFigure]
    notes: list[str]  # what to keep in mind when reading, for people
    groups: list[GroupFigure]
    prevalence: list[PrevalenceFigure]
    corrected: list[CorrectedFigure] = []  # empty without an evaluation
    spans: list[SpanFigure]
    cooccurrence: list[PairFigure]
    positions: list[PositionFigure]
    transitions: list[TransitionFigure]
    success: list[SuccessFigure]
    comparison: list[ComparisonFigure]
    comparison_lengths: list[LengthFigure]


TABLES: Final = tuple(
    name
    for name in Statistics.__struct_fields__
    if name not in ("format", "parameters", "sources", "notes")
)
