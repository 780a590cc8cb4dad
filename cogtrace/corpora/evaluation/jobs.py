"""Job folders as sets of labels, with what is known of their traces."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cogtrace.annotator.job import JobReader, Manifest
from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES
from cogtrace.annotator.job.tables import traces_of
from cogtrace.corpora.evaluation.labels import LabelSet, Marked
from cogtrace.errors import JobDamaged
from cogtrace.jobs.damage import UNREADABLE
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Job:
    """The traces of a job that are asked for, and what it says of them."""

    folder: str
    manifest: Manifest
    taxonomy: Taxonomy
    traces: dict[str, Trace]
    sha256: dict[str, str]  # of their texts
    marked: dict[str, Marked]
    some_ids: list[str]  # the first of all that it holds, for messages

    def labels(self) -> LabelSet:
        """Return what it says as a set of labels."""
        return LabelSet(self.folder, list(self.marked.values()))


def read_job(
    folder: Path | str, ids: Collection[str] | None = None, digests: Collection[str] = ()
) -> Job:
    """Read the traces with some ids or texts (by hash), or all of them.

    Raises:
        JobError: there is no job in the folder.
        JobDamaged: the folder contradicts itself.
    """
    reader = JobReader(folder)
    traces: dict[str, Trace] = {}
    sha256: dict[str, str] = {}
    marks: dict[str, Marked] = {}
    some_ids: list[str] = []
    files = zip(reader.files(TRACES), reader.files(ANNOTATIONS), strict=True)
    for heads_file, details_file in files:
        heads = pl.scan_parquet(heads_file)
        if not some_ids:
            some_ids = _collect(heads.select("trace_id").head(6), heads_file)["trace_id"].to_list()
        if ids is not None:
            mine = pl.col("trace_id").is_in(list(ids)) | pl.col("text_sha256").is_in(list(digests))
            heads = heads.filter(mine)
        frame = _collect(heads, heads_file)
        if not frame.height:
            continue
        traces |= {trace.trace_id: trace for trace in traces_of(frame)}
        sha256 |= dict(zip(frame["trace_id"], frame["text_sha256"], strict=True))
        marks |= _marked(details_file, frame, reader.manifest.annotator.name)
    taxonomy = reader.taxonomy()
    return Job(str(folder), reader.manifest, taxonomy, traces, sha256, marks, some_ids)


def _marked(path: Path, heads: pl.DataFrame, annotator: str) -> dict[str, Marked]:
    found = {
        trace_id: Marked(trace_id, annotator, {}, {}, sha256)
        for trace_id, sha256 in zip(heads["trace_id"], heads["text_sha256"], strict=True)
    }
    for trace_id, element, score, *spans in _details(path, heads):
        row = found[trace_id]
        row.scores[element] = score
        if score > 0 and spans[0]:
            row.places[element] = list(zip(*spans, strict=True))
    return found


def _details(path: Path, heads: pl.DataFrame) -> Iterator[tuple[str, str, int, list[int]]]:
    def part(name: str) -> pl.Expr:
        return pl.col("spans").list.eval(pl.element().struct.field(name)).alias(name)

    rows = (
        pl.scan_parquet(path)
        .filter(
            pl.col("score").is_not_null() & pl.col("trace_id").is_in(heads["trace_id"].implode())
        )
        .select("trace_id", "element", "score", part("start"), part("end"), part("confidence"))
    )
    yield from _collect(rows, path).iter_rows()


def _collect(frame: pl.LazyFrame, path: Path) -> pl.DataFrame:
    try:
        return frame.collect()
    except UNREADABLE as error:
        raise JobDamaged(f"{path}: cannot be read ({error}); see cogtrace verify") from error
