"""The manifest of a guidance job; its schema is "guidance-manifest"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from cogtrace import __version__
from cogtrace.errors import JobDamaged
from cogtrace.jobs.budget import added
from cogtrace.jobs.files import write_atomically
from cogtrace.jobs.provenance import InputRef, Order, Platform, Status, now
from cogtrace.plugins.guidance import Sampling
from cogtrace.plugins.job.folder import GuideFolder
from cogtrace.plugins.job.ledger import Entry
from cogtrace.plugins.pipeline.records import ModelRef, PlanStep
from cogtrace.records import Usage


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a manifest share."""


class Counts(_Part, frozen=True, kw_only=True):
    """What a job did."""

    rows: int = 0
    runs: int = 0
    duplicates: int = 0
    quarantined: int = 0  # rows that are no task
    parts: int = 0
    answered: int = 0
    unanswered: int = 0
    clarification: int = 0
    failed: int = 0
    cut_off: int = 0  # candidates that were cut off, at max_tokens or by a filter
    graded: int = 0
    correct: int = 0


class Manifest(_Part, frozen=True, kw_only=True):
    """What a job was asked, where it came from, how far it got."""

    kind: Literal["guidance"] = "guidance"
    format: Literal[1] = 1
    cogtrace: str = __version__
    status: Status = "running"
    created: str
    updated: str
    inputs: tuple[InputRef, ...]
    plan: tuple[PlanStep, ...]
    sampling: Sampling
    model: ModelRef
    answer_kind: str | None = None
    seed: int = 0
    options: dict[str, Any]
    counts: Counts = Counts()
    order: Order = Order()
    rows_in_input: int | None = None
    stopped: str | None = None
    usage: Usage = Usage()
    seconds: float = 0.0
    platform: Platform

    def write(self, folder: GuideFolder) -> None:
        """Write the manifest into its folder, atomically."""
        content = msgspec.json.format(msgspec.json.encode(self), indent=2)
        write_atomically(folder.manifest, content + b"\n")

    def progressed(self, status: Status, entries: Sequence[Entry]) -> Manifest:
        """Return the manifest with status and counts as the ledger has them."""
        outcomes: Counter[str] = Counter()
        usage = Usage()
        for entry in entries:
            outcomes.update(entry.outcomes)
            usage = added(usage, entry.usage)
        counts = Counts(
            rows=entries[-1].rows if entries else 0,
            runs=sum(e.runs for e in entries),
            duplicates=sum(e.duplicates for e in entries),
            quarantined=sum(e.quarantined for e in entries),
            parts=len(entries),
            cut_off=sum(e.cut_off for e in entries),
            graded=sum(e.graded for e in entries),
            correct=sum(e.correct for e in entries),
            **outcomes,
        )
        return msgspec.structs.replace(
            self,
            status=status,
            counts=counts,
            usage=usage,
            seconds=round(sum(e.seconds for e in entries), 3),
            updated=now(),
        )


def read_manifest(folder: GuideFolder) -> Manifest:
    """Return the manifest of a folder.

    Raises:
        JobError: there is no job in the folder.
        JobDamaged: the manifest cannot be read.
    """
    folder.require_job()
    try:
        return msgspec.json.decode(folder.manifest.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise JobDamaged(f"{folder.manifest}: unreadable ({error})") from error
