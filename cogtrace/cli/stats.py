"""`cogtrace stats`: figures of one or more jobs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cogtrace.cli.console import err, out
from cogtrace.cli.figures import FigureFlags
from cogtrace.cli.options import json_file as json_option
from cogtrace.cli.options import option


def stats(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders that were --out of `cogtrace annotate`."),
    ],
    figures: FigureFlags,
    json_file: Annotated[
        Path | None,
        json_option("Write all figures as JSON (- for standard output)."),
    ] = None,
    parquet: Annotated[
        Path | None,
        option("--parquet", metavar="DIR", help="Write each table of figures as Parquet."),
    ] = None,
) -> None:
    """Say how often elements are shown, where, together with what, and with what success.

    Intervals are at 95 % and take all traces of a question as one observation. Without
    --json and --parquet, a table for people is printed; docs/statistics.md says what each
    figure is.

    **Example**

    `cogtrace stats demo-out --by model --compare 'human*,*' --json statistics.json`
    """
    from cogtrace.corpora.statistics import (
        compute,
        parse_where,
        read_corpus,
        write_json,
        write_parquet,
    )

    settings, where = figures.settings(), figures.where or []
    conditions = parse_where(where)
    corpus = read_corpus(folders, columns=settings.columns(), where=conditions)
    correct = None
    if figures.evaluation is not None:
        from cogtrace.corpora.evaluation.correcting import Errors
        from cogtrace.corpora.evaluation.writing import read_evaluation

        correct = Errors.of(read_evaluation(figures.evaluation), corpus.sources)
    found = compute(corpus, settings, where, correct)
    if parquet is not None:
        files = write_parquet(found, parquet)
        err(f"{len(files)} tables written to {parquet}")
    if json_file is not None and str(json_file) != "-":
        write_json(found, json_file)
        err(f"written to {json_file}")
    elif json_file is not None:
        write_json(found, sys.stdout)
    elif parquet is None:
        from cogtrace.cli.stats_view import lines

        for line in lines(found):
            out(line)
