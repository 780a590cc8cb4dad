"""Section: what was not annotated, and why."""

from __future__ import annotations

from cogtrace.corpora.report.labels import plural
from cogtrace.corpora.report.source import ReportInput
from cogtrace.sections import Cell, Column, Prose, Section, Table


def build(report: ReportInput) -> Section:
    """Build the section."""
    reasons = [(job, reason) for job in report.jobs for reason in job.quarantine.reasons]
    if not reasons:
        return Section(blocks=(Prose("Every row of the inputs was annotated."),))
    whole = sum(reason.whole for _, reason in reasons)
    parts = sum(reason.parts for _, reason in reasons)
    return Section(
        blocks=(
            Prose(
                f"{_what(whole, parts)} All of it is in quarantine.jsonl of the job folder, with "
                "the rows as they were."
            ),
            Table(
                name="quarantine",
                title="Reasons",
                columns=(
                    Column("folder"),
                    Column("reason"),
                    Column("rows", "rows (n)", "count"),
                    Column("answers", "answers (n)", "count"),
                ),
                rows=tuple(
                    (job.folder, reason.reason, reason.whole, reason.parts)
                    for job, reason in reasons
                ),
            ),
            _examples(report),
        )
    )


def _what(whole: int, parts: int) -> str:
    rows = f"{plural(whole, 'row')} could not be annotated, and count nowhere."
    answers = (
        f"{plural(parts, 'answer')} about some elements of a trace could not be used; these "
        "elements count as not asked about."
    )
    return " ".join(text for n, text in ((whole, rows), (parts, answers)) if n)


def _examples(report: ReportInput) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            job.folder,
            example.reason,
            example.file,
            example.line,
            example.trace_id,
            None if example.elements is None else ", ".join(example.elements),
            example.message,
        )
        for job in report.jobs
        for reason in job.quarantine.reasons
        for example in reason.examples
    ]
    return Table(
        name="quarantine-examples",
        title="The first rows of each reason",
        columns=(
            Column("folder"),
            Column("reason"),
            Column("file"),
            Column("line", "line", "count"),
            Column("trace_id", "trace"),
            Column("elements"),
            Column("message"),
        ),
        rows=tuple(rows),
        folded=True,
    )
