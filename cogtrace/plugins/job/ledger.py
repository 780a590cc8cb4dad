"""The ledger of a guidance job: one line per committed part."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cogtrace.jobs import ledger
from cogtrace.jobs.ledger import FileRef
from cogtrace.records import Usage


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A committed part: what it holds, and how far into the input it reaches."""

    part: int
    rows: int  # rows of the input dealt with, this part included
    rows_sha256: str  # over all these rows, to recognise the input again
    quarantine_bytes: int  # size of the quarantine after this part
    files: tuple[FileRef, ...]
    runs: int
    duplicates: int
    quarantined: int  # rows that are no task
    outcomes: dict[str, int]  # runs by outcome; those that failed are in quarantine as well
    cut_off: int = 0  # candidates
    graded: int = 0  # runs whose answer was compared with the right one
    correct: int = 0
    usage: Usage = Usage()  # of all calls that were paid for, those of no use included
    seconds: float = 0.0


class Ledger(ledger.Ledger[Entry]):
    """The ledger of a guidance job."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Entry)
