"""The ledger: one line per committed part, appended and synced.

A part exists from the moment its line is whole on disk. A torn last line, left by a
crash, is no line.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from cogtrace.annotator.job.folder import append_durably, write_atomically
from cogtrace.errors import JobDamaged


class FileRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a part, to be recognised again."""

    table: str
    name: str
    rows: int
    bytes: int
    sha256: str


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A committed part: what it holds, and how far into the input it reaches."""

    part: int
    rows: int  # rows of the input dealt with, this part included
    rows_sha256: str  # over all these rows, to recognise the input again
    quarantine_bytes: int  # size of the quarantine after this part
    files: tuple[FileRef, ...]
    traces: int
    duplicates: int
    quarantined: int
    sentences: int
    spans: int
    text_bytes: int
    seconds: float
    unanswered: int = 0  # rows of the quarantine that hold some elements of a trace
    tally: dict[str, int] = {}  # what the annotator counted, by name


class Ledger:
    """The ledger of a job folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Entry]:
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
                entries.append(msgspec.json.decode(line, type=Entry))
            except msgspec.MsgspecError as error:
                raise JobDamaged(f"{self._path}, line {number}: unreadable ({error})") from error
        for position, entry in enumerate(entries):
            if entry.part != position:
                raise JobDamaged(f"{self._path}: part {entry.part} stands in place {position}")
        return entries

    def clear(self) -> None:
        """Take all parts back: from here on, none counts."""
        write_atomically(self._path, b"")

    def append(self, entry: Entry) -> None:
        """Commit a part."""
        append_durably(self._path, msgspec.json.encode(entry) + b"\n")

    def trim(self) -> None:
        """Cut off a torn last line, so that the next one starts cleanly."""
        if self._path.exists():
            content = self._path.read_bytes()
            truncate(self._path, content.rfind(b"\n") + 1)


def truncate(path: Path, size: int) -> None:
    """Cut a file down to ``size`` bytes, if it is there and longer."""
    if path.exists() and path.stat().st_size > size:
        os.truncate(path, size)
