"""The table of a guidance job: its columns, and records in and out of it.

The columns are fixed, with typed nulls, so that every part of every job has the same
schema and reads with `polars.scan_parquet` or `datasets.load_dataset` as it is. What may
hold anything (options of plugins, ``meta``) is JSON as text.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import polars as pl

from cogtrace.plugins.pipeline.records import GuidanceRun

_USAGE: Final[dict[str, Any]] = {
    "requests": pl.Int64,
    "prompt_tokens": pl.Int64,
    "cached_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
    "seconds": pl.Float64,
}
_MESSAGE: Final = pl.Struct({"role": pl.String, "content": pl.String})

RUN_COLUMNS: Final[dict[str, Any]] = {
    "task_id": pl.String,
    "question": pl.String,
    "problem_type": pl.String,
    "context": pl.String,
    "outcome": pl.String,
    "answer": pl.String,
    "reference_answer": pl.String,
    "correct": pl.Boolean,
    "model": pl.Struct({"engine": pl.String, "model": pl.String, "version": pl.String}),
    "sampling": pl.Struct({"samples": pl.Int64, "temperature": pl.Float64, "max_tokens": pl.Int64}),
    "plan": pl.List(
        pl.Struct(
            {
                "plugin": pl.String,
                "version": pl.String,
                "options": pl.String,
                "files": pl.List(
                    pl.Struct({"option": pl.String, "path": pl.String, "sha256": pl.String})
                ),
            }
        )
    ),
    "clarification": pl.Struct(
        {"plugin": pl.String, "question": pl.String, "answer": pl.String, "flaw": pl.String}
    ),
    "scaffolds": pl.List(
        pl.Struct({"plugin": pl.String, "position": pl.String, "text": pl.String})
    ),
    "calls": pl.List(
        pl.Struct(
            {
                "plugin": pl.String,
                "messages": pl.List(_MESSAGE),
                "text": pl.String,
                "reasoning": pl.String,
                "usage": pl.Struct(_USAGE),
                "finish_reason": pl.String,
                "failure": pl.String,
            }
        )
    ),
    "candidates": pl.List(
        pl.Struct(
            {
                "id": pl.String,
                "text": pl.String,
                "answer": pl.String,
                "plugin": pl.String,
                "reasoning": pl.String,
                "confidence": pl.Float64,
                "source": pl.String,
                "finish": pl.String,
                "correct": pl.Boolean,
            }
        )
    ),
    "verdicts": pl.List(
        pl.Struct(
            {
                "plugin": pl.String,
                "candidate": pl.String,
                "verdict": pl.String,
                "weight": pl.Float64,
                "reason": pl.String,
            }
        )
    ),
    "choice": pl.Struct({"plugin": pl.String, "candidate": pl.String, "reason": pl.String}),
    "usage_by_plugin": pl.List(pl.Struct({"plugin": pl.String, **_USAGE})),
    "errors": pl.List(
        pl.Struct({"plugin": pl.String, "hook": pl.String, "kind": pl.String, "message": pl.String})
    ),
    "seconds": pl.Float64,
    "meta": pl.String,
}


def run_frame(runs: Sequence[GuidanceRun]) -> pl.DataFrame:
    """Return records as a table, one row each."""
    rows = [_row(run) for run in runs]
    return pl.DataFrame(
        {name: [row[name] for row in rows] for name in RUN_COLUMNS}, schema=RUN_COLUMNS
    )


def parquet(frame: pl.DataFrame, provenance: dict[str, str]) -> bytes:
    """Return a part as a Parquet file, its provenance in the file's metadata."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3, metadata=provenance)
    return buffer.getvalue()


def runs_of(frame: pl.DataFrame) -> Iterator[GuidanceRun]:
    """Yield the records of a table.

    Raises:
        msgspec.MsgspecError: a row is no record.
    """
    for row in frame.iter_rows(named=True):
        row["plan"] = [
            {**step, "options": msgspec.json.decode(step["options"])} for step in row["plan"]
        ]
        row["usage_by_plugin"] = {u.pop("plugin"): u for u in row["usage_by_plugin"]}
        row["meta"] = msgspec.json.decode(row["meta"])
        for name in ("clarification", "choice", "model"):
            if row[name] is not None and all(value is None for value in row[name].values()):
                row[name] = None
        yield msgspec.convert(row, GuidanceRun)


def _row(run: GuidanceRun) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(run)
    row["plan"] = [{**step, "options": _json(step["options"])} for step in row["plan"]]
    row["usage_by_plugin"] = [
        {"plugin": plugin, **_whole(usage)} for plugin, usage in row["usage_by_plugin"].items()
    ]
    for call in row["calls"]:
        call["usage"] = _whole(call["usage"])
    row["meta"] = _json(row["meta"])
    return row


def _whole(usage: dict[str, Any]) -> dict[str, Any]:
    """Return a usage with the zeros that records leave out."""
    return {name: usage.get(name, 0) for name in _USAGE}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
