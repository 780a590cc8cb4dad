"""The two tables of a job folder: their columns, and records in and out of them.

The columns are fixed, with typed nulls, so that every part of every job has the same
schema and reads with `polars.scan_parquet` or `datasets.load_dataset` as it is.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from cogtrace.records import Annotation, ElementAnnotation, Span, Trace

SPAN: Final = pl.Struct(
    {
        "start": pl.Int64,
        "end": pl.Int64,
        "quote": pl.String,
        "first_sentence": pl.Int32,
        "last_sentence": pl.Int32,
        "anchor": pl.String,
        "source": pl.String,
        "confidence": pl.Float64,
    }
)

BOUNDS: Final = "bounds"

ANNOTATION_COLUMNS: Final[dict[str, Any]] = {
    "trace_id": pl.String,
    "element": pl.String,
    "score": pl.Int8,
    "spans": pl.List(SPAN),
    "explanation": pl.String,
    # Of the spans, once more: a nested column is read whole, quotes and all, which takes
    # several times as long as two numbers of each span.
    BOUNDS: pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64})),
}

# As they were before the bounds; a job that was begun so goes on so.
OLDER_COLUMNS: Final = {n: kind for n, kind in ANNOTATION_COLUMNS.items() if n != BOUNDS}

TRACE_COLUMNS: Final[dict[str, Any]] = {
    "trace_id": pl.String,
    "text_sha256": pl.String,
    "sentences": pl.Int32,
    "question": pl.String,
    "model": pl.String,
    "task": pl.String,
    "problem_type": pl.String,
    "correct": pl.Boolean,
    "answer": pl.String,
    "reference_answer": pl.String,
    "meta": pl.String,  # JSON
    "text": pl.String,
}


def trace_frame(traces: list[Trace], annotations: list[Annotation]) -> pl.DataFrame:
    """Return the traces of a part as a table, one row each."""
    columns: dict[str, list[Any]] = {
        name: [getattr(trace, name) for trace in traces]
        for name in TRACE_COLUMNS
        if name not in ("text_sha256", "sentences", "meta")
    }
    columns["text_sha256"] = [annotation.text_sha256 for annotation in annotations]
    columns["sentences"] = [annotation.sentences for annotation in annotations]
    columns["meta"] = [
        msgspec.json.encode(trace.meta).decode() if trace.meta else None for trace in traces
    ]
    return pl.DataFrame(columns, schema_overrides=TRACE_COLUMNS).select(list(TRACE_COLUMNS))


def annotation_frame(annotations: list[Annotation]) -> pl.DataFrame:
    """Return the annotations of a part as a table, one row per trace and element."""
    entries = [(a.trace_id, entry) for a in annotations for entry in a.elements]
    spans = [span for _, entry in entries for span in entry.spans]
    fields: dict[str, Any] = {f.name: f.dtype for f in SPAN.fields}
    flat = pl.DataFrame(
        {name: [getattr(span, name) for span in spans] for name in fields}, schema=fields
    )
    # Lists are cut out of one flat column: building them from Python objects row by row
    # takes several times as long.
    counts = pl.Series("n", [len(entry.spans) for _, entry in entries], dtype=pl.UInt32)
    row = pl.Series("row", range(len(entries)), dtype=pl.UInt32)
    owner = row.repeat_by(counts).explode().drop_nulls() if len(entries) else row
    grouped = (
        pl.DataFrame(
            {
                "row": owner,
                "spans": flat.to_struct(),
                BOUNDS: flat.select("start", "end").to_struct(),
            }
        )
        .group_by("row", maintain_order=True)
        .agg(pl.col("spans", BOUNDS))
    )
    frame = pl.DataFrame(
        {
            "row": row,
            "trace_id": [trace_id for trace_id, _ in entries],
            "element": [entry.element for _, entry in entries],
            "score": [entry.score for _, entry in entries],
            "explanation": [entry.explanation for _, entry in entries],
        },
        schema_overrides={name: ANNOTATION_COLUMNS[name] for name in ("score", "explanation")},
    )
    lists = {name: ANNOTATION_COLUMNS[name] for name in ("spans", BOUNDS)}
    return (
        frame.join(grouped, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col(name).fill_null(pl.lit([], dtype=kind)) for name, kind in lists.items()
        )
        .select([pl.col(name).cast(dtype) for name, dtype in ANNOTATION_COLUMNS.items()])
    )


def bounds_column(path: Path) -> str:
    """Return the column of an annotation table that says most cheaply where spans are."""
    return BOUNDS if BOUNDS in pl.read_parquet_schema(path) else "spans"


def parquet(frame: pl.DataFrame, provenance: dict[str, str]) -> bytes:
    """Return a part as a Parquet file, its provenance in the file's metadata."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3, metadata=provenance)
    return buffer.getvalue()


def traces_of(frame: pl.DataFrame) -> Iterator[Trace]:
    """Yield the traces of a table."""
    names = [name for name in TRACE_COLUMNS if name not in ("text_sha256", "sentences")]
    for row in frame.select(names).iter_rows(named=True):
        meta = row.pop("meta")
        yield Trace(**row, meta=msgspec.json.decode(meta) if meta else {})


def elements_of(row: dict[str, Any]) -> ElementAnnotation:
    """Return the entry in a row of the annotation table."""
    return ElementAnnotation(
        element=row["element"],
        score=row["score"],
        spans=tuple(Span(**span) for span in row["spans"]),
        explanation=row["explanation"],
    )
