"""The ledger of an annotation job: one line per committed part."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cogtrace.jobs import ledger
from cogtrace.jobs.ledger import FileRef


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


class Ledger(ledger.Ledger[Entry]):
    """The ledger of an annotation job."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Entry)
