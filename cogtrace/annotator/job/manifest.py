"""The manifest of a job: what was asked, where it came from, how far it got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from cogtrace import __version__
from cogtrace.annotator.job.folder import JobFolder
from cogtrace.annotator.job.ledger import Entry
from cogtrace.errors import JobDamaged, JobError
from cogtrace.jobs.files import write_atomically
from cogtrace.jobs.folder import kind_of
from cogtrace.jobs.provenance import InputRef, Order, Platform, Status, now
from cogtrace.records import AnnotatorRef, TaxonomyRef, Usage


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a manifest share."""


class Counts(_Part, frozen=True, kw_only=True):
    """What a job did."""

    rows: int = 0
    traces: int = 0
    duplicates: int = 0
    quarantined: int = 0
    sentences: int = 0
    spans: int = 0
    bytes: int = 0
    parts: int = 0
    unanswered: int = 0  # rows of the quarantine that hold some elements of a trace


class Manifest(_Part, frozen=True, kw_only=True):
    """The manifest; its schema is "manifest"."""

    format: Literal[1] = 1
    cogtrace: str = __version__
    status: Status = "running"
    created: str
    updated: str
    inputs: tuple[InputRef, ...]
    taxonomy: TaxonomyRef
    annotator: AnnotatorRef
    elements: tuple[str, ...]
    options: dict[str, Any]
    counts: Counts = Counts()
    order: Order = Order()
    rows_in_input: int | None = None
    stopped: str | None = None
    usage: Usage | None = None
    tally: dict[str, int] = {}
    seconds: float = 0.0
    platform: Platform

    def write(self, folder: JobFolder) -> None:
        """Write the manifest into its folder, atomically."""
        content = msgspec.json.format(msgspec.json.encode(self), indent=2)
        write_atomically(folder.manifest, content + b"\n")

    def progressed(self, status: Status, entries: Sequence[Entry]) -> Manifest:
        """Return the manifest with status and counts as the ledger has them."""
        last = entries[-1] if entries else None
        counts = Counts(
            rows=last.rows if last else 0,
            traces=sum(e.traces for e in entries),
            duplicates=sum(e.duplicates for e in entries),
            quarantined=sum(e.quarantined for e in entries),
            sentences=sum(e.sentences for e in entries),
            spans=sum(e.spans for e in entries),
            bytes=sum(e.text_bytes for e in entries),
            parts=len(entries),
            unanswered=sum(e.unanswered for e in entries),
        )
        tally: Counter[str] = Counter()
        for entry in entries:
            tally.update(entry.tally)
        return msgspec.structs.replace(
            self,
            status=status,
            counts=counts,
            tally=dict(sorted(tally.items())),
            seconds=round(sum(e.seconds for e in entries), 3),
            updated=now(),
        )


def read_manifest(folder: JobFolder) -> Manifest:
    """Return the manifest of a folder.

    Raises:
        JobError: there is no job in the folder.
        JobDamaged: the manifest cannot be read.
    """
    folder.require_job()
    if (kind := kind_of(folder.path)) is not None:
        raise JobError(
            f"{folder.path}: holds a job of cogtrace guide ({kind}), no annotations; annotate it "
            f"with: cogtrace annotate {folder.path} --out DIR"
        )
    try:
        return msgspec.json.decode(folder.manifest.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise JobDamaged(f"{folder.manifest}: unreadable ({error})") from error
