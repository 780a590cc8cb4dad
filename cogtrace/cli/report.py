"""`cogtrace report`: one page about one or more jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cogtrace.cli.console import console, err
from cogtrace.cli.figures import FigureFlags
from cogtrace.cli.options import option


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders that were --out of `cogtrace annotate`."),
    ],
    figures: FigureFlags,
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
    settings = figures.settings()
    with console(stderr=True).status("reading and computing …") as status:
        source = read_input(
            folders,
            settings=settings,
            by=None if figures.by is None else settings.by,
            where=figures.where or [],
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
