"""Section: arms compared in pairs."""

from __future__ import annotations

from collections.abc import Sequence

from cogtrace.corpora.report.labels import label
from cogtrace.experiments.outcomes import Arm
from cogtrace.experiments.records import Comparison
from cogtrace.experiments.words import leaning
from cogtrace.sections import Block, Column, Notice, Prose, Section, Table


def rated(found: Comparison, arms: Sequence[Arm]) -> Section | None:
    """Show the tournament."""
    games = found.tournament
    if games is None:
        return None
    blocks: list[Block] = [
        Prose(
            f"{games.games:,} pairs of answers on {games.tasks:,} tasks, judged by "
            f"{label(games.judge)}; {games.ties:,} ties, {games.left_out:,} pairs left out. "
            "Ratings are Glicko-2: 400 points more win about 10 games of 11."
        )
    ]
    if games.bias is not None:
        bias = games.bias
        blocks.append(Notice(leaning("order", bias.judged, bias.agreed, bias.first) + "."))
    columns = (
        Column("arm"),
        Column("games", "games", "count"),
        Column("score", "score", "share"),
        Column("score_low", "from", "share"),
        Column("score_high", "to", "share"),
        Column("rating", "rating", "number"),
        Column("rating_low", "from", "number"),
        Column("rating_high", "to", "number"),
    )
    rows = tuple(
        (
            label(r.arm),
            r.games,
            r.score,
            r.score_low,
            r.score_high,
            r.rating,
            r.rating_low,
            r.rating_high,
        )
        for r in sorted(games.ratings, key=lambda row: -row.rating)
    )
    blocks.append(Table(name="ratings", title="Ratings", columns=columns, rows=rows))
    return Section(blocks=tuple(blocks))
