"""From a comparison to the file of a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from cogtrace.corpora.report import Report, ReportInput, write_report
from cogtrace.corpora.report.building import BUILT_IN, Part
from cogtrace.corpora.report.labels import label
from cogtrace.corpora.report.writing import format_of
from cogtrace.corpora.statistics import Statistics
from cogtrace.corpora.statistics.figures import TABLES
from cogtrace.corpora.structure import Structure
from cogtrace.experiments.outcomes import Arm
from cogtrace.experiments.records import Comparison
from cogtrace.experiments.report.flips import flipped
from cogtrace.experiments.report.outcome import costs, gains, summary
from cogtrace.experiments.report.pairs import rated
from cogtrace.experiments.report.reasoning import changed
from cogtrace.sections import Section

Build = Callable[[Comparison, Sequence[Arm]], Section | None]


def write(found: Comparison, arms: Sequence[Arm], path: Path) -> None:
    """Write a report.

    Raises:
        InputError: the file cannot be written.
        OptionError: what draws charts is not installed.
    """
    parts = []
    for name, title, build in _SECTIONS:
        section = build(found, arms)
        if section is not None:
            parts.append(Part(name=name, title=title, package=BUILT_IN, section=section))
    title = f"{label(found.setting.reference)} and {len(found.arms) - 1} other arms"
    report = Report(title=title, source=_source(), parts=tuple(parts))
    write_report(report, path, format_of(path))


def _source() -> ReportInput:
    """Return an input without a corpus: all that is said is in the sections."""
    empty: dict[str, Any] = {name: [] for name in TABLES}
    statistics = Statistics(parameters={"seed": 0, "min_n": 0}, sources=[], notes=[], **empty)
    structure = Structure(mode="corrected", parameters={}, nodes=(), edges=(), walks=())
    return ReportInput(
        statistics=statistics, structure=structure, structure_note="", jobs=(), max_traces=0
    )


_SECTIONS: Final[tuple[tuple[str, str, Build], ...]] = (
    ("summary", "Summary", summary),
    ("gains", "Gains", gains),
    ("costs", "Costs", costs),
    ("uptake", "What changed in the reasoning", changed),
    ("tournament", "In pairs", rated),
    ("flips", "Tasks that flipped", flipped),
)
