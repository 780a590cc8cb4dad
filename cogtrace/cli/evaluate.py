"""`cogtrace evaluate`: how well annotations agree with a gold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cogtrace.cli.console import err, out
from cogtrace.cli.options import Elements, option
from cogtrace.cli.options import json_file as json_option

if TYPE_CHECKING:
    from cogtrace.corpora.importing import Crosswalk


def evaluate(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="PRED...", help="Folders that were --out of `cogtrace annotate`."),
    ],
    gold: Annotated[
        str,
        option(
            "--gold",
            metavar="GOLD",
            help="What to compare with: a job folder, a CSV in long form (trace_id, annotator, "
            "element, score[, start, end]), annotations as JSON lines, a Label Studio export, the "
            "reference layout, or labels of people (schoenfeld, reasoningflow).",
        ),
    ],
    gold_format: Annotated[
        str | None,
        option(
            "--gold-format",
            metavar="NAME",
            help="Layout of GOLD where the file does not tell it (`cogtrace formats`).",
        ),
    ] = None,
    gold_annotator: Annotated[
        str | None,
        option(
            "--gold-annotator",
            metavar="NAME",
            help="Only this annotator of GOLD; by default all, each with the same weight.",
        ),
    ] = None,
    crosswalk: Annotated[
        Path | None,
        option(
            "--crosswalk",
            metavar="FILE",
            help="Rules that turn labels of another scheme into elements.",
        ),
    ] = None,
    relations: Annotated[
        str,
        option(
            "--relations",
            metavar="A,B,…",
            help="Which rules of the crosswalk to use: exact, close, broader, narrower, related.",
        ),
    ] = "exact,close",
    elements: Elements = None,
    by: Annotated[
        str | None,
        option(
            "--by",
            metavar="A,B,…",
            help="Also for each group: columns of the traces, keys of their meta.",
        ),
    ] = None,
    random_sample: Annotated[
        bool,
        option(
            "--gold-is-random-sample",
            help="Declare that GOLD was drawn at random from the annotated corpus; then "
            "`cogtrace stats --evaluation` can correct without assuming equal error rates.",
        ),
    ] = False,
    most: Annotated[
        int, option("--disagreements", metavar="N", min=0, help="How many to list.")
    ] = 20,
    json_file: Annotated[
        Path | None,
        json_option("Write all figures as JSON (- for standard output)."),
    ] = None,
    markdown: Annotated[
        Path | None,
        option("--markdown", metavar="FILE", help="Write the tables as Markdown."),
    ] = None,
    bootstrap: Annotated[
        int, option("--bootstrap", min=0, max=100_000, help="Draws for intervals; 0: none.")
    ] = 1_000,
    seed: Annotated[int, option("--seed", help="Of the draws.")] = 0,
    min_n: Annotated[
        int, option("--min-n", min=0, help="Mark figures that rest on fewer traces.")
    ] = 20,
) -> None:
    """Say how well annotations agree with a gold, element by element.

    Each figure stands beside that of a guess from length alone, which it has to beat, and
    beside the agreement of the gold's annotators where there are several. Intervals are at
    95 % and take all traces of a question as one observation. docs/evaluation.md says what
    each figure is, and how to get a gold that can be trusted.

    **Examples**

    - `cogtrace evaluate demo-out --gold gold.csv --json evaluation.json`

    - `cogtrace evaluate cue-out llm-out --gold labelled.jsonl --crosswalk rules.json`
    """
    from cogtrace.corpora.evaluation import Settings
    from cogtrace.corpora.evaluation import evaluate as run
    from cogtrace.corpora.evaluation.writing import write_json, write_markdown

    settings = Settings(
        gold=gold,
        form=gold_format,
        annotator=gold_annotator,
        crosswalk=_rules(crosswalk, relations),
        elements=_names(elements),
        by=_names(by),
        disagreements=most,
        random_sample=random_sample,
        bootstrap=bootstrap,
        seed=seed,
        min_n=min_n,
    )
    found = run(folders, settings)
    if markdown is not None:
        write_markdown(found, markdown)
        err(f"written to {markdown}")
    if json_file is not None and str(json_file) == "-":
        write_json(found, sys.stdout)
        return
    if json_file is not None:
        write_json(found, json_file)
        err(f"written to {json_file}")
    if json_file is None and markdown is None:
        from cogtrace.cli.evaluate_view import lines

        for line in lines(found):
            out(line)


def _rules(path: Path | None, relations: str) -> Crosswalk | None:
    if path is None:
        return None
    from cogtrace.corpora.importing.crosswalk import chosen_rules

    return chosen_rules(path, relations)


def _names(text: str | None) -> tuple[str, ...]:
    names = (name.strip() for name in (text or "").split(","))
    return tuple(dict.fromkeys(name for name in names if name))
