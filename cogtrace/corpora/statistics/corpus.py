"""Job folders as arrays: what statistics need of every trace, and no text.

Parts are scanned lazily, some at a time, so that memory grows by a few hundred bytes per
trace whatever the length of the texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from cogtrace.annotator.job import JobReader, Manifest
from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES
from cogtrace.annotator.job.tables import bounds_column
from cogtrace.corpora.statistics.arrays import Array
from cogtrace.corpora.statistics.selecting import (
    ANNOTATOR,
    FOLDER,
    LENGTH,
    Codes,
    Condition,
    in_table,
    meta_text,
    require_known,
)
from cogtrace.corpora.statistics.showing import Shown, showing
from cogtrace.errors import JobDamaged, JobError
from cogtrace.jobs.damage import UNREADABLE

QUESTION_IDS: Final = ("question_id", "problem_id", "qid")  # keys of meta

_ROWS: Final = 8_192  # traces at a time, about
_BYTES: Final = 48_000_000  # of their text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the traces: a number per trace, and the value each number stands for."""

    codes: Array
    values: list[str | None]


@dataclass(frozen=True, slots=True)
class Source:
    """A job folder that was read."""

    folder: str
    manifest: Manifest
    traces: int  # that were kept
    left_out: int  # by conditions
    kept: Array  # a boolean for each trace of the folder, in their order


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is known of every trace. First axis: traces; second: elements."""

    elements: list[str]
    sources: list[Source]
    columns: dict[str, Column]
    cluster: Array  # number of the question
    by_question: Array  # False: without a question, a cluster of its own
    length: Array  # code points
    correct: Array  # 1 right, 0 wrong, -1 unknown
    repeated: int  # texts that are in more than one folder
    shown: Shown

    @property
    def score(self) -> Array:
        """Scores; -1 where an element was not asked about or not answered."""
        return self.shown.score


@dataclass(slots=True)
class _Gathered:
    """What was read so far."""

    names: list[str]
    heads: list[tuple[Array, Array, Array, Array]] = field(default_factory=list)
    columns: dict[str, list[Array]] = field(default_factory=dict)
    codes: dict[str, Codes] = field(default_factory=dict)
    clusters: Codes = field(default_factory=Codes)
    shown: list[Shown] = field(default_factory=list)
    kept: list[Array] = field(default_factory=list)  # of the folder that is read
    known: dict[str, bool] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)


def read_corpus(
    folders: Sequence[Path | str],
    columns: Sequence[str] = (),
    where: Sequence[Condition] = (),
) -> Corpus:
    """Read job folders, with the columns that will be asked for.

    Raises:
        JobError: there is no job in a folder, or no trace in any that meets ``where``.
        JobDamaged: a folder contradicts itself.
        OptionError: a column is nowhere in the traces.
    """
    readers = [JobReader(folder) for folder in dict.fromkeys(map(str, folders))]
    elements = _elements(readers)
    names = list(dict.fromkeys([*columns, *(condition.column for condition in where)]))
    found = _Gathered(names=names, codes={name: Codes() for name in names})
    sources = []
    texts: list[set[str]] = []
    for reader in readers:
        found.kept = [np.zeros(0, dtype=bool)]
        texts.append(set())
        for heads, details in _chunks(reader):
            frame = _heads(heads, [name for name in names if in_table(name)])
            frame = _keep(reader, frame, where, found)
            if len(readers) > 1:
                texts[-1].update(frame["text_sha256"])
            found.shown.append(_details(details, frame, elements))
        kept = np.concatenate(found.kept)
        traces = int(kept.sum())
        left_out = len(kept) - traces
        sources.append(Source(str(reader.folder.path), reader.manifest, traces, left_out, kept))
    if any(source.traces or source.left_out for source in sources):
        require_known(names, found.known, found.keys)
    if not any(source.traces for source in sources):
        what = "no trace meets --where" if where else "no trace in this job"
        raise JobError(f"{', '.join(source.folder for source in sources)}: {what}")
    repeated = sum(map(len, texts)) - len(set().union(*texts))
    return _corpus(elements, sources, found, repeated)


def _elements(readers: Sequence[JobReader]) -> list[str]:
    """Return the elements asked about, in the order of the manifests."""
    names = dict.fromkeys(name for reader in readers for name in reader.manifest.elements)
    for reader in readers:
        files = reader.files(ANNOTATIONS)
        if files:
            there = _collect(pl.scan_parquet(files).select(pl.col("element").unique()), files)
            names |= dict.fromkeys(sorted(there["element"]))
    return list(names)


def _chunks(reader: JobReader) -> Iterator[tuple[list[Path], list[Path]]]:
    """Yield the files of both tables, a bounded amount of text at a time."""
    heads: list[Path] = []
    details: list[Path] = []
    rows = size = 0
    for entry in reader.entries:
        heads += [reader.folder.path / f.table / f.name for f in entry.files if f.table == TRACES]
        details += [
            reader.folder.path / f.table / f.name for f in entry.files if f.table == ANNOTATIONS
        ]
        rows += entry.traces
        size += entry.text_bytes
        if rows >= _ROWS or size >= _BYTES:
            yield heads, details
            heads, details, rows, size = [], [], 0, 0
    if heads:
        yield heads, details


def _heads(files: list[Path], names: list[str]) -> pl.DataFrame:
    wanted = ["trace_id", "text_sha256", "question", "correct", "meta"]
    return _collect(
        pl.scan_parquet(files).select(
            *wanted,
            *(pl.col(name).cast(pl.String).alias(f"={name}") for name in names),
            pl.col("text").str.len_chars().cast(pl.Int64).alias(LENGTH),
        ),
        files,
    )


def _keep(
    reader: JobReader, frame: pl.DataFrame, where: Sequence[Condition], found: _Gathered
) -> pl.DataFrame:
    """Return the traces that meet the conditions, and note what is known of them."""
    metas: list[dict[str, Any]] | None = None
    if not all(in_table(name) for name in found.names) or _needs_ids(frame):
        metas = [msgspec.json.decode(text) if text else {} for text in frame["meta"]]
    keep = np.ones(frame.height, dtype=bool)
    codes = {}
    for name in found.names:
        values = _values(reader, frame, metas, name, found)
        codes[name] = found.codes[name].numbers(values)
        for condition in where:
            if condition.column == name:
                holds = np.array([condition.holds(v) for v in found.codes[name].values()])
                keep &= holds[codes[name]] if frame.height else True
    for name, numbers in codes.items():
        found.columns.setdefault(name, []).append(numbers[keep])
    questions = _questions(frame, metas)
    found.kept.append(keep)
    frame = frame.filter(keep)
    mine = [question for question, kept in zip(questions, keep, strict=True) if kept]
    correct = frame["correct"].cast(pl.Int8).fill_null(-1).to_numpy()
    found.heads.append(
        (
            found.clusters.numbers(mine),
            np.array([key[0] == "question" for key in mine], dtype=bool),
            frame[LENGTH].to_numpy(),
            correct,
        )
    )
    return frame


def _values(
    reader: JobReader,
    frame: pl.DataFrame,
    metas: list[dict[str, Any]] | None,
    name: str,
    found: _Gathered,
) -> list[str | None]:
    """Return a column as text."""
    if in_table(name):
        found.known[name] = True
        return frame[f"={name}"].to_list()
    derived = {
        FOLDER: [str(reader.folder.path)] * frame.height,
        ANNOTATOR: [reader.manifest.annotator.name] * frame.height,
    }
    if name in derived or name == LENGTH:
        found.known[name] = True
        return [*derived[name]] if name in derived else [str(n) for n in frame[LENGTH]]
    values = [meta_text(meta, name) for meta in metas or []]
    if any(value is not None for value in values):
        found.known[name] = True
    elif len(found.keys) < 100:
        found.keys.update(key for meta in metas or [] for key in meta)
    return values


def _needs_ids(frame: pl.DataFrame) -> bool:
    blank = pl.col("question").fill_null("").str.strip_chars() == ""
    return bool(frame.select(blank.any()).item()) if frame.height else False


def _questions(
    frame: pl.DataFrame, metas: list[dict[str, Any]] | None
) -> list[tuple[str, bytes | str]]:
    """Return what each trace is put together by: its question, or else its own text."""
    keys: list[tuple[str, bytes | str]] = []
    questions = frame["question"].fill_null("").str.strip_chars()
    for row, (question, text) in enumerate(zip(questions, frame["text_sha256"], strict=True)):
        known = question
        if not known and metas is not None:
            ids = (meta_text(metas[row], name) for name in QUESTION_IDS)
            known = next((f"\0{value}" for value in ids if value), "")
        if known:
            digest = hashlib.blake2b(known.encode("utf-8", "surrogatepass"), digest_size=16)
            keys.append(("question", digest.digest()))
        else:
            keys.append(("trace", text))
    return keys


def _details(files: list[Path], frame: pl.DataFrame, elements: list[str]) -> Shown:
    """Return what the kept traces show, from the annotations of the same parts."""
    rows = frame.select("trace_id").with_row_index("row")
    codes = pl.LazyFrame({"element": elements}, schema={"element": pl.String})
    found = (
        pl.scan_parquet(files)
        .select("trace_id", "element", "score", spans=bounds_column(files[0]))
        .filter(pl.col("score").is_not_null())
        .join(rows.lazy(), on="trace_id", maintain_order="left")
        .join(codes.with_row_index("code"), on="element", maintain_order="left")
        .select(pl.col("row", "code").cast(pl.Int64), "score", "spans")
    )
    return showing(_collect(found, files), frame[LENGTH].to_numpy(), len(elements))


def _corpus(elements: list[str], sources: list[Source], found: _Gathered, repeated: int) -> Corpus:
    cluster, by_question, length, correct = (
        np.concatenate(parts) for parts in zip(*found.heads, strict=True)
    )
    return Corpus(
        elements=elements,
        sources=sources,
        columns={
            name: Column(np.concatenate(parts), found.codes[name].values())
            for name, parts in found.columns.items()
        },
        cluster=cluster,
        by_question=by_question,
        length=length,
        correct=correct,
        repeated=repeated,
        shown=Shown.joined(found.shown),
    )


def _collect(frame: pl.LazyFrame, files: list[Path]) -> pl.DataFrame:
    try:
        return frame.collect()
    except UNREADABLE as error:
        raise JobDamaged(
            f"{files[0].parent}: cannot be read ({error}); see cogtrace verify"
        ) from error
