"""The ledger: one line per committed part, appended and synced.

A part exists from the moment its line is whole on disk. A torn last line, left by a
crash, is no line.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec

from cogtrace.errors import JobDamaged
from cogtrace.jobs.files import append_durably, truncate, write_atomically


class FileRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a part, to be recognised again."""

    table: str
    name: str
    rows: int
    bytes: int
    sha256: str


class Committed(Protocol):
    """What every ledger line has."""

    @property
    def part(self) -> int:
        """Number of the part, from 0."""


EntryT = TypeVar("EntryT", bound=Committed)


class Ledger(Generic[EntryT]):
    """The ledger of a job folder, of lines of one kind."""

    def __init__(self, path: Path, kind: type[EntryT]) -> None:
        self._path = path
        self._kind = kind

    def read(self) -> list[EntryT]:
        """Return the committed parts in order; a torn last line is left out.

        Raises:
            JobDamaged: a whole line is unreadable, or the parts do not follow each other.
        """
        if not self._path.exists():
            return []
        entries = []
        lines = self._path.read_bytes().split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):
            try:
                entries.append(msgspec.json.decode(line, type=self._kind))
            except msgspec.MsgspecError as error:
                raise JobDamaged(f"{self._path}, line {number}: unreadable ({error})") from error
        for position, entry in enumerate(entries):
            if entry.part != position:
                raise JobDamaged(f"{self._path}: part {entry.part} stands in place {position}")
        return entries

    def clear(self) -> None:
        """Take all parts back: from here on, none counts."""
        write_atomically(self._path, b"")

    def append(self, entry: EntryT) -> None:
        """Commit a part."""
        append_durably(self._path, msgspec.json.encode(entry) + b"\n")

    def trim(self) -> None:
        """Cut off a torn last line, so that the next one starts cleanly."""
        if self._path.exists():
            content = self._path.read_bytes()
            truncate(self._path, content.rfind(b"\n") + 1)


def describe(content: bytes, table: str, name: str, rows: int) -> FileRef:
    """Return what the ledger keeps of a file."""
    digest = hashlib.sha256(content).hexdigest()
    return FileRef(table=table, name=name, rows=rows, bytes=len(content), sha256=digest)
