"""Statistics as files: one JSON document, or one Parquet table per kind of figure."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Final, TextIO, get_args, get_origin, get_type_hints

import msgspec
import polars as pl

from cogtrace.annotator.job.tables import parquet
from cogtrace.corpora.statistics.figures import TABLES, Group, Statistics
from cogtrace.errors import InputError
from cogtrace.printable import json_printable

_TYPES: Final[dict[Any, Any]] = {
    str: pl.String,
    int: pl.Int64,
    float: pl.Float64,
    bool: pl.Boolean,
    list: pl.List(pl.Float64),
}


def write_json(statistics: Statistics, target: Path | TextIO) -> None:
    """Write all figures as one JSON document (schema "statistics").

    What goes to a stream is safe to show on a terminal, and means the same.

    Raises:
        InputError: the file cannot be written.
    """
    content = msgspec.json.format(msgspec.json.encode(statistics), indent=1) + b"\n"
    if isinstance(target, Path):
        write_file(target, content)
    else:
        target.write(json_printable(content.decode()))


def write_parquet(statistics: Statistics, folder: Path) -> list[Path]:
    """Write each table as ``NAME.parquet``; return the files.

    A column of --by becomes a column ``group.NAME``; ``group.all`` says which rows are
    about all traces.

    Raises:
        InputError: a file cannot be written.
    """
    by = list(statistics.parameters["by"])
    files = []
    for name in TABLES:
        path = folder / f"{name}.parquet"
        write_file(path, parquet(frame(statistics, name, by), {}))
        files.append(path)
    return files


def frame(statistics: Statistics, name: str, by: list[str]) -> pl.DataFrame:
    """Return a table by its name, e.g. "prevalence"."""
    rows = getattr(statistics, name)
    (kind,) = get_args(get_type_hints(Statistics)[name])
    columns: dict[str, pl.Series] = {
        "group.all": pl.Series("group.all", [not row.group for row in rows], dtype=pl.Boolean)
    }
    columns |= {
        f"group.{key}": pl.Series(
            f"group.{key}", [row.group.get(key) for row in rows], dtype=pl.String
        )
        for key in by
    }
    for field, hint in get_type_hints(kind).items():
        if hint != Group:
            values = [getattr(row, field) for row in rows]
            columns[field] = pl.Series(field, values, dtype=_type_of(hint))
    return pl.DataFrame(columns)


def _type_of(hint: Any) -> Any:
    """Return the column type for a field's type."""
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in get_args(hint) if part is not types.NoneType)
    plain = get_origin(hint) or hint
    return _TYPES.get(plain, pl.String)  # what is left are literals


def write_file(path: Path, content: bytes) -> None:
    """Write a file under another name first, so that none is ever half there.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".tmp-{path.name}")
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
