"""From the runs of several arms to what can be said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cogtrace.corpora.statistics.bootstrap import LEVEL
from cogtrace.errors import InputError
from cogtrace.experiments.arms import CONTROL
from cogtrace.experiments.estimating import Draws, adjusted, arm_figures, by_type, difference
from cogtrace.experiments.grading import RECORDED
from cogtrace.experiments.notes import notes_on
from cogtrace.experiments.outcomes import Arm, Paired, paired
from cogtrace.experiments.power import Forecast, forecast
from cogtrace.experiments.records import (
    Bias,
    Comparison,
    Counts,
    Flip,
    Setting,
    Tournament,
)
from cogtrace.experiments.uptake import claims_of, uptake, verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be said of arms; the first one is what the others are compared with."""

    grade: str | None = None
    controls: Sequence[str] = ()
    forecast: Forecast | None = None  # as declared before the run
    discordance: float = 0.25  # where nothing was declared
    draws: Draws = field(default_factory=Draws)
    annotated: Sequence[Path] | None = None  # folders of annotations, one per arm
    raises: Mapping[str, Sequence[str]] = field(default_factory=dict)
    judging: Bias | None = None
    tournament: Tournament | None = None
    notes: Sequence[str] = ()


def compare_arms(arms: Sequence[Arm], question: Question) -> Comparison:
    """Return how arms differ.

    Raises:
        InputError: they have no graded task in common.
    """
    data = paired(arms)
    if not data.task_ids and question.tournament is None:
        raise InputError(_nothing(arms, data))
    guided = _guided(data, question.controls)
    pairs = [(place, 0) for place in range(1, len(arms))]
    pairs += _against_controls(data, guided, question.controls)
    differences = adjusted([difference(data, pair, question.draws) for pair in pairs])
    claimed = [claims_of(arm, question.raises) for arm in arms]
    changes = (
        []
        if question.annotated is None
        else uptake(
            arms,
            question.annotated,
            claimed,
            bootstrap=question.draws.number,
            seed=question.draws.seed,
        )
    )
    first = arms[0].manifest
    declared = question.forecast or forecast(data.questions, len(arms) - 1, question.discordance)
    return Comparison(
        setting=Setting(
            folders=[str(arm.path) for arm in arms],
            model=_same([arm.manifest.model.model for arm in arms]),
            seed=first.seed if all(arm.manifest.seed == first.seed for arm in arms) else None,
            grade=question.grade or RECORDED,
            reference=arms[0].name,
            control=list(question.controls),
            bootstrap=question.draws.number,
            level=LEVEL,
            finished=all(arm.manifest.status == "finished" for arm in arms),
        ),
        forecast=declared,
        counts=Counts(
            compared=len(data.task_ids),
            questions=data.questions,
            unpaired=data.unpaired,
            ungraded=data.ungraded,
            by_arm=[arm.frame.height for arm in arms],
        ),
        arms=arm_figures(data, question.draws),
        differences=differences,
        by_type=by_type(data, [(place, 0) for place in guided], question.draws),
        uptake=changes,
        claims=[] if question.annotated is None else verdicts(arms, claimed, changes),
        flips=_flips(data),
        judging=question.judging,
        tournament=question.tournament,
        notes=[*question.notes, *notes_on(data, question.controls, declared)],
    )


def is_control(arm: Arm) -> bool:
    """Say whether an arm is one of plain samples at equal tokens."""
    return [step.plugin for step in arm.manifest.plan] == ["budget"]


def control_of(arm: str, controls: Sequence[str]) -> str | None:
    """Return the control arm that an arm is compared with."""
    own = f"{CONTROL}-vs-{arm}"
    if own in controls:
        return own
    return controls[0] if len(controls) == 1 else None


def _guided(data: Paired, controls: Sequence[str]) -> list[int]:
    """Return the arms that are claimed to be better than the first one."""
    return [place for place, arm in enumerate(data.arms) if place and arm.name not in controls]


def _against_controls(
    data: Paired, guided: Sequence[int], controls: Sequence[str]
) -> list[tuple[int, int]]:
    found = []
    for place in guided:
        other = control_of(data.arms[place].name, controls)
        if other is not None:
            found.append((place, data.names.index(other)))
    return found


def _flips(data: Paired) -> list[Flip]:
    found = []
    for place, arm in enumerate(data.arms[1:], start=1):
        gap = data.right[place].astype(int) - data.right[0].astype(int)
        for task in np.flatnonzero(gap).tolist():
            gained = bool(gap[task] > 0)
            found.append(Flip(task_id=data.task_ids[task], arm=arm.name, gained=gained))
    return found


def _same(values: Sequence[str]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _nothing(arms: Sequence[Arm], data: Paired) -> str:
    names = ", ".join(arm.name for arm in arms)
    empty = [arm.name for arm in arms if not arm.frame.height]
    if empty:
        return f"{', '.join(empty)}: no task is done yet; go on with the run first (--resume)"
    if data.ungraded:
        return (
            f"{names}: none of the {data.ungraded:,} tasks can be graded, for no right answer is "
            "known; give the tasks a column reference_answer, or choose another --grade "
            "(rubric, MODULE:FUNCTION) or --tournament"
        )
    return f"{names}: have no task in common (same id and question), so nothing can be paired"
