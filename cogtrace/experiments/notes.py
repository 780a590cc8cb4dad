"""What a reader of a comparison must keep in mind, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cogtrace.experiments.outcomes import Arm, Paired
from cogtrace.experiments.power import Forecast

_FEW: Final = 10  # questions


def notes_on(data: Paired, controls: Sequence[str], declared: Forecast) -> list[str]:
    """Return sentences for people; texts of tasks are not in them."""
    return [*_settings(data.arms), *_counted(data, declared), *_controlled(data, controls)]


def _settings(arms: Sequence[Arm]) -> Iterator[str]:
    """Yield in what arms differ besides their plans."""
    for what, values in (
        ("model", [(arm.manifest.model.engine, arm.manifest.model.model) for arm in arms]),
        ("sampling", [arm.manifest.sampling for arm in arms]),
        ("seed", [arm.manifest.seed for arm in arms]),
        ("kind of answers", [arm.manifest.answer_kind for arm in arms]),
    ):
        if any(value != values[0] for value in values):
            yield (
                f"The arms were not run with the same {what}; a difference between them may be "
                "due to that."
            )
    unfinished = [arm.name for arm in arms if arm.manifest.status != "finished"]
    if unfinished:
        yield (
            f"Not finished: {', '.join(unfinished)}. Looking before the end and stopping when it "
            "suits makes p-values worthless; what is shown is how far it is, not a result."
        )


def _counted(data: Paired, declared: Forecast) -> Iterator[str]:
    if data.unpaired:
        yield (
            f"{data.unpaired:,} tasks were not run in every arm (same id and question) and are "
            "left out."
        )
    if data.ungraded:
        yield f"{data.ungraded:,} tasks have nothing to compare an answer with and are left out."
    if data.repeated:
        yield (
            f"{len(data.task_ids):,} runs of {data.questions:,} questions; runs of a question "
            "stand and fall together in intervals and tests."
        )
    if 0 < data.questions < _FEW:
        yield f"Only {data.questions} questions; intervals by bootstrap are too narrow."
    failed = int(data.failed.sum())
    if failed:
        yield (
            f"{failed:,} runs failed (a plugin or the model) and count as wrong for their arm; "
            "differences without these tasks stand beside."
        )
    discordant = [
        float((data.right[place] != data.right[0]).mean())
        for place in range(1, len(data.arms))
        if len(data.task_ids)
    ]
    if discordant and max(discordant) > declared.discordance * 1.5:
        yield (
            f"Up to {max(discordant):.0%} of the tasks came out differently in two arms, more "
            f"than the {declared.discordance:.0%} assumed beforehand: what could be found was "
            "less than forecast."
        )


def _controlled(data: Paired, controls: Sequence[str]) -> Iterator[str]:
    dearer = [
        arm.name
        for place, arm in enumerate(data.arms)
        if place
        and arm.name not in controls
        and data.costs["tokens"][place].sum() > 1.5 * data.costs["tokens"][0].sum()
    ]
    if dearer and not controls:
        yield (
            f"No arm spends as much as {', '.join(dearer)} on plain samples; a gain over "
            f"{data.arms[0].name} may be what the tokens would have bought anyway."
        )
