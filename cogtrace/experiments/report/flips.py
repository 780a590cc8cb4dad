"""Section: the tasks that came out differently, both texts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cogtrace.corpora.report.labels import label
from cogtrace.experiments.outcomes import Arm, runs_of, text_of
from cogtrace.experiments.records import Comparison
from cogtrace.sections import Block, Cell, Column, Section, Table

MOST_FLIPS: Final = 60  # tasks shown of each kind and arm


def flipped(found: Comparison, arms: Sequence[Arm]) -> Section | None:
    """Show the tasks that came out differently, both texts side by side."""
    if not found.flips:
        return None
    blocks: list[Block] = []
    for arm in arms[1:]:
        for gained, what in ((True, "gained"), (False, "lost")):
            ids = [f.task_id for f in found.flips if f.arm == arm.name and f.gained == gained]
            if ids:
                blocks.append(_side_by_side(arms[0], arm, ids, what))
    return Section(blocks=tuple(blocks))


def _side_by_side(reference: Arm, arm: Arm, ids: list[str], what: str) -> Table:
    some = ids[:MOST_FLIPS]
    before, now = runs_of(reference, set(some)), runs_of(arm, set(some))
    rows: list[tuple[Cell, ...]] = []
    for task_id in some:
        one, other = before[task_id], now[task_id]
        rows.append(
            (
                task_id,
                one.question,
                one.reference_answer,
                one.answer,
                other.answer,
                text_of(one),
                text_of(other),
            )
        )
    left = f"The first {len(some):,} of {len(ids):,} are shown." if len(ids) > len(some) else ""
    return Table(
        name=f"{what}-{''.join(c if c.isascii() and c.isalnum() else '-' for c in arm.name)[:40]}",
        title=f"{what.capitalize()} by {label(arm.name)}: {len(ids):,} tasks",
        columns=(
            Column("task_id", "task"),
            Column("question"),
            Column("reference_answer", "right answer"),
            Column("answer_reference", f"answer of {label(reference.name)}"),
            Column("answer", f"answer of {label(arm.name)}"),
            Column("text_reference", label(reference.name)),
            Column("text", label(arm.name)),
        ),
        rows=tuple(rows),
        note=left,
        folded=True,
    )
