"""Columns of numbers inside lists, straight out of the pages of a Parquet file.

polars reads a nested column whole, and takes most of the time for what is not needed
here: a span's offsets are two of its eight fields. This reads a column of 64-bit integers
as our own tables hold it: plain, in pages of the first version, Zstandard or uncompressed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from cogtrace.corpora.structure.corpus import Array
from cogtrace.corpora.structure.thrift import Struct, ThriftError, decode

_MAGIC: Final = b"PAR1"
_LARGEST: Final = 1 << 30  # bytes of a footer or page that is believed
_MOST: Final = 1 << 24  # entries of a page that are believed

# Numbers of fields and values in Parquet's own definition (parquet.thrift).
_SCHEMA, _ROW_GROUPS = 2, 4
_REPETITION, _NAME, _CHILDREN = 3, 4, 5
_OPTIONAL, _REPEATED = 1, 2
_COLUMNS, _FILE_PATH, _CHUNK = 1, 1, 3
_TYPE, _CODEC, _VALUES, _COMPRESSED, _DATA_AT = 1, 4, 5, 7, 9
_INT64, _UNCOMPRESSED, _ZSTD = 2, 0, 6
_KIND, _SIZE, _STORED, _HEADER = 1, 2, 3, 5  # of a page
_DATA_PAGE, _PLAIN, _RLE = 0, 0, 3
_COUNT, _ENCODING, _LEVELS, _REPEATS = 1, 2, 3, 4  # of the header of a data page


class Unfamiliar(ValueError):
    """A file, maybe sound, that is not written as our own tables are."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A column: its place among all, and the levels that its schema gives."""

    place: int
    depth: int  # definition level of a value


def read_lists(path: Path, fields: Sequence[tuple[str, ...]]) -> tuple[Array, list[Array]]:
    """Return how many items each row's list has, and one column of values per field.

    Fields are paths of names from the top, all in the same list.

    Raises:
        Unfamiliar: the file is not as expected, or not whole; another reader may know.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        try:
            footer, _ = decode(_footer(file))
            leaves = _leaves(footer[_SCHEMA])
            columns = [_column(file, footer, leaves[field]) for field in fields]
            counts = _counts(columns[0])
        except (ThriftError, KeyError, TypeError, IndexError, ValueError) as error:
            raise Unfamiliar(f"{path}: {error}") from error
    values = [column.values() for column in columns]
    if any(len(column) != counts.sum() for column in values):
        raise Unfamiliar(f"{path}: fields that are null")
    return counts, values


def _footer(file: BinaryIO) -> bytes:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 8))
    tail = file.read()
    size = int.from_bytes(tail[:4], "little")
    if len(tail) < 8 or tail[4:] != _MAGIC or size > min(end - 8, _LARGEST):
        raise Unfamiliar("no Parquet footer")
    file.seek(end - 8 - size)
    return file.read(size)


def _leaves(schema: list[Struct]) -> dict[tuple[str, ...], _Leaf]:
    """Return the columns of a schema that lie in exactly one list, by path.

    A schema is a tree written down from the root, each group with the number of its children.
    """
    found: dict[tuple[str, ...], _Leaf] = {}
    entries = iter(schema)
    places = iter(range(len(schema)))

    def walk(path: tuple[str, ...], depth: int, lists: int) -> None:
        entry = next(entries, None)
        if entry is None or len(path) > 16:
            raise Unfamiliar("a schema that cannot be")
        if _REPETITION in entry:  # the root has none, and its name is in no path
            path = (*path, entry[_NAME].decode())
        repetition = entry.get(_REPETITION, 0)
        depth += repetition in (_OPTIONAL, _REPEATED)
        lists += repetition == _REPEATED
        if _CHILDREN not in entry:
            place = next(places)
            if lists == 1:
                found[path] = _Leaf(place, depth)
            return
        for _ in range(entry[_CHILDREN]):
            walk(path, depth, lists)

    walk((), 0, 0)
    return found


@dataclass(frozen=True, slots=True)
class _Column:
    """The pages of a column, by row group: their two kinds of levels, values, entries."""

    leaf: _Leaf
    groups: list[list[tuple[bytes, bytes, Array, int]]]

    def values(self) -> Array:
        """Return all values."""
        found = [values for group in self.groups for _, _, values, _ in group]
        return np.concatenate([np.empty(0, np.int64), *found])


def _column(file: BinaryIO, footer: Struct, leaf: _Leaf) -> _Column:
    groups = []
    for group in footer[_ROW_GROUPS]:
        chunk = group[_COLUMNS][leaf.place]
        if chunk[_CHUNK][_TYPE] != _INT64 or _FILE_PATH in chunk:
            raise Unfamiliar("another kind of column")
        groups.append([_split(page, count) for page, count in _pages(file, chunk[_CHUNK])])
    return _Column(leaf, groups)


def _split(page: bytes, count: int) -> tuple[bytes, bytes, Array, int]:
    """Return the parts of a page: levels of repetition and of definition, values."""
    first = 4 + int.from_bytes(page[:4], "little")
    second = first + 4 + int.from_bytes(page[first : first + 4], "little")
    return page[4:first], page[first + 4 : second], np.frombuffer(page[second:], "<i8"), count


def _counts(column: _Column) -> Array:
    """Return the lengths of a column's lists."""
    found = [np.empty(0, np.int64)]
    width = column.leaf.depth.bit_length()
    if column.leaf.depth != 1 << (width - 1):
        raise Unfamiliar("values that are not told by one bit of their level")
    for group in filter(None, column.groups):
        again = [_level_bit(repeats, 1, 0, count) for repeats, _, _, count in group]
        value = [_level_bit(levels, width, width - 1, count) for _, levels, _, count in group]
        begins = np.flatnonzero(np.concatenate(again) == 0)
        found.append(np.add.reduceat(np.concatenate(value), begins, dtype=np.int64))
    return np.concatenate(found)


def _pages(file: BinaryIO, chunk: Struct) -> list[tuple[bytes, int]]:
    """Return the content of a chunk's pages, and the number of entries in each."""
    file.seek(chunk[_DATA_AT])
    content = file.read(min(chunk[_COMPRESSED], _LARGEST))
    at, seen, found = 0, 0, []
    while seen < chunk[_VALUES]:
        page, at = decode(content, at)
        header = page[_HEADER]
        shape = page[_KIND], header[_ENCODING], header[_LEVELS], header[_REPEATS]
        if shape != (_DATA_PAGE, _PLAIN, _RLE, _RLE):
            raise Unfamiliar("another kind of page")
        if not (0 < header[_COUNT] <= _MOST and 0 <= page[_STORED] <= len(content) - at):
            raise Unfamiliar("a page that cannot be")
        stored = content[at : at + page[_STORED]]
        found.append((_unpacked(stored, chunk[_CODEC], page[_SIZE]), header[_COUNT]))
        at += page[_STORED]
        seen += header[_COUNT]
    return found


def _unpacked(stored: bytes, codec: int, size: int) -> bytes:
    if codec == _UNCOMPRESSED:
        return stored
    if codec != _ZSTD or not 0 <= size <= _LARGEST:
        raise Unfamiliar("another compression")
    if sys.version_info >= (3, 14):
        from compression import zstd

        try:
            return zstd.decompress(stored)
        except zstd.ZstdError as error:
            raise Unfamiliar("a damaged page") from error
    import zstandard

    try:
        if zstandard.frame_content_size(stored) > size:
            raise Unfamiliar("a page that is larger than it says")
        unpacked: bytes = zstandard.ZstdDecompressor().decompress(stored, max_output_size=size)
    except zstandard.ZstdError as error:
        raise Unfamiliar("a damaged page") from error
    return unpacked


def _level_bit(content: bytes, width: int, bit: int, count: int) -> Array:
    """Return one bit of each level.

    Levels are written as runs, each with a number before it: of one value, or, where the
    number is odd, of values packed into ``width`` bits each.
    """
    begins, heads = _runs(content, width)
    packed = heads & 1
    lengths = np.where(packed, heads >> 1 << 3, heads >> 1)
    ends = np.minimum(np.cumsum(lengths), count)
    lengths = np.diff(ends, prepend=0)
    if not count or int(lengths.sum()) != count:
        raise Unfamiliar("levels that end too early")
    bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    # One value, repeated, is packed values that do not move on.
    step = packed * width
    place = np.arange(count) * np.repeat(step, lengths)
    place += np.repeat(begins * 8 + bit - step * (ends - lengths), lengths)
    found: Array = bits[place]
    return found


def _runs(content: bytes, width: int) -> tuple[Array, Array]:
    """Return where each run begins, and the number before it."""
    # There is a run for every few values, so this loop is all but bare.
    length = [1 + (head >> 1) * width if head & 1 else 2 for head in range(128)]
    short: list[int] = []  # places of runs whose number is a single byte
    long: list[tuple[int, int]] = []  # places after the number, and the number
    at, end, found = 0, len(content), short.append
    while at < end:
        head = content[at]
        if head < 128:
            found(at)
            at += length[head]
            continue
        at, head = _varint(content, at)
        long.append((at, head))
        at += (head >> 1) * width if head & 1 else 1
    places = np.array(short, np.int64)
    begins = np.concatenate([places + 1, np.array([place for place, _ in long], np.int64)])
    heads = np.frombuffer(content, np.uint8)[places].astype(np.int64)
    heads = np.concatenate([heads, np.array([head for _, head in long], np.int64)])
    order = np.argsort(begins) if long else slice(None)
    return begins[order], heads[order]


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Return where a number of several bytes ends, and the number."""
    head = shift = 0
    while True:
        byte = content[at]
        at += 1
        head |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return at, head
        if shift > 28:
            raise Unfamiliar("a run that is too long")
