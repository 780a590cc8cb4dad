"""Sections: what was shown, gains and costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cogtrace.corpora.report.labels import label, number
from cogtrace.experiments.outcomes import Arm
from cogtrace.experiments.records import ArmFigure, Comparison, DifferenceFigure
from cogtrace.experiments.report.drawing import interval_chart
from cogtrace.experiments.words import finds, leaning, verdict
from cogtrace.sections import (
    Block,
    Cell,
    Chart,
    Column,
    Facts,
    Notice,
    Points,
    Prose,
    Section,
    Table,
)


def summary(found: Comparison, arms: Sequence[Arm]) -> Section:
    """Say in words what was compared and what was shown."""
    counts = found.counts
    facts = (
        ("tasks", f"{counts.compared:,}"),
        ("questions", f"{counts.questions:,}"),
        ("arms", str(len(found.arms))),
        ("model", label(found.setting.model or "not the same")),
        ("graded", label(found.setting.grade)),
        ("detectable", _detectable(found)),
    )
    points = tuple(
        (f"{label(row.arm)} against {label(row.other)}", _difference_words(row))
        for row in found.differences
    )
    blocks: list[Block] = [Facts(facts), Prose(f"{finds(found.forecast)}.")]
    blocks += [Notice(note, "warning") for note in found.notes]
    if points:
        blocks.append(Points("What was shown", points))
    if found.claims:
        items = tuple((label(claim.arm), claim.words) for claim in found.claims)
        blocks.append(Points("What plugins say they raise", items))
    return Section(blocks=tuple(blocks))


def gains(found: Comparison, arms: Sequence[Arm]) -> Section | None:
    """Show accuracies and their differences."""
    if not found.counts.compared:
        return None
    table = _differences("differences", "Differences in accuracy", found.differences)
    blocks: list[Block] = [
        Prose(
            "Each task was run in every arm. Intervals (95%) are paired, by bootstrap over "
            "questions; p-values are exact, of the tasks that only one of two arms got right, and "
            "adjusted after Holm for all arms compared with the same one. What an arm left "
            "unanswered, asked back about or failed at counts as wrong for it."
        ),
        Chart(
            draw=lambda: _draw_differences(found.differences),
            table=table,
            words="For each pair of arms, the difference in accuracy with its interval.",
        ),
    ]
    if found.by_type:
        title = "The same within each problem type"
        blocks.append(_differences("by-type", title, found.by_type, folded=True))
    if found.judging is not None:
        bias = found.judging
        blocks.append(Notice(leaning("rubric", bias.judged, bias.agreed, bias.first) + "."))
    return Section(blocks=tuple(blocks))


def costs(found: Comparison, arms: Sequence[Arm]) -> Section | None:
    """Show what each arm got right and what it cost."""
    if not found.counts.compared:
        return None
    columns = (
        Column("arm"),
        Column("plan"),
        Column("n", "tasks", "count"),
        Column("right", "right", "count"),
        Column("accuracy", "accuracy", "share"),
        Column("low", "from", "share"),
        Column("high", "to", "share"),
        Column("unanswered", "no answer", "count"),
        Column("failed", "failed", "count"),
        Column("tokens", "tokens per task", "number"),
        Column("calls", "calls per task", "number"),
        Column("seconds", "seconds per task", "number"),
        Column("tokens_per_right", "tokens per right answer", "number"),
    )
    return Section(
        blocks=(
            Table(
                name="arms",
                title="The arms",
                columns=columns,
                rows=tuple(_arm_row(row) for row in found.arms),
                note="Seconds are those of the model's calls, added up.",
            ),
        )
    )


def _differences(
    name: str, title: str, rows: Sequence[DifferenceFigure], folded: bool = False
) -> Table:
    columns = (
        Column("arm"),
        Column("other", "against"),
        Column("problem_type", "problem type"),
        Column("n", "tasks", "count"),
        Column("difference", "difference", "points"),
        Column("low", "from", "points"),
        Column("high", "to", "points"),
        Column("only_arm", "only it right", "count"),
        Column("only_other", "only the other", "count"),
        Column("p", "p", "number"),
        Column("p_adjusted", "p (Holm)", "number"),
        Column("without_failed", "without failed", "points"),
        Column("token_ratio", "tokens, times", "number"),
        Column("verdict", "shown"),
    )
    body = tuple(
        (
            label(row.arm),
            label(row.other),
            row.problem_type or "all",
            row.n,
            row.difference,
            row.low,
            row.high,
            row.only_arm,
            row.only_other,
            row.p,
            row.p_adjusted,
            row.without_failed,
            row.token_ratio,
            verdict(row),
        )
        for row in rows
    )
    return Table(name=name, title=title, columns=columns, rows=body, folded=folded)


def _draw_differences(rows: Sequence[DifferenceFigure]) -> dict[str, Any]:
    data = [
        (f"{label(r.arm)} – {label(r.other)}", "difference", r.difference, r.low, r.high)
        for r in rows
    ]
    return interval_chart(data, ("difference",), "difference in accuracy, percentage points")


def _arm_row(row: ArmFigure) -> tuple[Cell, ...]:
    return (
        label(row.arm),
        label(row.plan, 120),
        row.n,
        row.right,
        row.accuracy,
        row.low,
        row.high,
        row.unanswered,
        row.failed,
        row.tokens,
        row.calls,
        row.seconds,
        row.tokens_per_right,
    )


def _detectable(found: Comparison) -> str:
    least = found.forecast.detectable
    return "nothing" if least is None else f"{number(100 * least)} points"


def _difference_words(row: DifferenceFigure) -> str:
    if row.difference is None or row.low is None or row.high is None:
        return "nothing to compare."
    text = (
        f"{verdict(row)}: {100 * row.difference:+.1f} points (95% {100 * row.low:+.1f} to "
        f"{100 * row.high:+.1f}), {row.only_arm:,} tasks gained and {row.only_other:,} lost"
    )
    if row.token_ratio is not None:
        text += f", for {row.token_ratio:.1f} times the tokens"
    return f"{text}."
