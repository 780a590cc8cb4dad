"""`cogtrace stats`: figures of one or more jobs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cogtrace.cli.console import err, out
from cogtrace.cli.options import json_file as json_option
from cogtrace.cli.options import option

if TYPE_CHECKING:
    from cogtrace.corpora.statistics import Settings


def stats(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders that were --out of `cogtrace annotate`."),
    ],
    by: Annotated[
        str | None,
        option(
            "--by",
            metavar="A,B,…",
            help="Also for each group: columns of the traces, keys of their meta, folder, "
            "annotator.",
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
            help="JSON of `cogtrace evaluate`: also show shares corrected for the annotator's "
            "errors.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        json_option("Write all figures as JSON (- for standard output)."),
    ] = None,
    parquet: Annotated[
        Path | None,
        option("--parquet", metavar="DIR", help="Write each table of figures as Parquet."),
    ] = None,
    bootstrap: Annotated[
        int, option("--bootstrap", min=0, max=100_000, help="Draws for intervals; 0: none.")
    ] = 1_000,
    seed: Annotated[int, option("--seed", help="Of the draws.")] = 0,
    min_n: Annotated[
        int, option("--min-n", min=0, help="Mark figures that rest on fewer traces.")
    ] = 20,
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

    settings = statistics_settings(by, compare, compare_by, bootstrap, seed, min_n, evaluation)
    conditions = parse_where(where or [])
    corpus = read_corpus(folders, columns=settings.columns(), where=conditions)
    correct = None
    if evaluation is not None:
        from cogtrace.corpora.evaluation.correcting import Errors
        from cogtrace.corpora.evaluation.writing import read_evaluation

        correct = Errors.of(read_evaluation(evaluation), corpus.sources)
    found = compute(corpus, settings, where or [], correct)
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


def statistics_settings(
    by: str | None,
    compare: str | None,
    compare_by: str,
    bootstrap: int,
    seed: int,
    min_n: int,
    evaluation: Path | None = None,
) -> Settings:
    """Return the settings that options of `stats` and `report` make.

    Raises:
        OptionError: they do not go together.
    """
    from cogtrace.corpora.statistics import Settings
    from cogtrace.errors import OptionError

    sides = [name.strip() for name in (compare or "").split(",")]
    if compare is not None and (len(sides) != 2 or not all(sides) or sides[0] == sides[1]):
        raise OptionError(f"--compare {compare}: give two different values, e.g. human,model")
    columns = [name.strip() for name in (by or "").split(",") if name.strip()]
    return Settings(
        by=tuple(dict.fromkeys(columns)),
        compare=None if compare is None else (sides[0], sides[1]),
        compare_by=compare_by,
        bootstrap=bootstrap,
        seed=seed,
        min_n=min_n,
        evaluation=None if evaluation is None else str(evaluation),
    )
