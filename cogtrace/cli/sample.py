"""`cogtrace sample`: which traces people should label next."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cogtrace.cli.console import err
from cogtrace.cli.options import JobDir, option

if TYPE_CHECKING:
    from cogtrace.annotator.job import JobReader
    from cogtrace.corpora.sampling import Pick, Strategy
    from cogtrace.records import Annotation, Trace

    Pairs = Iterable[tuple[Trace, Annotation]]

_FORMS = ("jsonl", "label-studio")


def sample(
    folder: JobDir,
    n: Annotated[int, option("--n", metavar="N", min=1, help="How many traces.")] = 200,
    strategy: Annotated[
        str,
        option(
            "--strategy",
            metavar="RULE",
            help="stratified: a fair sample over types of problem and elements, with weights; "
            "random: a simple one; uncertain: where the annotator is least sure; disagree: where "
            "--and differs most.",
        ),
    ] = "stratified",
    other: Annotated[
        Path | None,
        option("--and", metavar="DIR", help="Another job on the same traces, for disagree."),
    ] = None,
    form: Annotated[
        str,
        option(
            "--to",
            metavar="FORM",
            envvar="COGTRACE_SAMPLE_TO",
            help="jsonl: the traces; label-studio: tasks, the annotations as predictions.",
        ),
    ] = "jsonl",
    output: Annotated[
        Path | None,
        option("--output", "-o", metavar="FILE", help="Standard output by default."),
    ] = None,
    seed: Annotated[int, option("--seed", help="Of all chance.")] = 0,
) -> None:
    """Pick the traces that people should label next.

    Every pick says why it was picked and, if the sample is fair, how many traces it stands
    for: under `cogtrace_sample` in its meta. A text is picked once. docs/evaluation.md says
    which rule is for what.

    **Examples**

    - `cogtrace sample demo-out --n 20 --to label-studio -o tasks.json`

    - `cogtrace sample cue-out --strategy disagree --and llm-out --n 50 -o traces.jsonl`
    """
    from cogtrace.corpora.sampling import pick
    from cogtrace.corpora.writers.saving import save
    from cogtrace.errors import OptionError

    if form not in _FORMS:
        raise OptionError(f"--to {form}: unknown; there is {', '.join(_FORMS)}")
    rule = _strategy(strategy)
    picks = pick(folder, n, rule, seed, other)
    pieces = _pieces(folder, picks, rule, form)
    if output is None:
        sys.stdout.writelines(pieces)
    else:
        save(pieces, output)
    err(f"{len(picks):,} traces picked{'' if output is None else f', written to {output}'}")


def _strategy(name: str) -> Strategy:
    from cogtrace.corpora.sampling import STRATEGIES
    from cogtrace.errors import OptionError

    for known in STRATEGIES:
        if known == name:
            return known
    raise OptionError(f"--strategy {name}: unknown; there is {', '.join(STRATEGIES)}")


def _pieces(folder: Path, picks: list[Pick], strategy: Strategy, form: str) -> Iterator[str]:
    import msgspec

    from cogtrace.annotator.job import JobReader

    reader = JobReader(folder)
    pairs = _picked(reader, picks, strategy)
    if form == "label-studio":
        from cogtrace.corpora.writers.label_studio import to_label_studio

        yield from to_label_studio(pairs, reader.taxonomy())
        return
    for trace, _ in pairs:
        yield msgspec.json.encode(trace).decode() + "\n"


def _picked(reader: JobReader, picks: list[Pick], strategy: Strategy) -> Pairs:
    """Yield the picked traces with why they were picked, in the order of the picks."""
    import msgspec

    wanted = [one.trace_id for one in picks]
    found = {trace.trace_id: (trace, annotation) for trace, annotation in reader.pairs(wanted)}
    for one in picks:
        trace, annotation = found[one.trace_id]
        why = {"strategy": strategy, "why": one.why, "weight": one.weight}
        meta = {**trace.meta, "cogtrace_sample": why}
        yield msgspec.structs.replace(trace, meta=meta), annotation
