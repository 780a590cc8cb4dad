"""File formats: each turns an input into raw rows, and never lets one row end it."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from typing import IO, Any, Final

import msgspec

from cogtrace.corpora.readers.raw import RawRow, clean
from cogtrace.corpora.readers.streams import DAMAGED, STDIN, open_bytes
from cogtrace.errors import InputError, OptionError

_BOM: Final = b"\xef\xbb\xbf"
_PARQUET_ROWS: Final = 2_048  # rows held in memory at a time


def jsonl_rows(path: str) -> Iterator[RawRow]:
    """Read one JSON object a line; empty lines are skipped."""
    with open_bytes(path) as stream:
        for line, content in _lines(stream):
            if isinstance(content, RawRow):
                yield content
            elif stripped := content.removeprefix(_BOM if line == 1 else b"").strip():
                yield _json_row(line, stripped)


def json_rows(path: str) -> Iterator[RawRow]:
    """Read a JSON array of objects, or an object that holds one, or a single object."""
    with open_bytes(path) as stream:
        try:
            content = stream.read().removeprefix(_BOM)
        except DAMAGED as error:
            yield RawRow(1, None, "damaged-archive", f"cannot be decompressed: {error}")
            return
    if not content.strip():
        return
    try:
        data = _decode(content)
    except (ValueError, RecursionError) as error:
        yield _undecodable(1, content, error, hint="; for one object a line use --format jsonl")
        return
    for number, item in enumerate(_items(data), start=1):
        try:
            yield _object(number, item)
        except RecursionError:
            yield RawRow(number, None, "too-deep", "its values are nested too deeply")


def csv_rows(path: str, delimiter: str = ",") -> Iterator[RawRow]:
    """Read comma-separated values with a header line."""
    csv.field_size_limit(sys.maxsize)
    with open_bytes(path) as stream:
        # Bytes that are not UTF-8 become lone surrogates, which are refused row by row.
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        header: list[str] | None = None
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield RawRow(line, None, "bad-csv", f"not valid CSV: {error}")
                continue
            except DAMAGED as error:
                message = f"the file cannot be read from here on: {error}"
                yield RawRow(line, None, "damaged-archive", message)
                return
            if not cells:
                continue
            if header is None:
                header = cells
            elif len(cells) != len(header):
                message = f"{len(cells)} columns, but {len(header)} in the header"
                raw = clean(delimiter.join(cells))
                yield RawRow(line, None, "bad-csv", message, raw)
            else:
                yield RawRow(line, dict(zip(header, cells, strict=True)))


def tsv_rows(path: str) -> Iterator[RawRow]:
    """Read tab-separated values with a header line."""
    return csv_rows(path, "\t")


def parquet_rows(path: str) -> Iterator[RawRow]:
    """Read a Parquet file, some rows at a time."""
    import polars as pl

    from cogtrace.jobs.damage import UNREADABLE

    if path == STDIN:
        raise OptionError("Parquet cannot be read from standard input; give a file")
    try:
        frame = pl.scan_parquet(path, glob=False)
        height = int(frame.select(pl.len()).collect().item())
    except UNREADABLE as error:
        raise InputError(f"{path}: not readable as Parquet ({error})") from error
    for offset in range(0, height, _PARQUET_ROWS):
        try:
            rows = frame.slice(offset, _PARQUET_ROWS).collect()
        except UNREADABLE as error:
            # As with lines: the rows before it are good.
            message = f"the file cannot be read from here on: {error}"
            yield RawRow(offset + 1, None, "damaged-archive", message)
            return
        for number, row in enumerate(rows.iter_rows(named=True), start=offset + 1):
            yield RawRow(number, row)


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes | RawRow]]:
    line = 0
    while True:
        line += 1
        try:
            content = stream.readline()
        except DAMAGED as error:
            # The rows before it are good, and the rest is unreachable.
            message = f"the file cannot be read from here on: {error}"
            yield line, RawRow(line, None, "damaged-archive", message)
            return
        if not content:
            return
        yield line, content


def _json_row(line: int, content: bytes) -> RawRow:
    try:
        return _object(line, _decode(content))
    except (ValueError, RecursionError) as error:
        return _undecodable(line, content, error)


def _decode(content: bytes) -> Any:
    """Decode JSON; raise ValueError (or RecursionError, if it is nested too deeply)."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Python writes NaN and half surrogates, which are no JSON; its own decoder
        # reads them, and they can then be judged like any other value.
        if b"NaN" in content or b"Infinity" in content or b"\\u" in content:
            return json.loads(content)
        raise ValueError(str(error)) from error


def _undecodable(line: int, content: bytes, error: Exception, hint: str = "") -> RawRow:
    raw = content.decode("utf-8", "backslashreplace")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as broken:
        message = f"not UTF-8 (byte {broken.start + 1} of the row is 0x{content[broken.start]:02x})"
        return RawRow(line, None, "invalid-utf8", message, raw)
    return RawRow(line, None, "bad-json", f"not valid JSON: {error}{hint}", raw)


def _object(line: int, data: Any) -> RawRow:
    if isinstance(data, dict):
        return RawRow(line, data)
    raw = json.dumps(data)
    message = f"a row is a JSON object, this is {_kind(data)}"
    return RawRow(line, None, "not-an-object", message, raw)


def _items(data: Any) -> list[Any]:
    if isinstance(data, list):
        return data
    if isinstance(data, dict):
        lists = [v for v in data.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        texts = [v for v in data.values() if isinstance(v, str)]
        if len(lists) == 1 and not texts:
            return list(lists[0])
    return [data]


def _kind(data: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(data), "a number")
