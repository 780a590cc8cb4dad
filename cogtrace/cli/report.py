"""`cogtrace report`: one page about one or more jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cogtrace.cli.console import console, err
from cogtrace.cli.options import option
from cogtrace.cli.stats import statistics_settings


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders that were --out of `cogtrace annotate`."),
    ],
    target: Annotated[
        Path,
        option(
            "--out",
            "-o",
            metavar="FILE",
            envvar="COGTRACE_REPORT",
            help="The report; - for standard output (md and json).",
        ),
    ] = Path("report.html"),
    form: Annotated[
        Literal["html", "md", "json"] | None,
        option(
            "--format",
            envvar="COGTRACE_REPORT_FORMAT",
            help="A page, Markdown or JSON [default: by the name of FILE].",
        ),
    ] = None,
    by: Annotated[
        str | None,
        option(
            "--by",
            metavar="A,B,…",
            help="Groups: columns of the traces, keys of their meta, folder, annotator "
            "[default: model, where there are 2 to 30].",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        option(
            "--where",
            metavar="COLUMN=VALUE,…",
            help="Only these traces; also != < <= > >=, shell patterns, null. Repeat as needed.",
        ),
    ] = None,
    compare: Annotated[
        str | None,
        option(
            "--compare",
            metavar="A,B",
            help="Compare two values of a column, raw and at equal length; shell patterns are "
            "allowed: `human_*,*` is people against all others.",
        ),
    ] = None,
    compare_by: Annotated[
        str, option("--compare-by", metavar="COLUMN", help="The column of --compare.")
    ] = "model",
    evaluation: Annotated[
        Path | None,
        option(
            "--evaluation",
            metavar="FILE",
            help="JSON of `cogtrace evaluate`: also show how far the annotator can be trusted, and "
            "shares corrected for its errors.",
        ),
    ] = None,
    bootstrap: Annotated[
        int, option("--bootstrap", min=0, max=100_000, help="Draws for intervals; 0: none.")
    ] = 1_000,
    seed: Annotated[int, option("--seed", help="Of the draws, and of the traces shown.")] = 0,
    min_n: Annotated[
        int, option("--min-n", min=0, help="Mark figures that rest on fewer traces.")
    ] = 20,
    max_traces: Annotated[
        int,
        option(
            "--max-traces", min=0, help="Traces to read on the page; of more, a sample. 0: none."
        ),
    ] = 5_000,
) -> None:
    """Make a report: what stands out in words, charts with their tables, the traces themselves.

    The page is one file. It opens from disk, loads nothing, and can be sent to anybody who
    may read the traces, for it holds them. docs/report.md explains it.

    Exit codes: 0 done, 1 done but a plugin's section could not be shown, 2 cannot be done.

    **Example**

    `cogtrace report demo-out -o report.html --compare 'human*,*'`
    """
    from cogtrace.corpora.report import build_report, read_input, write_report
    from cogtrace.corpora.report.writing import format_of
    from cogtrace.errors import OptionError

    form = form or format_of(target)
    if form == "html":
        from cogtrace.corpora.report.charts import altair

        if str(target) == "-":
            raise OptionError("-o -: a page goes to a file; --format md or json can be printed")
        altair()  # missed before the work, not after it
    settings = statistics_settings(by, compare, compare_by, bootstrap, seed, min_n, evaluation)
    with console(stderr=True).status("reading and computing …") as status:
        source = read_input(
            folders,
            settings=settings,
            by=None if by is None else settings.by,
            where=where or [],
            max_traces=max_traces,
        )
        status.update("writing the report …")
        made = build_report(source)
        problems = write_report(made, target, form)
    if str(target) != "-":
        err(f"written to {target}")
    for problem in (*made.missing, *problems):
        err(f"warning: {problem}")
    if problems:
        raise typer.Exit(1)
