"""Reading job folders: the two tables, some parts at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from cogtrace.annotator.job import JobReader
from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES
from cogtrace.annotator.job.tables import bounds_column
from cogtrace.corpora.structure.corpus import (
    UNKNOWN,
    Array,
    Builder,
    Corpus,
    Names,
    Piece,
    offsets,
)
from cogtrace.errors import InputError, JobDamaged
from cogtrace.jobs.damage import UNREADABLE

_AT_ONCE: Final = 8  # parts: enough to make the cost of each call small, too few to fill memory


def load_jobs(
    folders: Sequence[Path],
    min_score: int = 2,
    *,
    kept: Sequence[Array] | None = None,
    repeated: bool = False,
) -> Corpus:
    """Read the committed parts of one or several job folders.

    An unfinished job is read as far as it is; the notes of the corpus say so.

    Args:
        folders: Job folders.
        min_score: Of an element, for its spans to count.
        kept: Per folder a boolean for each of its traces, in their order; those that it is
            too short for came later and are left out. None: all.
        repeated: A trace may be in several folders, and counts once in each.

    Raises:
        JobError: a folder holds no job.
        JobDamaged: a part cannot be read, or has rows of traces it does not hold.
        InputError: there is no trace, or the same one is in two of the folders.
    """
    readers = [JobReader(folder) for folder in folders]
    builder = Builder(min_score)
    if len(readers) > 1 and not repeated:
        _require_different(readers)
    for place, reader in enumerate(readers):
        if reader.manifest.status != "finished":
            builder.notes.append(f"{reader.folder.path}: not finished; read as far as it is")
        heads, details = reader.files(TRACES), reader.files(ANNOTATIONS)
        before = 0
        for first in range(0, len(heads), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            piece = _piece(builder, heads[some], details[some])
            traces = len(piece.trace_type)
            if kept is None:
                builder.add(piece)
            else:
                builder.add(piece.only(_part(kept[place], before, traces)))
            before += traces
    corpus = builder.build()
    if not corpus.traces:
        raise InputError(f"{', '.join(map(str, folders))}: no trace in it")
    return corpus


def _part(kept: Array, first: int, traces: int) -> Array:
    """Return which of so many traces are kept, from the first on."""
    found = np.zeros(traces, bool)
    known = kept[first : first + traces]
    found[: len(known)] = known
    return found


def _require_different(readers: list[JobReader]) -> None:
    files = [path for reader in readers for path in reader.files(TRACES)]
    seen = _read(files, ["trace_id", "text_sha256"]) if files else pl.DataFrame()
    twice = seen.filter(seen.is_duplicated()) if files else seen
    if twice.height:
        raise InputError(
            f"trace {twice['trace_id'][0]!r} is in more than one of the folders (so are "
            f"{twice['trace_id'].n_unique() - 1:,} others); each may count only once"
        )


def _piece(builder: Builder, heads: list[Path], details: list[Path]) -> Piece:
    traces = _read(heads, ["trace_id", "problem_type", "correct"])
    rows = _read(details, ["trace_id", "element", "score"])
    owner = _owners(rows["trace_id"], traces["trace_id"], details)
    element = _numbers(builder.elements, rows["element"])
    each, start, end = _spans(details, rows["score"] >= builder.min_score)
    return Piece(
        trace_type=_numbers(builder.types, traces["problem_type"].replace("", None)),
        correct=traces["correct"].cast(pl.Int8).fill_null(UNKNOWN).to_numpy(),
        asked=_asked(builder, owner, element, traces.height),
        owner=np.repeat(owner, each),
        element=np.repeat(element, each),
        start=offsets(start),
        end=offsets(end),
    )


def _spans(paths: list[Path], shown: pl.Series) -> tuple[Array, Array, Array]:
    """Return how many spans each row counts with, and the starts and ends of all of these."""
    with _reading(paths[0]):
        column = bounds_column(paths[0])
        spans = pl.read_parquet(paths, columns=[column]).to_series()
        each = spans.list.len().fill_null(0)
        if len(spans) != len(shown):
            raise JobDamaged(f"{paths[0]}: {len(shown):,} rows, but spans of {len(spans):,}")
        counts = shown & (each > 0)
        flat = spans.filter(counts).explode().struct
        start, end = flat.field("start"), flat.field("end")
    if start.null_count() or end.null_count():
        raise JobDamaged(f"{paths[0]} to {paths[-1].name}: spans without a start or an end")
    return np.where(counts.to_numpy(), each.to_numpy(), 0), start.to_numpy(), end.to_numpy()


def _owners(ids: pl.Series, traces: pl.Series, paths: list[Path]) -> Array:
    """Return the number of the trace of each row.

    Raises:
        JobDamaged: a trace is not there, or its rows are not where they belong.
    """
    runs = ids.rle().struct.unnest()  # the rows of a trace follow each other
    places = pl.DataFrame({"value": traces, "place": np.arange(len(traces), dtype=np.int32)})
    place = runs.join(places, on="value", how="left", maintain_order="left")["place"]
    where = f"{paths[0]} to {paths[-1].name}"
    if place.null_count():
        lost = runs["value"].filter(place.is_null())[0]
        raise JobDamaged(f"{where}: rows of {lost!r}, which is no trace of these parts")
    numbers = place.to_numpy()
    if (numbers[1:] <= numbers[:-1]).any():
        raise JobDamaged(f"{where}: rows are not in the order of the traces")
    owner: Array = np.repeat(numbers, runs["len"].to_numpy())
    return owner


def _numbers(names: Names, column: pl.Series) -> Array:
    """Return the number of each name in a column; UNKNOWN for null."""
    known = column.cast(pl.Enum(list(names.numbers)), strict=False)
    if known.null_count() > column.null_count():
        for name in column.filter(known.is_null()).drop_nulls().unique(maintain_order=True):
            names.number(name)
        known = column.cast(pl.Enum(list(names.numbers)))
    numbers: Array = known.to_physical().cast(pl.Int32).fill_null(UNKNOWN).to_numpy()
    return numbers


def _asked(builder: Builder, owner: Array, element: Array, traces: int) -> Array:
    """Return for each trace the number of the set of elements it has rows of."""
    names = list(builder.elements.numbers)
    used = np.flatnonzero(np.bincount(element, minlength=1))
    if len(owner) == traces * len(used):  # all traces were asked about all elements
        return np.full(traces, builder.asked(names[number] for number in used), np.int32)
    bounds = np.searchsorted(owner, np.arange(traces + 1))
    return np.array(
        [builder.asked(names[n] for n in element[a:b].tolist()) for a, b in _pairs(bounds)],
        np.int32,
    )


def _pairs(bounds: Array) -> Iterator[tuple[int, int]]:
    return zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)


def _read(paths: list[Path], columns: list[str]) -> pl.DataFrame:
    with _reading(paths[0]):
        return pl.read_parquet(paths, columns=columns)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise JobDamaged(f"{path}: cannot be read ({error}); see cogtrace verify") from error
