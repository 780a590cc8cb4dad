"""The sections of reports that come with cogtrace, in their order.

Nothing of a section is imported until it is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogtrace.sections import Section, SectionKind

if TYPE_CHECKING:
    from cogtrace.corpora.report import ReportInput


def summary_section(report: ReportInput) -> Section:
    """Say in words what the report is about and what stands out."""
    from cogtrace.corpora.report.summary import build

    return build(report)


def prevalence_section(report: ReportInput) -> Section:
    """Build the section on how many traces show each element."""
    from cogtrace.corpora.report.prevalence import build

    return build(report)


def trust_section(report: ReportInput) -> Section | None:
    """Build the section on what an evaluation says of the annotator."""
    from cogtrace.corpora.report.trust import build

    return build(report)


def comparison_section(report: ReportInput) -> Section | None:
    """Build the section on two sets of traces, where they are compared."""
    from cogtrace.corpora.report.comparison import build

    return build(report)


def success_section(report: ReportInput) -> Section:
    """Build the section on what goes with success."""
    from cogtrace.corpora.report.success import build

    return build(report)


def positions_section(report: ReportInput) -> Section:
    """Build the section on where elements are shown."""
    from cogtrace.corpora.report.positions import build

    return build(report)


def transitions_section(report: ReportInput) -> Section:
    """Build the section on what follows what."""
    from cogtrace.corpora.report.transitions import build

    return build(report)


def structure_section(report: ReportInput) -> Section:
    """Build the section on walks from element to element."""
    from cogtrace.corpora.report.walks import build

    return build(report)


def elements_section(report: ReportInput) -> Section | None:
    """Build the section that defines the elements."""
    from cogtrace.corpora.report.glossary import build

    return build(report)


def provenance_section(report: ReportInput) -> Section:
    """Build the section on annotators and inputs."""
    from cogtrace.corpora.report.provenance import build

    return build(report)


def quarantine_section(report: ReportInput) -> Section:
    """Build the section on what was not annotated, and why."""
    from cogtrace.corpora.report.unannotated import build

    return build(report)


SECTIONS: Final = (
    SectionKind(name="summary", title="Summary", build=summary_section),
    SectionKind(name="prevalence", title="How often elements are shown", build=prevalence_section),
    SectionKind(name="trust", title="How far to trust it", build=trust_section),
    SectionKind(name="comparison", title="Comparison", build=comparison_section),
    SectionKind(name="success", title="Elements and right answers", build=success_section),
    SectionKind(name="positions", title="Where in the text", build=positions_section),
    SectionKind(name="transitions", title="What comes next", build=transitions_section),
    SectionKind(name="structure", title="Structure", build=structure_section),
    SectionKind(name="elements", title="The elements", build=elements_section),
    SectionKind(name="provenance", title="Who annotated what", build=provenance_section),
    SectionKind(name="quarantine", title="What was not annotated", build=quarantine_section),
)
