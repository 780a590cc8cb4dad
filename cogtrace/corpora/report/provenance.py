"""Section: who annotated what, with which taxonomy, from which inputs."""

from __future__ import annotations

from typing import Final

import msgspec

from cogtrace.corpora.report.source import Job, ReportInput
from cogtrace.sections import Block, Cell, Column, Notice, Prose, Section, Table

_LONGEST: Final = 500  # characters of an option's value


def build(report: ReportInput) -> Section:
    """Build the section."""
    blocks: list[Block] = [
        Prose(
            "Annotations with the same fingerprint come from the same annotator with the same "
            "settings; figures of folders whose fingerprints or taxonomies differ are not "
            "simply comparable."
        )
    ]
    for job in report.jobs:
        if job.taxonomy is None:
            text = f"{job.folder}: the taxonomy of this job cannot be read; elements have no names."
            blocks.append(Notice(text, "warning"))
    tables = (_jobs(report), _inputs(report), _options(report))
    return Section(blocks=(*blocks, *(table for table in tables if table.rows)))


def describe(name: str) -> str:
    """Return what an annotator of this name does, for who has never heard of it."""
    if name == "cue":
        return "finds an element by set phrases and their surroundings; no model is asked"
    if name == "merged":
        return "goes by set phrases and a small trained model, which add to each other"
    if name in ("model", "encoder"):
        return "goes by a model that was trained on labelled sentences"
    if name == "llm":
        return "asks a language model about each element"
    if name == "hybrid":
        return "rules out by wording what is plainly absent, and asks a language model the rest"
    if name.startswith("imported-"):
        return "takes over annotations that were made elsewhere"
    return "comes from a plugin"


def model_of(job: Job) -> str | None:
    """Return the language model that annotated, where one did."""
    model = job.manifest.options.get("model")
    return model if isinstance(model, str) and model else None


def _jobs(report: ReportInput) -> Table:
    sources = {source.folder: source for source in report.statistics.sources}
    body: list[tuple[Cell, ...]] = []
    for job in report.jobs:
        manifest = job.manifest
        source = sources[job.folder]
        usage = manifest.usage
        body.append(
            (
                job.folder,
                manifest.status,
                manifest.updated[:10],
                f"{manifest.annotator.name} {manifest.annotator.version}",
                model_of(job),
                manifest.annotator.fingerprint,
                f"{manifest.taxonomy.id} {manifest.taxonomy.version}",
                manifest.taxonomy.sha256[:12],
                len(manifest.elements) or None,
                source.traces,
                source.left_out,
                None if usage is None else usage.prompt_tokens + usage.completion_tokens,
                manifest.cogtrace,
            )
        )
    return Table(
        name="jobs",
        title="Job folders",
        columns=(
            Column("folder"),
            Column("status"),
            Column("updated"),
            Column("annotator"),
            Column("model"),
            Column("fingerprint"),
            Column("taxonomy"),
            Column("taxonomy_sha256", "its hash"),
            Column("elements", "elements", "count"),
            Column("traces", "traces (n)", "count"),
            Column("left_out", "left out", "count"),
            Column("tokens", "tokens", "count"),
            Column("cogtrace", "cogtrace"),
        ),
        rows=tuple(body),
        note="left out: traces that do not meet --where. The hash is cut to twelve digits.",
    )


def _inputs(report: ReportInput) -> Table:
    return Table(
        name="inputs",
        title="Inputs of the jobs",
        columns=(
            Column("folder"),
            Column("input"),
            Column("bytes", "bytes", "count"),
            Column("columns"),
        ),
        rows=tuple(
            (
                job.folder,
                given.path,
                given.bytes,
                ", ".join(f"{field} = {column}" for field, column in given.columns.items()),
            )
            for job in report.jobs
            for given in job.manifest.inputs
        ),
        folded=True,
    )


def _options(report: ReportInput) -> Table:
    return Table(
        name="options",
        title="Options of the jobs",
        columns=(Column("folder"), Column("option"), Column("value")),
        rows=tuple(
            (job.folder, name, msgspec.json.encode(value).decode()[:_LONGEST])
            for job in report.jobs
            for name, value in job.manifest.options.items()
            if value not in (None, {}, [], "")
        ),
        folded=True,
    )
