"""`cogtrace annotate`: traces in, a folder of annotations out."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cogtrace.cli.console import err, out_json
from cogtrace.cli.options import AsJson, TaxonomyFile, option
from cogtrace.errors import OptionError

if TYPE_CHECKING:
    from cogtrace.annotator.job import JobPlan, Manifest
    from cogtrace.corpora.readers import Input
    from cogtrace.taxonomy import Taxonomy


def annotate(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Files of traces: .jsonl, .json, .csv, .tsv, .parquet, also .gz and .zst; "
            "- for standard input; @sample for the bundled corpus.",
        ),
    ],
    out: Annotated[Path, option("--out", "-o", metavar="DIR", help="Folder for the result.")],
    taxonomy: TaxonomyFile = None,
    elements: Annotated[
        str | None,
        option("--elements", metavar="A,B,…", help="Only these elements."),
    ] = None,
    annotator: Annotated[
        str, option("--annotator", metavar="NAME", help="How to annotate: cue.")
    ] = "cue",
    workers: Annotated[
        int, option("--workers", "-w", min=0, help="Processes; 0 takes one per core.")
    ] = 1,
    limit: Annotated[
        int | None,
        option("--limit", min=1, help="Read only the first rows."),
    ] = None,
    part_traces: Annotated[
        int,
        option(
            "--part-traces", min=1, help="Traces per part; a kill loses at most the part in flight."
        ),
    ] = 4_096,
    resume: Annotated[
        bool, option("--resume", help="Go on with the job in --out, or begin it.")
    ] = False,
    form: Annotated[
        str | None,
        option("--format", metavar="NAME", help="Format of the inputs, if the name tells none."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Which column is which field, e.g. text=response; repeat as needed. "
            "Dots lead into nested values: text=messages.1.content.",
        ),
    ] = None,
    allow_quarantine: Annotated[
        bool, option("--allow-quarantine", help="Exit 0 even if rows were quarantined.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Annotate traces with the elements of a taxonomy.

    Writes Parquet parts that polars and datasets read as they are, a manifest, and a
    quarantine of the rows that could not be annotated, each with its reason. A job that
    is killed at any moment goes on with `--resume`.

    **Examples**

    - `cogtrace annotate @sample --out demo-out`

    - `cogtrace annotate traces.jsonl.gz more.parquet --out out --workers 0`

    - `zcat big.jsonl.gz | cogtrace annotate - --out out --map text=response`

    **Exit codes**: 0 every row annotated, 1 some quarantined, 2 cannot start, 3 stopped
    early (resume), 130 interrupted (resume).
    """
    from cogtrace.annotator.job import InputRef, JobFolder, JobPlan, run_job
    from cogtrace.annotator.registry import AnnotatorSpec
    from cogtrace.cli.progress import Interrupts, JobDisplay
    from cogtrace.corpora.readers import open_inputs, parse_mapping, preview, read_traces
    from cogtrace.corpora.sample import SAMPLE_NAME, sample_path
    from cogtrace.taxonomy import load_taxonomy

    overrides = parse_mapping(mapping or [])
    paths = [str(sample_path()) if path == SAMPLE_NAME else path for path in inputs]
    sources = open_inputs(paths, form)
    folder = JobFolder(out)
    if not resume:
        folder.require_free()
    rows = read_traces(sources, overrides)
    # The first row is read before anything is written: a stream shows its columns late.
    rows = itertools.chain(list(itertools.islice(rows, 1)), rows)
    columns = [source.columns or preview(source, overrides) for source in sources]
    plan = JobPlan(
        folder=folder,
        spec=AnnotatorSpec(annotator, _chosen(load_taxonomy(taxonomy), elements)),
        inputs=tuple(
            InputRef(path=path, bytes=source.bytes, columns=found)
            for path, source, found in zip(inputs, sources, columns, strict=True)
        ),
        workers=workers or os.cpu_count() or 1,
        limit=limit,
        resume=resume,
        part_traces=part_traces,
        options={"limit": limit, "map": overrides, "format": form},
    )
    _show_columns(sources, columns)
    began = time.perf_counter()
    with Interrupts() as interrupts, JobDisplay(interrupts, quiet=as_json) as display:
        manifest = run_job(plan, interrupts.watch(rows), display.committed)
    for source in sources:
        if not source.rows:
            err(f"warning: {source.path}: no rows in it")
    _summary(plan, manifest, time.perf_counter() - began, display.bytes_now, as_json)
    if manifest.counts.quarantined and not allow_quarantine:
        raise typer.Exit(1)


def _chosen(taxonomy: Taxonomy, elements: str | None) -> Taxonomy:
    """Return the taxonomy, cut down to the elements asked for."""
    if elements is None:
        return taxonomy
    names = [name.strip() for name in elements.split(",") if name.strip()]
    if not names:
        raise OptionError(f"--elements {elements}: names no element")
    return taxonomy.only(names)


def _show_columns(sources: list[Input], columns: list[dict[str, str]]) -> None:
    shown = set()
    for source, found in zip(sources, columns, strict=True):
        text = ", ".join(f"{name}={column}" for name, column in found.items())
        if text and text not in shown:
            err(f"{Path(source.path).name}: columns {text}")
            shown.add(text)


def _summary(
    plan: JobPlan, manifest: Manifest, seconds: float, bytes_now: int, as_json: bool
) -> None:
    counts = manifest.counts
    rate = bytes_now / 1e6 / seconds if seconds else 0.0
    if as_json:
        from msgspec import to_builtins

        out_json(to_builtins(manifest) | {"out": str(plan.folder.path), "mb_per_s": round(rate, 2)})
        return
    err(
        f"{counts.traces:,} traces, {counts.sentences:,} sentences, {counts.spans:,} spans, "
        f"{counts.duplicates:,} duplicates, {counts.quarantined:,} quarantined; "
        f"{bytes_now / 1e6:.1f} MB in {seconds:.1f} s ({rate:.1f} MB/s)"
    )
    if counts.quarantined:
        from cogtrace.annotator.job import JobReader

        reasons: dict[str, int] = {}
        first: dict[str, str] = {}
        for row in JobReader(plan.folder).quarantined():
            reasons[row.reason] = reasons.get(row.reason, 0) + 1
            first.setdefault(row.reason, f"{row.file}:{row.line}: {row.message}")
        for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
            err(f"  quarantined {count:,} {reason}, first at {first[reason]}")
        err(f"  all of them with their reasons: {plan.folder.quarantine}")
    err(f"written to {plan.folder.path}; look at one with: cogtrace show {plan.folder.path}")
