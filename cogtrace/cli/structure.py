"""`cogtrace structure`: how elements follow, contain and accompany each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cogtrace.cli.console import err, out
from cogtrace.cli.options import json_file as json_option
from cogtrace.cli.options import option
from cogtrace.printable import printable

if TYPE_CHECKING:
    from cogtrace.corpora.structure import Corpus, Mode, Structure, Walk

_SIGNS = {"next": "→", "contains": "⊃", "parallel": "∥"}


def structure(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...", help="Job folders (--out of `cogtrace annotate`), taken together."
        ),
    ],
    json_file: Annotated[
        Path | None,
        json_option("Write nodes, edges and walks as JSON."),
    ] = None,
    svg: Annotated[
        Path | None,
        option("--svg", metavar="DIR", help="Write a picture of each walk into this folder."),
    ] = None,
    mode: Annotated[
        Literal["corrected", "reference"],
        option("--mode", help="As the public reference computes it, or with its faults corrected."),
    ] = "corrected",
    source: Annotated[
        Literal["job", "reference"],
        option("--from", help="What DIR holds: a job, or the JSON files of the reference."),
    ] = "job",
    max_nodes: Annotated[int, option("--max-nodes", min=1, help="Elements of a walk.")] = 7,
    overlap: Annotated[
        float,
        # --overlap counts sentences in `annotate`; one variable cannot serve both.
        option(
            "--overlap",
            envvar="COGTRACE_OVERLAP_SHARE",
            min=0.0,
            max=1.0,
            help="Share that makes a span lie in another.",
        ),
    ] = 0.8,
    parallel: Annotated[
        float,
        option("--parallel", min=0.0, help="Shift of both ends, in all, of parallel spans."),
    ] = 20,
    min_score: Annotated[int, option("--min-score", min=1, max=2, help="Score that counts.")] = 2,
    min_support: Annotated[
        int | None,
        option(
            "--min-support",
            min=0,
            help="Traces that a walk needs at each step [default: 5; reference mode has none].",
        ),
    ] = None,
) -> None:
    """Show which elements follow, contain and accompany each other, and what goes with success.

    Prints the walks: → next, ⊃ contains, ∥ parallel. docs/structure.md explains them.

    Exit codes: 0 done, 1 done but something of the input was left out, 2 cannot be done.

    **Example**

    `cogtrace structure demo-out --json structure.json --svg walks`
    """
    from cogtrace.corpora.structure import Settings, analyse, write_pictures
    from cogtrace.corpora.structure.settings import MIN_SUPPORT
    from cogtrace.errors import InputError, OptionError

    if mode == "reference" and min_support is not None:
        raise OptionError(
            "--min-support: the reference has none; leave it out, or --mode corrected"
        )
    corpus = _load(folders, source, mode, min_score)
    found = analyse(
        corpus,
        Settings(
            mode=mode,
            max_nodes=max_nodes,
            overlap=overlap,
            parallel=parallel,
            min_support=MIN_SUPPORT if min_support is None else min_support,
        ),
    )
    try:
        if json_file is not None:
            json_file.write_bytes(found.json())
            err(f"written to {json_file}")
        if svg is not None:
            err(f"{len(write_pictures(found, svg))} pictures written to {svg}")
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be written ({error.strerror})") from error
    for line in _lines(found):
        out(line)
    for note in corpus.notes:
        err(f"warning: {note}")
    if corpus.notes:
        raise typer.Exit(1)


def _load(folders: list[Path], source: str, mode: Mode, min_score: int) -> Corpus:
    from cogtrace.corpora.structure import load_jobs, load_reference
    from cogtrace.errors import OptionError

    if source == "job":
        return load_jobs(folders, min_score)
    if len(folders) > 1:
        raise OptionError("--from reference takes one folder")
    return load_reference(folders[0], mode, min_score)


def _lines(found: Structure) -> list[str]:
    """Return the result in words, for people."""
    known = found.parameters
    right = known["correct_traces"]
    graded = "nobody graded them" if right is None else f"{right:,} of them right"
    head = f"{known['traces']:,} traces, {graded}"
    if known["traces_left_out"]:
        head += f"; {known['traces_left_out']:,} without a grade left out"
    kinds = len({(edge.source, edge.target, edge.relation) for edge in found.edges})
    lines = [f"{head}; {kinds:,} kinds of edges ({found.mode} mode)"]
    lines += [_walk(walk) for walk in found.walks if walk.nodes]
    without = sum(not walk.nodes for walk in found.walks)
    if without:
        lines.append(f"{without:,} walks have too few traces to begin with; see --min-support")
    return lines


def _walk(walk: Walk) -> str:
    steps = (f" {_SIGNS[step.relation]} {step.target}" for step in walk.edges)
    path = walk.nodes[0] + "".join(steps)
    return printable(f"{walk.problem_type}, {walk.variant}: {path}").replace("\n", " ")
