"""Cutting the rows of an input into parts, each row counted exactly once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from cogtrace.records import Quarantined, SourceRow, Trace

# A part ends at so many traces or so much text, whichever comes first. Parts of this
# size keep the memory of a worker in bounds and the number of files low.
PART_TRACES: Final = 4_096
PART_BYTES: Final = 12_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """How far into the input one is, just before a certain trace."""

    rows: int
    rows_sha256: str
    duplicates: int  # of the batch
    quarantined: int  # of the batch
    text_bytes: int  # of the batch


@dataclass(slots=True)
class Batch:
    """The rows of one part."""

    part: int
    traces: list[Trace] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)  # file and line of each trace
    quarantined: list[Quarantined] = field(default_factory=list)
    duplicates: int = 0
    text_bytes: int = 0
    rows: int = 0  # of the input, up to the end of this batch
    rows_sha256: str = ""  # over these rows
    marks: list[Mark] = field(default_factory=list)  # before each trace

    def cut(self, traces: int) -> Batch:
        """Return the batch as if it ended just before its trace number ``traces`` (from 0)."""
        if traces >= len(self.traces):
            return self
        mark = self.marks[traces]
        return Batch(
            part=self.part,
            traces=self.traces[:traces],
            places=self.places[:traces],
            quarantined=self.quarantined[: mark.quarantined],
            duplicates=mark.duplicates,
            text_bytes=mark.text_bytes,
            rows=mark.rows,
            rows_sha256=mark.rows_sha256,
            marks=self.marks[:traces],
        )

    def is_full(self, part_traces: int) -> bool:
        """Say whether the part should end here."""
        rows = len(self.traces) + len(self.quarantined)
        return rows >= part_traces or self.text_bytes >= PART_BYTES


class Intake:
    """Takes rows in, in order: recognises duplicates, and keeps the hash of all rows."""

    def __init__(self) -> None:
        self.rows = 0
        self._seen: dict[str, bytes] = {}
        self._digest = hashlib.sha256()

    def rows_sha256(self) -> str:
        """Return the hash over all rows taken in so far."""
        return self._digest.hexdigest()

    def take(self, row: SourceRow) -> tuple[Trace | Quarantined | None, int]:
        """Take in one row; return what to do with it, and the size of its text in UTF-8.

        A trace is to be annotated; a quarantined row is to be kept; None repeats, word
        for word, a trace already taken in.
        """
        self.rows += 1
        value, size, mark = self._judge(row)
        name = PurePath(row.file).name
        self._digest.update(f"{name}\0{row.line}\0".encode("utf-8", "replace") + mark)
        return value, size

    def _judge(self, row: SourceRow) -> tuple[Trace | Quarantined | None, int, bytes]:
        value = row.value
        if isinstance(value, Quarantined):
            return value, 0, value.reason.encode()
        text = value.text.encode("utf-8")
        digest = hashlib.sha256(text).digest()
        known = self._seen.get(value.trace_id)
        if known is None:
            self._seen[value.trace_id] = digest[:16]
            return value, len(text), digest
        if known == digest[:16]:
            return None, 0, digest
        message = (
            f"trace_id {value.trace_id!r} was used before for another text; "
            "give each trace its own id"
        )
        clash = Quarantined.of(
            row.file, row.line, "duplicate-id", message, value.trace_id, value.text
        )
        return clash, 0, digest


def batches(
    rows: Iterable[SourceRow], intake: Intake, first_part: int, part_traces: int = PART_TRACES
) -> Iterator[Batch]:
    """Cut ``rows`` into batches of at most ``part_traces``, numbered from ``first_part``."""
    batch = Batch(first_part)
    for row in rows:
        before = intake.rows, intake.rows_sha256()
        value, size = intake.take(row)
        if value is None:
            batch.duplicates += 1
        elif isinstance(value, Quarantined):
            batch.quarantined.append(value)
        else:
            batch.marks.append(
                Mark(*before, batch.duplicates, len(batch.quarantined), batch.text_bytes)
            )
            batch.traces.append(value)
            batch.places.append((row.file, row.line))
            batch.text_bytes += size
        batch.rows = intake.rows
        if batch.is_full(part_traces):
            yield _closed(batch, intake)
            batch = Batch(batch.part + 1)
    if batch.rows:
        yield _closed(batch, intake)


def _closed(batch: Batch, intake: Intake) -> Batch:
    batch.rows_sha256 = intake.rows_sha256()
    return batch
