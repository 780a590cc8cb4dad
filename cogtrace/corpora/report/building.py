"""From the input to sections: the built-in ones and those of plugins, by the same door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cogtrace.corpora.report.checking import check_section
from cogtrace.corpora.report.labels import label
from cogtrace.corpora.report.source import ReportInput
from cogtrace.plugins import Extensions, extensions
from cogtrace.sections import Notice, Section, SectionKind

if TYPE_CHECKING:
    from collections.abc import Callable

BUILT_IN: Final = "cogtrace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section with its place in the report."""

    name: str  # of its kind, a word
    title: str
    package: str  # where it comes from, e.g. "acme-cogtrace 1.2"
    section: Section

    @property
    def built_in(self) -> bool:
        """Whether it is one of ours, so that an error in it is ours too."""
        return self.package == BUILT_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a report says, whatever its form."""

    title: str
    source: ReportInput
    parts: tuple[Part, ...]
    problems: tuple[str, ...] = ()  # sections that could not be built, for people
    missing: tuple[str, ...] = ()  # plugins that could not be loaded at all


def build_report(source: ReportInput, found: Extensions | None = None) -> Report:
    """Build all sections.

    What a plugin's section raises is shown in its place; the others stand.
    """
    found = found or extensions()
    problems: list[str] = []
    parts: list[Part] = []
    for kind in found.sections():
        part, problem = _build(kind, found.package(kind), source)
        parts += [part] if part else []
        problems += [problem] if problem else []
    return Report(
        title=_title(source),
        source=source,
        parts=tuple(parts),
        problems=tuple(problems),
        missing=tuple(
            f"{label(str(problem), 500)}; a section that it may have is missing"
            for problem in found.problems
        ),
    )


def _build(kind: SectionKind, package: str, source: ReportInput) -> tuple[Part | None, str | None]:
    """Return a section, and what is wrong with its plugin."""
    if package == BUILT_IN:
        section = kind.build(source)
        return None if section is None else _part(kind, package, section), None
    return guarded(kind, package, lambda: kind.build(source))


def guarded(
    kind: SectionKind, package: str, build: Callable[[], Section | None]
) -> tuple[Part | None, str | None]:
    """Return a plugin's section, or a notice in its place and what is wrong."""
    try:
        section = build()
        if section is None:
            return None, None
        check_section(section)
    except Exception as error:  # whatever somebody's section does, the rest of the page stands
        problem = broken(kind.name, package, error)
        return _part(kind, package, Section(blocks=(Notice(problem, "warning"),))), problem
    return _part(kind, package, section), None


def broken(name: str, package: str, error: Exception) -> str:
    """Return in words that a plugin's section cannot be shown, and why."""
    what = label(f"{type(error).__name__}: {error}", 300)
    return f"The section {label(name)!r} of {label(package)} cannot be shown: {what}"


def _part(kind: SectionKind, package: str, section: Section) -> Part:
    return Part(name=kind.name, title=kind.title, package=package, section=section)


def _title(source: ReportInput) -> str:
    return " and ".join(label(folder.name or str(folder)) for folder in source.folders[:2]) + (
        f" and {len(source.folders) - 2} more" if len(source.folders) > 2 else ""
    )
