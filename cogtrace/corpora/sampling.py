"""Which traces people should label next, by a stated rule.

* ``random``: every trace is as likely as any other. What is needed to correct prevalence
  without an assumption (``--gold-is-random-sample``).
* ``stratified``: every stratum (type of problem, and the rarest element that is shown)
  gets at least one trace where there is room, and the rest in proportion to its size;
  within a stratum the draw is random. Each pick carries its weight, the traces it stands
  for; with these, figures are those of the whole corpus.
* ``uncertain``: traces on which the annotator is least sure come first. A pair of a trace
  and an element is as doubtful as ``4 c (1 - c)`` with c its highest confidence of a span,
  1 at a half; a score of 1 (partial) without confidences counts as a half, scores 0 and 2
  as sure. A trace is as doubtful as its elements on average. Not a fair sample.
* ``disagree``: traces on which two annotations differ most come first, by the mean
  difference of scores over the elements that both were asked about. Not a fair sample.

Ties are drawn by the seed; a text is picked once, whatever ids it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import polars as pl

from cogtrace.annotator.job import JobReader
from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES
from cogtrace.errors import JobDamaged, JobError, OptionError
from cogtrace.jobs.damage import UNREADABLE

Strategy = Literal["stratified", "random", "uncertain", "disagree"]
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)

_HALF: Final = 0.5
_NOTHING: Final = "nothing"  # in place of an element, where none is shown


@dataclass(frozen=True, slots=True)
class Pick:
    """A trace that was picked, and why."""

    trace_id: str
    why: str  # its stratum, or how doubtful it is
    weight: float | None  # traces it stands for; None: not a fair sample


def pick(
    folder: Path | str, n: int, strategy: Strategy, seed: int, other: Path | str | None = None
) -> list[Pick]:
    """Return ``n`` traces of a job, or as many as there are; texts are not read.

    The same job, rule and seed give the same traces. ``other`` is the second annotation
    that ``disagree`` needs.

    Raises:
        JobError: a folder is no job, or holds no trace.
        OptionError: ``other`` is missing or not needed, or shares nothing with the job.
    """
    if strategy == "disagree" and other is None:
        raise OptionError("--strategy disagree: give the other annotation with --and DIR")
    if strategy != "disagree" and other is not None:
        raise OptionError(f"--and: means nothing with --strategy {strategy}")
    rng = np.random.default_rng([abs(seed), int(seed < 0)])
    reader = JobReader(folder)
    traces = _traces(reader)
    if not traces.height:
        raise JobError(f"{folder}: no trace in this job")
    if strategy == "random":
        chosen = traces["trace_id"].gather(rng.permutation(traces.height)[:n])
        return [Pick(name, strategy, traces.height / len(chosen)) for name in chosen]
    if strategy == "stratified":
        return _stratified(_strata(reader, traces), n, rng)
    values = (
        _doubts(reader, traces) if other is None else _differences(reader, JobReader(other), traces)
    )
    ordered = values.with_columns(chance=pl.Series(rng.random(values.height))).sort(
        "value", "chance", descending=[True, False]
    )
    rows = ordered.head(n).select("trace_id", "value").iter_rows()
    return [Pick(name, f"{strategy} {value:.4f}", None) for name, value in rows]


def _traces(reader: JobReader) -> pl.DataFrame:
    """Return the traces of a job in order, one of each text."""
    files = reader.files(TRACES)
    if not files:
        return pl.DataFrame(schema={"trace_id": pl.String})
    frame = pl.scan_parquet(files).select("trace_id", "text_sha256", "problem_type")
    return _collect(reader, frame).unique("text_sha256", keep="first", maintain_order=True)


def _scores(reader: JobReader, traces: pl.DataFrame) -> pl.LazyFrame:
    """Return trace, element, score and the highest confidence of a span."""
    confidence = pl.col("spans").list.eval(pl.element().struct.field("confidence")).list.max()
    return (
        pl.scan_parquet(reader.files(ANNOTATIONS))
        .filter(pl.col("score").is_not_null())
        .select("trace_id", "element", pl.col("score").cast(pl.Int64), confidence=confidence)
        .join(traces.lazy(), on="trace_id", how="semi")
    )


def _doubts(reader: JobReader, traces: pl.DataFrame) -> pl.DataFrame:
    partial = pl.when(pl.col("score") == 1).then(_HALF).otherwise(1.0)
    sure = pl.col("confidence").fill_null(partial)
    doubts = (
        _scores(reader, traces)
        .group_by("trace_id")
        .agg(value=(4 * sure * (1 - sure)).mean())
        .sort("trace_id")
    )
    return _collect(reader, doubts)


def _differences(reader: JobReader, other: JobReader, traces: pl.DataFrame) -> pl.DataFrame:
    """Return how much two annotations of each trace differ, traces put together by text.

    Raises:
        OptionError: no trace, or no element of it, is in both.
    """
    theirs = _traces(other)
    if theirs.height:
        names = traces.join(theirs, on="text_sha256", suffix="_there")
        twins = names.select("trace_id", "trace_id_there").lazy()
        there = _scores(other, theirs).rename({"trace_id": "trace_id_there"})
        both = _scores(reader, traces).join(twins, on="trace_id")
        both = both.join(there, on=["trace_id_there", "element"], suffix="_there")
        apart = (pl.col("score") - pl.col("score_there")).abs().mean()
        found = _collect(reader, both.group_by("trace_id").agg(value=apart).sort("trace_id"))
        if found.height:
            return found
    some = ", ".join(repr(name) for name in traces["trace_id"].head(3))
    raise OptionError(
        f"--and {other.folder.path}: no text with an element in both; "
        f"{reader.folder.path} has {some}"
    )


def _strata(reader: JobReader, traces: pl.DataFrame) -> pl.DataFrame:
    """Return the stratum of each trace."""
    shown = _collect(reader, _scores(reader, traces).filter(pl.col("score") > 0))
    rarest = (
        shown.with_columns(count=pl.len().over("element"))
        .sort("trace_id", "count", "element")
        .group_by("trace_id", maintain_order=True)
        .agg(pl.col("element").first())
    )
    kind = pl.col("problem_type").fill_null("no type")
    element = pl.col("element").fill_null(_NOTHING)
    return traces.join(rarest, on="trace_id", how="left", maintain_order="left").select(
        "trace_id", stratum=pl.format("{} / {}", kind, element)
    )


def _stratified(strata: pl.DataFrame, n: int, rng: np.random.Generator) -> list[Pick]:
    members = dict(
        strata.group_by("stratum", maintain_order=True).agg("trace_id").sort("stratum").iter_rows()
    )
    shares = allocate({stratum: len(mine) for stratum, mine in members.items()}, n)
    found = []
    for stratum, mine in members.items():
        share = shares[stratum]
        for place in sorted(rng.permutation(len(mine))[:share]):
            found.append(Pick(mine[place], stratum, len(mine) / share))
    return found


def allocate(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Return how many to draw from each stratum.

    One each, the largest strata first where there is not room for all; what is left goes
    in proportion to size, by largest remainders, never more than there are.

    >>> allocate({"a": 90, "b": 9, "c": 1}, 10)
    {'a': 7, 'b': 2, 'c': 1}
    """
    order = sorted(sizes, key=lambda name: (-sizes[name], name))
    n = min(n, sum(sizes.values()))
    found = {name: int(place < n) for place, name in enumerate(order)}
    while (left := n - sum(found.values())) > 0:
        room = {name: sizes[name] - found[name] for name in order if found[name] < sizes[name]}
        total = sum(room.values())
        exact = {name: left * size / total for name, size in room.items()}
        for name, share in exact.items():
            found[name] += int(share)
        rest = left - sum(int(share) for share in exact.values())
        for name in sorted(exact, key=lambda name: (int(exact[name]) - exact[name], name))[:rest]:
            found[name] += found[name] < sizes[name]
    return found


def _collect(reader: JobReader, frame: pl.LazyFrame) -> pl.DataFrame:
    try:
        return frame.collect()
    except UNREADABLE as error:
        raise JobDamaged(
            f"{reader.folder.path}: cannot be read ({error}); see cogtrace verify"
        ) from error
