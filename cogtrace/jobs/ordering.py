"""Working through an input in random order without holding it in memory.

A job that stops half-way through a shuffled input has done a random sample of it, so
its statistics mean something; the first half of a file is a sample of nothing.
"""

from __future__ import annotations

import random
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from cogtrace.records import Quarantined, SourceRow, Trace


class _Stored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row on disk; exactly one of trace and quarantined is there."""

    file: str
    line: int
    trace: Trace | None = None
    quarantined: Quarantined | None = None


_DECODE: Final = msgspec.json.Decoder(_Stored)


class ShuffledRows:
    """Rows in an order that only the seed and their number decide.

    All rows are written to a temporary file, without a name, in ``folder`` (the system's
    own by default); in memory are sixteen bytes per row.

    >>> rows = [SourceRow(file="f", line=n, value=Trace(trace_id=str(n), text="."))
    ...         for n in range(4)]
    >>> with ShuffledRows(rows, seed=0) as shuffled:
    ...     (len(shuffled), [row.line for row in shuffled])
    (4, [2, 0, 1, 3])
    """

    def __init__(self, rows: Iterable[SourceRow], seed: int, folder: Path | None = None) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - see close()
        self._ends = array("Q", [0])
        try:
            for row in rows:
                self._ends.append(self._ends[-1] + self._file.write(_encode(row)))
            self._file.flush()  # so that a full disk is met here, before the work begins
        except BaseException:
            self.close()
            raise
        self._order = array("Q", range(len(self)))
        random.Random(seed).shuffle(self._order)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[SourceRow]:
        for number in self._order:
            begin, end = self._ends[number], self._ends[number + 1]
            self._file.seek(begin)
            yield _decode(self._file.read(end - begin))

    def __enter__(self) -> ShuffledRows:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()


def _encode(row: SourceRow) -> bytes:
    value = row.value
    if isinstance(value, Trace):
        return msgspec.json.encode(_Stored(file=row.file, line=row.line, trace=value))
    return msgspec.json.encode(_Stored(file=row.file, line=row.line, quarantined=value))


def _decode(content: bytes) -> SourceRow:
    stored = _DECODE.decode(content)
    value = stored.trace if stored.trace is not None else stored.quarantined
    if value is None:
        raise ValueError("a stored row is empty")
    return SourceRow(file=stored.file, line=stored.line, value=value)
