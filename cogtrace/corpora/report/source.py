"""What sections are made from: figures, structure, and where both come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from cogtrace.annotator.job import JobReader, Manifest
from cogtrace.corpora.evaluation.correcting import Errors
from cogtrace.corpora.evaluation.figures import (
    AgreementFigure,
    Comparison,
    ElementFigure,
    Evaluation,
)
from cogtrace.corpora.evaluation.writing import read_evaluation
from cogtrace.corpora.report.labels import distinct, label, listed
from cogtrace.corpora.report.quarantine import Quarantine, read_quarantine
from cogtrace.corpora.statistics import Corpus, Statistics, compute, parse_where, read_corpus
from cogtrace.corpora.statistics import Settings as StatisticsSettings
from cogtrace.corpora.statistics.figures import (
    ComparisonFigure,
    CorrectedFigure,
    Group,
    GroupFigure,
    PositionFigure,
    PrevalenceFigure,
    SuccessFigure,
)
from cogtrace.corpora.structure import Structure, analyse, load_jobs
from cogtrace.errors import CogtraceError
from cogtrace.taxonomy import Taxonomy

DEFAULT_BY: Final = "model"
MOST_DEFAULT_GROUPS: Final = 30

OfElement = TypeVar(
    "OfElement",
    PrevalenceFigure,
    CorrectedFigure,
    PositionFigure,
    SuccessFigure,
    ComparisonFigure,
    ElementFigure,
    AgreementFigure,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An evaluation, and the part of it that is about the annotator of the jobs."""

    evaluation: Evaluation
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job folder that the report is about."""

    folder: str
    manifest: Manifest
    taxonomy: Taxonomy | None  # None: the folder holds none that can be read
    quarantine: Quarantine


@dataclass(frozen=True, kw_only=True)
class ReportInput:
    """All that a section may be made from; the texts of traces are not in it."""

    statistics: Statistics
    structure: Structure
    structure_note: str  # what it leaves out, or what else is to be known of it
    jobs: tuple[Job, ...]
    judged: Judged | None = None  # with --evaluation
    max_traces: int = 5_000
    folders: tuple[Path, ...] = field(default=())
    where: tuple[str, ...] = ()

    @cached_property
    def elements(self) -> tuple[str, ...]:
        """The ids of all elements, those of a taxonomy in its order."""
        known = [
            element.id
            for job in self.jobs
            if job.taxonomy is not None
            for element in job.taxonomy.elements
        ]
        shown = dict.fromkeys(row.element for row in self.statistics.prevalence)
        return tuple(name for name in dict.fromkeys([*known, *shown]) if name in shown)

    @cached_property
    def names(self) -> dict[str, str]:
        """What people call each element; safe to show, short, and no two alike."""
        known = {
            element.id: element.name
            for job in reversed(self.jobs)
            if job.taxonomy is not None
            for element in job.taxonomy.elements
        }
        names = distinct(label(known.get(element, element)) for element in self.elements)
        return dict(zip(self.elements, names, strict=True))

    @cached_property
    def dimensions(self) -> dict[str, str]:
        """The name of each element's dimension; empty where no taxonomy says."""
        found: dict[str, str] = {}
        for job in reversed(self.jobs):
            if job.taxonomy is None:
                continue
            of = {dimension.id: label(dimension.name) for dimension in job.taxonomy.dimensions}
            found |= {e.id: of[e.dimension] for e in job.taxonomy.elements}
        return found

    @cached_property
    def groups(self) -> dict[str, Group]:
        """The groups of --by by a name that is safe to show, short, and no two alike."""
        groups = [row.group for row in self.statistics.groups if row.group]
        return dict(zip(distinct(map(_group_label, groups)), groups, strict=True))

    @property
    def everything(self) -> GroupFigure:
        """The group of all traces."""
        return self.statistics.groups[0]

    @property
    def min_n(self) -> int:
        """Figures that rest on fewer traces are marked."""
        return int(self.statistics.parameters["min_n"])

    @property
    def by(self) -> str:
        """The columns of the groups, in words."""
        return listed(label(name) for name in self.statistics.parameters["by"])

    def in_order(self, rows: Iterable[OfElement]) -> list[OfElement]:
        """Return rows in the order of the elements, those of one element as they come.

        Rows of elements that the jobs do not know are left out.
        """
        place = {element: number for number, element in enumerate(self.elements)}
        known = (row for row in rows if row.element in place)
        return sorted(known, key=lambda row: place[row.element])

    def by_dimension(self, rows: Iterable[OfElement]) -> list[tuple[str, list[OfElement]]]:
        """Return rows put together by the name of their element's dimension."""
        found: dict[str, list[OfElement]] = {}
        for row in self.in_order(rows):
            found.setdefault(self.dimensions.get(row.element, ""), []).append(row)
        return list(found.items())

    @cached_property
    def _group_names(self) -> dict[bytes, str]:
        return {_key(group): name for name, group in self.groups.items()}

    def group_name(self, group: Group) -> str:
        """Return the name of a group."""
        return self._group_names[_key(group)] if group else "all traces"


def read_input(
    folders: Sequence[Path | str],
    *,
    settings: StatisticsSettings,
    by: Sequence[str] | None = None,
    where: Sequence[str] = (),
    max_traces: int = 5_000,
) -> ReportInput:
    """Read job folders and compute all figures.

    Without ``by``, groups are by model, where there are several and not too many.

    Raises:
        JobError: there is no job in a folder, or no trace in any that meets ``where``.
        JobDamaged: a folder contradicts itself.
        InputError: the evaluation cannot be read.
        OptionError: a column is nowhere in the traces, a condition has no meaning, or the
            evaluation is about another annotator.
    """
    evaluation = None if settings.evaluation is None else read_evaluation(Path(settings.evaluation))
    paths = tuple(Path(folder) for folder in dict.fromkeys(map(str, folders)))
    columns = settings.columns() + list(by if by is not None else (DEFAULT_BY,))
    corpus = read_corpus(paths, columns=columns, where=parse_where(where))
    if by is None:
        models = corpus.columns[DEFAULT_BY]
        several = 2 <= len(set(models.codes.tolist())) <= MOST_DEFAULT_GROUPS
        by = (DEFAULT_BY,) if several else ()
    settings = msgspec.structs.replace(settings, by=tuple(by))
    errors = None if evaluation is None else Errors.of(evaluation, corpus.sources)
    structure, note = _structure(corpus)
    return ReportInput(
        statistics=compute(corpus, settings, where, errors),
        structure=structure,
        structure_note=note,
        jobs=tuple(_job(path) for path in paths),
        judged=Judged(evaluation=evaluation, comparison=errors.comparison)
        if evaluation is not None and errors is not None
        else None,
        max_traces=max_traces,
        folders=paths,
        where=tuple(where),
    )


def _structure(corpus: Corpus) -> tuple[Structure, str]:
    """Return the structure of the traces that the statistics are about."""
    found = load_jobs(
        [Path(source.folder) for source in corpus.sources],
        kept=[source.kept for source in corpus.sources],
        repeated=True,
    )
    return analyse(found), " ".join(found.notes)


def _job(path: Path) -> Job:
    reader = JobReader(path)
    try:
        taxonomy = reader.taxonomy()
    except CogtraceError:
        # Figures do without it; the section on provenance says that it is missing.
        taxonomy = None
    return Job(
        folder=str(path),
        manifest=reader.manifest,
        taxonomy=taxonomy,
        quarantine=read_quarantine(reader),
    )


def _group_label(group: Group) -> str:
    return label(" · ".join("(none)" if value is None else value for value in group.values()))


def _key(group: Group) -> bytes:
    return msgspec.json.encode(sorted(group.items()))
