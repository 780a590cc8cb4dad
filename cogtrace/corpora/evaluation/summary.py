"""The whole evaluation: predictions and a gold in, a document of figures out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cogtrace.annotator.job import JobReader
from cogtrace.corpora.evaluation.aligning import Matched, align, match
from cogtrace.corpora.evaluation.comparing import Settings, agreement, compare
from cogtrace.corpora.evaluation.figures import Comparison, Evaluation, Gold
from cogtrace.corpora.evaluation.gold import read_gold
from cogtrace.corpora.evaluation.jobs import Job, read_job
from cogtrace.corpora.evaluation.labels import LabelSet
from cogtrace.corpora.statistics.bootstrap import LEVEL
from cogtrace.errors import InputError, JobError, OptionError
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy

_FEW: Final = 10  # clusters


def evaluate(folders: Sequence[Path | str], settings: Settings) -> Evaluation:
    """Compare the annotations in job folders with a gold.

    The same folders, gold, settings and seed give the same figures.

    Raises:
        InputError: the gold cannot be read, or no trace of it is in a folder.
        JobError: a folder is no job, or the folders are of different taxonomies.
        OptionError: an option has no meaning here.
        UnknownElement: a label of the gold, or of the options, is no element.
    """
    names = list(dict.fromkeys(map(str, folders)))
    taxonomy = _taxonomy(names)
    gold = _gold(names, taxonomy, settings)
    wanted = [taxonomy.element(name).id for name in settings.elements]
    comparisons: list[Comparison] = []
    notes = list(gold.notes)
    first: Matched | None = None
    for name in names:
        matched = match(_job(name, gold), gold)
        first = first or matched
        notes += _about(matched)
        elements = _elements(matched, taxonomy, wanted)
        comparisons += compare(matched, align(matched, elements), settings)
    if first is None:
        raise OptionError("nothing to evaluate; give at least one folder")
    mutual, overall = agreement(first, _elements(first, taxonomy, wanted), settings)
    notes += _warnings(comparisons, settings)
    return Evaluation(
        taxonomy=first.job.manifest.taxonomy,
        parameters=_parameters(settings),
        gold=Gold(
            source=gold.source,
            annotators=gold.annotators,
            traces=len({row.trace_id for row in gold.rows}),
            unmatched=len(first.unmatched),
            random_sample=settings.random_sample,
        ),
        notes=list(dict.fromkeys(notes)),
        agreement=mutual,
        agreement_overall=overall,
        comparisons=comparisons,
    )


def _taxonomy(names: list[str]) -> Taxonomy:
    """Return the taxonomy of all folders.

    Raises:
        JobError: they differ.
    """
    readers = [JobReader(name) for name in names]
    for reader in readers[1:]:
        if reader.manifest.taxonomy.id != readers[0].manifest.taxonomy.id:
            raise JobError(
                f"{reader.folder.path}: annotated with the taxonomy "
                f"{reader.manifest.taxonomy.id!r}, {names[0]} with "
                f"{readers[0].manifest.taxonomy.id!r}; evaluate them one by one"
            )
    if not readers:
        raise OptionError("nothing to evaluate; give at least one folder")
    return readers[0].taxonomy()


def _gold(names: list[str], taxonomy: Taxonomy, settings: Settings) -> LabelSet:
    def texts() -> list[Trace]:
        return [trace for name in names for trace in read_job(name).traces.values()]

    gold = read_gold(
        settings.gold, taxonomy, form=settings.form, crosswalk=settings.crosswalk, texts=texts
    )
    return gold if settings.annotator is None else gold.only(settings.annotator)


def _job(name: str, gold: LabelSet) -> Job:
    ids = {row.trace_id for row in gold.rows}
    digests = {row.sha256 for row in gold.rows if row.sha256 is not None}
    return read_job(name, ids, digests)


def _elements(matched: Matched, taxonomy: Taxonomy, wanted: list[str]) -> list[str]:
    """Return the elements that both sides were asked about in some trace.

    Raises:
        InputError: there is none.
    """
    theirs = {name for row in matched.rows for name in row.scores}
    ours = {name for mine in matched.job.marked.values() for name in mine.scores}
    found = [
        name
        for name in taxonomy.element_ids
        if name in theirs & ours and (not wanted or name in wanted)
    ]
    if not found:
        raise InputError(
            f"no element was asked about on both sides: the gold has "
            f"{', '.join(sorted(theirs)[:8]) or 'none'}; {matched.job.folder} has "
            f"{', '.join(sorted(ours)[:8]) or 'none'}"
        )
    return found


def _about(matched: Matched) -> list[str]:
    notes = []
    folder = matched.job.folder
    if matched.unmatched:
        notes.append(f"{len(matched.unmatched):,} traces of the gold are not in {folder}.")
    if matched.differing:
        notes.append(
            f"{len(matched.differing):,} traces of the gold have another text in {folder}; they "
            "are left out."
        )
    scores = {score for row in matched.rows for score in row.scores.values()}
    if scores == {0, 2}:
        notes.append(
            "The gold has no score of 1, as labels without strength have none: presence tells "
            "more than kappa and alpha do, for a predicted 1 counts as a difference there."
        )
    return notes


def _warnings(comparisons: list[Comparison], settings: Settings) -> list[str]:
    notes = []
    everything = [found for found in comparisons if not found.group]
    if any(found.clusters < _FEW for found in everything):
        notes.append("With fewer than ten questions the intervals are too narrow.")
    small = {entry.element for found in everything for entry in found.elements if entry.small}
    if small:
        notes.append(f"{len(small):,} elements rest on fewer than {settings.min_n} traces.")
    return notes


def _parameters(settings: Settings) -> dict[str, Any]:
    crosswalk = settings.crosswalk
    return {
        "by": list(settings.by),
        "elements": list(settings.elements),
        "gold_format": settings.form,
        "gold_annotator": settings.annotator,
        "crosswalk": None
        if crosswalk is None
        else {
            "scheme": crosswalk.scheme,
            "sha256": crosswalk.sha256,
            "relations": sorted({rule.relation for rule in crosswalk.rules}),
        },
        "bootstrap": settings.bootstrap,
        "seed": settings.seed,
        "min_n": settings.min_n,
        "confidence_level": LEVEL,
        "clusters": "question",
    }
