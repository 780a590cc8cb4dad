"""Reading job folders: the two tables, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cogtrace.annotator.job import JobReader
from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES
from cogtrace.corpora.structure.corpus import UNKNOWN, Array, Builder, Corpus, Piece, offsets
from cogtrace.errors import InputError, JobDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator


def load_jobs(folders: Sequence[Path], min_score: int = 2) -> Corpus:
    """Read the committed parts of one or several job folders.

    An unfinished job is read as far as it is; the notes of the corpus say so.

    Raises:
        JobError: a folder holds no job.
        JobDamaged: a part cannot be read, or has rows of traces it does not hold.
        InputError: there is no trace, or the same one is in two of the folders.
    """
    readers = [JobReader(folder) for folder in folders]
    if len(readers) > 1:
        _require_different(readers)
    builder = Builder()
    for reader in readers:
        if reader.manifest.status != "finished":
            builder.notes.append(f"{reader.folder.path}: not finished; read as far as it is")
        for heads, details in zip(reader.files(TRACES), reader.files(ANNOTATIONS), strict=True):
            builder.add(_part(builder, heads, details, min_score))
    corpus = builder.build()
    if not corpus.traces:
        raise InputError(f"{', '.join(map(str, folders))}: no trace in it")
    return corpus


def _require_different(readers: list[JobReader]) -> None:
    files = [path for reader in readers for path in reader.files(TRACES)]
    seen = pl.scan_parquet(files).select("trace_id", "text_sha256").collect()
    twice = seen.filter(seen.is_duplicated())
    if twice.height:
        raise InputError(
            f"trace {twice['trace_id'][0]!r} is in more than one of the folders (so are "
            f"{twice['trace_id'].n_unique() - 1:,} others); each may count only once"
        )


def _part(builder: Builder, heads: Path, details: Path, min_score: int) -> Piece:
    traces = _read(heads, ["trace_id", "problem_type", "correct"])
    rows = _read(details, ["trace_id", "element", "score", "spans"])
    owner = _numbered(rows["trace_id"], traces["trace_id"], details)
    names = rows["element"].unique()
    numbers = np.array([builder.elements.number(name) for name in names], np.int32)
    element = numbers[_numbered(rows["element"], names, details)]
    shown = (rows["score"] >= min_score).to_numpy()
    spans = rows["spans"].filter(shown)
    each = spans.list.len().to_numpy()
    flat = spans.filter(each > 0).explode()
    return Piece(
        trace_type=_types(builder, traces["problem_type"]),
        correct=traces["correct"].cast(pl.Int8).fill_null(UNKNOWN).to_numpy(),
        asked=_asked(builder, owner, rows["element"], traces.height),
        owner=np.repeat(owner[shown], each),
        element=np.repeat(element[shown], each),
        start=offsets(flat.struct.field("start").to_numpy()),
        end=offsets(flat.struct.field("end").to_numpy()),
    )


def _numbered(names: pl.Series, among: pl.Series, path: Path) -> Array:
    """Return the place of each name among others.

    Raises:
        JobDamaged: one is not there.
    """
    table = pl.DataFrame({"name": among, "place": np.arange(len(among), dtype=np.int32)})
    found = names.rename("name").to_frame().join(table, on="name", how="left", maintain_order="left")
    place = found["place"]
    if place.null_count():
        lost = names.filter(place.is_null())[0]
        raise JobDamaged(f"{path}: rows of {lost!r}, which is no trace of this part")
    numbers: Array = place.to_numpy()
    return numbers


def _types(builder: Builder, column: pl.Series) -> Array:
    """Return the number of each trace's problem type; an empty one is none."""
    return np.array(
        [builder.types.number(name) if name else UNKNOWN for name in column], np.int32
    )


def _asked(builder: Builder, owner: Array, element: pl.Series, traces: int) -> Array:
    """Return for each trace the number of the set of elements it has rows of."""
    names = element.unique()
    if len(owner) == traces * len(names):  # all traces were asked about all elements
        return np.full(traces, builder.asked(names), np.int32)
    bounds = np.searchsorted(owner, np.arange(traces + 1))
    return np.array(
        [builder.asked(element[int(a) : int(b)]) for a, b in _pairs(bounds)], np.int32
    )


def _pairs(bounds: Array) -> Iterator[tuple[int, int]]:
    return zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)


def _read(path: Path, columns: list[str]) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, columns=columns)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise JobDamaged(f"{path}: cannot be read ({error}); see cogtrace verify") from error
