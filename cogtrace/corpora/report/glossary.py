"""Section: what the elements are."""

from __future__ import annotations

from cogtrace.corpora.report.labels import plural
from cogtrace.corpora.report.source import ReportInput
from cogtrace.sections import Column, Prose, Section, Table


def build(report: ReportInput) -> Section | None:
    """Build the section; None where no taxonomy can be read."""
    known = {
        element.id: element
        for job in reversed(report.jobs)
        if job.taxonomy is not None
        for element in job.taxonomy.elements
    }
    rows = [
        (report.names[name], name, report.dimensions.get(name), known[name].definition)
        for name in report.elements
        if name in known
    ]
    if not rows:
        return None
    return Section(
        blocks=(
            Prose(
                f"{plural(len(rows), 'element')} of thinking that a trace may show in its words. "
                "A score says how far: 0 absent, 1 in part, 2 clearly."
            ),
            Table(
                name="elements",
                title="Elements and their definitions",
                columns=(
                    Column("element"),
                    Column("id"),
                    Column("dimension"),
                    Column("definition"),
                ),
                rows=tuple(rows),
                folded=True,
            ),
        )
    )
