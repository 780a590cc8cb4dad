"""Findings of a comparison in words, the same in a terminal and in a report."""

from __future__ import annotations

from typing import Final

from cogtrace.experiments.power import Forecast
from cogtrace.experiments.records import DifferenceFigure

SURE: Final = 0.05


def finds(found: Forecast) -> str:
    """Return in a sentence what an experiment can find."""
    level = f"at {found.alpha:.0%} for {found.comparisons} comparisons together"
    assumed = f"if {found.discordance:.0%} of them come out differently in two arms (assumed)"
    if found.detectable is None:
        return (
            f"Can find with {found.power:.0%} power: NOTHING {level}, {assumed}; even if all of "
            "these went to one side. Use more tasks"
        )
    return (
        f"Can find with {found.power:.0%} power: differences from {100 * found.detectable:.1f} "
        f"points of accuracy, {level}, {assumed}"
    )


def verdict(row: DifferenceFigure) -> str:
    """Return in a word what a comparison shows."""
    if row.p_adjusted is None or row.difference is None or row.p_adjusted >= SURE:
        return "no difference shown"
    return "better" if row.difference > 0 else "WORSE"


def leaning(what: str, judged: int, agreed: int, first: int) -> str:
    """Return in a sentence how a judge leans to the order in which it is shown things."""
    if not judged:
        return f"{what}: nothing was judged"
    apart = judged - agreed
    text = f"{what}: the judge said the same in both orders of {agreed:,} of {judged:,}"
    if not apart:
        return text
    return f"{text}; of the other {apart:,} it took what came first {first:,} times"
