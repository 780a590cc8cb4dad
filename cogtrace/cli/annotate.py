"""`cogtrace annotate`: traces in, a folder of annotations out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from cogtrace.cli.annotators import (
    annotator_spec,
    in_order,
    shown_options,
    taxonomy_for,
)
from cogtrace.cli.flags import BudgetFlags, EngineFlags, QuestionFlags
from cogtrace.cli.job_summary import summary
from cogtrace.cli.options import AsJson, Elements, Format, Mapping, TaxonomyFile, option
from cogtrace.errors import JobStopped, Stopped


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
    elements: Elements = None,
    annotator: Annotated[
        str | None,
        option(
            "--annotator",
            metavar="NAME",
            help="merged (wording and a small model), cue (wording alone: six times as fast), "
            "model:FOLDER (made by cogtrace train), llm, or hybrid (cues rule out what is plainly "
            "absent, a language model is asked the rest) [default: llm with --engine, else merged; "
            "cue for a taxonomy of your own].",
        ),
    ] = None,
    workers: Annotated[
        int, option("--workers", "-w", min=0, help="Processes; 0 takes one per core.")
    ] = 1,
    limit: Annotated[
        int | None,
        option("--limit", min=1, help="Only so many rows, from the first one of the order."),
    ] = None,
    order: Annotated[
        Literal["input", "random"] | None,
        option(
            "--order",
            help="random makes what is done at any moment a random sample of the input "
            "[default: random with a model, else input].",
        ),
    ] = None,
    part_traces: Annotated[
        int | None,
        option(
            "--part-traces",
            min=1,
            help="Traces per part; a kill loses at most the part in flight, but no answer of a "
            "model [default: 4096, or 1024 with a model].",
        ),
    ] = None,
    resume: Annotated[
        bool, option("--resume", help="Go on with the job in --out, or begin it.")
    ] = False,
    update: Annotated[
        bool,
        option(
            "--update",
            help="Go on with the job in --out under changed settings: makes all parts again, "
            "and asks a model only what the changes touch.",
        ),
    ] = False,
    retry: Annotated[
        bool,
        option("--retry", help="As --update, and ask again what got no usable answer."),
    ] = False,
    form: Format = None,
    mapping: Mapping = None,
    allow_quarantine: Annotated[
        bool, option("--allow-quarantine", help="Exit 0 even if rows were quarantined.")
    ] = False,
    as_json: AsJson = False,
    *,
    engine: EngineFlags,
    questions: QuestionFlags,
    budget: BudgetFlags,
) -> None:
    """Annotate traces with the elements of a taxonomy.

    Writes Parquet parts that polars and datasets read as they are, a manifest, and a
    quarantine of the rows that could not be annotated, each with its reason. A job that
    is killed at any moment goes on with `--resume`.

    **Examples**

    - `cogtrace annotate @sample --out demo-out`

    - `cogtrace annotate traces.jsonl.gz more.parquet --out out --workers 0`

    - `zcat big.jsonl.gz | cogtrace annotate - --out out --map text=response`

    - `cogtrace annotate traces.jsonl --out out --engine openai --base-url
      http://127.0.0.1:8000/v1 --model NAME` (see first what it will cost: `cogtrace plan`)

    **Exit codes**: 0 every row annotated, 1 some quarantined, 2 cannot start, 3 stopped
    early (resume), 130 interrupted (resume).
    """
    from cogtrace.annotator.job import InputRef, JobFolder, JobPlan, run_job
    from cogtrace.cli.inputs import read_inputs
    from cogtrace.cli.progress import Interrupts, JobDisplay

    folder = JobFolder(out)
    if not (resume or update or retry):
        folder.require_free()
    given = read_inputs(inputs, form, mapping)
    began = time.perf_counter()
    with Interrupts() as interrupts, JobDisplay(interrupts, quiet=as_json) as display:
        spec = annotator_spec(
            annotator,
            taxonomy_for(taxonomy, annotator),
            elements,
            engine,
            questions,
            budget,
            folder=folder,
            forget_failed=retry,
            watch=display,
        )
        with in_order(interrupts.watch(given.rows), spec, order, questions.seed, display) as (
            ordered,
            how,
            total,
        ):
            plan = JobPlan(
                folder=folder,
                spec=spec,
                inputs=tuple(
                    InputRef(path=path, bytes=source.bytes, columns=found)
                    for path, source, found in zip(
                        given.names, given.sources, given.columns, strict=True
                    )
                ),
                workers=workers or os.cpu_count() or 1,
                limit=limit,
                resume=resume or update or retry,
                update=update or retry,
                part_traces=part_traces or (1_024 if spec.kind.needs_engine else 4_096),
                order=how,
                rows_in_input=total,
                options={"limit": limit, "map": given.overrides, "format": form}
                | shown_options(spec),
            )
            display.expects(min(total, limit or total) if total is not None else None)
            try:
                manifest = run_job(plan, ordered, display.committed)
            except (JobStopped, Stopped):
                interrupts.check()  # a stop that Ctrl-C asked for is an interruption
                raise
    given.warn_of_empty()
    summary(plan, manifest, time.perf_counter() - began, display, as_json)
    if (manifest.counts.quarantined or manifest.counts.unanswered) and not allow_quarantine:
        raise typer.Exit(1)
