"""What a comparison of arms says; its schema is "comparison"."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from cogtrace import __version__
from cogtrace.experiments.power import Forecast


class _Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all figures share. None is a figure that is not defined."""


class Setting(_Figure, frozen=True, kw_only=True):
    """What was compared, and how."""

    folders: list[str]
    model: str | None  # None: the arms were not all answered by the same one
    seed: int | None
    grade: str
    reference: str  # the arm that all others are compared with
    control: list[str]  # arms that spend the same tokens on plain samples
    stop: Literal["none"] = "none"  # the stopping rule, declared beforehand
    bootstrap: int
    level: float  # of intervals
    finished: bool  # False: looked at before the end; p-values do not hold


class Counts(_Figure, frozen=True, kw_only=True):
    """How many tasks there are."""

    compared: int  # graded, and run in every arm
    questions: int  # among them; runs of the same question are one cluster
    unpaired: int  # not run in every arm
    ungraded: int  # nothing to compare an answer with
    by_arm: list[int]  # runs of each arm


class ArmFigure(_Figure, frozen=True, kw_only=True):
    """How one arm did on the tasks that all arms have."""

    arm: str
    plan: str
    n: int
    right: int
    accuracy: float | None
    low: float | None  # Wilson, or by bootstrap where questions were run several times
    high: float | None
    unanswered: int  # without an answer, or asked back; counted wrong
    failed: int  # counted wrong
    tokens: float | None  # mean per task
    calls: float | None
    seconds: float | None  # of the model, mean per task
    tokens_per_right: float | None
    calls_per_right: float | None
    seconds_per_right: float | None
    usual_samples: float | None  # candidates per task, mean


class DifferenceFigure(_Figure, frozen=True, kw_only=True):
    """How an arm differs from another one on the same tasks."""

    arm: str
    other: str
    problem_type: str | None  # None: all tasks
    n: int
    questions: int
    only_arm: int  # tasks that only it got right
    only_other: int
    difference: float | None  # of accuracies
    low: float | None  # paired, by bootstrap over questions
    high: float | None
    test: Literal["mcnemar", "sign-flip"]
    p: float | None
    p_adjusted: float | None  # Holm, over the arms (and problem types) compared with the same one
    without_failed: float | None  # the difference without tasks that failed in either
    left_out: int  # these
    token_ratio: float | None  # tokens of the arm for each of the other


class UptakeFigure(_Figure, frozen=True, kw_only=True):
    """How an element is shown in one arm and in the reference, in texts that answers are from."""

    arm: str
    other: str
    element: str
    claimed: list[str]  # plugins of the arm that say they raise it
    method: Literal["raw", "matched"]  # as they are, at equal length
    n: int  # texts of the arm
    share: float | None
    share_other: float | None
    change: float | None
    low: float | None
    high: float | None
    p_adjusted: float | None  # Benjamini-Hochberg, over the elements
    n_first: int  # texts of the arm with a span of it
    first_change: float | None  # of the mean place of the first span, in shares of the text
    first_low: float | None
    first_high: float | None


class Claim(_Figure, frozen=True, kw_only=True):
    """What became of an element that a plugin says it raises."""

    arm: str
    plugin: str
    element: str
    verdict: Literal["raised", "raised with length", "not shown", "lowered", "not asked about"]
    words: str


class Flip(_Figure, frozen=True, kw_only=True):
    """A task that an arm got right and the reference did not, or the other way round."""

    task_id: str
    arm: str
    gained: bool


class Bias(_Figure, frozen=True, kw_only=True):
    """How a judge leans to what it sees first; everything is shown to it in both orders."""

    judged: int  # pairs, or answers
    agreed: int  # the same verdict in both orders
    first: int  # of the others: in both orders what was named first
    second: int


class Rating(_Figure, frozen=True, kw_only=True):
    """How an arm did against all others, in pairs."""

    arm: str
    games: int
    score: float | None  # a win counts 1, a tie half
    score_low: float | None  # by bootstrap over tasks
    score_high: float | None
    rating: float  # Glicko-2, about 1500
    rating_low: float
    rating_high: float


class Tournament(_Figure, frozen=True, kw_only=True):
    """Arms compared in pairs, by a model or by people."""

    judge: str
    tasks: int
    games: int
    ties: int
    left_out: int  # pairs of which an arm has no text, or that were not judged
    ratings: list[Rating]
    bias: Bias | None  # None: people were not shown both orders


class Comparison(_Figure, frozen=True, kw_only=True):
    """All that a comparison says."""

    kind: Literal["comparison"] = "comparison"
    format: Literal[1] = 1
    cogtrace: str = __version__
    setting: Setting
    forecast: Forecast
    counts: Counts
    arms: list[ArmFigure]
    differences: list[DifferenceFigure]
    by_type: list[DifferenceFigure]
    uptake: list[UptakeFigure]
    claims: list[Claim]
    flips: list[Flip]
    judging: Bias | None = None  # of the judge of a rubric
    tournament: Tournament | None = None
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found
