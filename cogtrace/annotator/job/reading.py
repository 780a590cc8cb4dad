"""Reading a job folder back, part by part."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import polars as pl

from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES, JobFolder
from cogtrace.annotator.job.ledger import Entry, Ledger
from cogtrace.annotator.job.manifest import read_manifest
from cogtrace.annotator.job.tables import BOUNDS, elements_of, traces_of
from cogtrace.errors import JobDamaged, JobError
from cogtrace.jobs.damage import UNREADABLE
from cogtrace.jobs.quarantine import read_quarantine
from cogtrace.records import Annotation, Quarantined, Trace, Unanswered
from cogtrace.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from pathlib import Path


class JobReader:
    """The committed content of a job folder.

    Raises:
        JobError: there is no job in the folder.
        JobDamaged: its manifest or ledger cannot be read.
    """

    def __init__(self, folder: JobFolder | Path | str) -> None:
        self.folder = folder if isinstance(folder, JobFolder) else JobFolder(folder)
        self.manifest = read_manifest(self.folder)
        self.entries: list[Entry] = Ledger(self.folder.ledger).read()

    def taxonomy(self) -> Taxonomy:
        """Return the taxonomy the job was run with."""
        return load_taxonomy(self.folder.taxonomy)

    def files(self, table: str) -> list[Path]:
        """Return the committed files of a table (TRACES or ANNOTATIONS), in order."""
        return [
            self.folder.path / ref.table / ref.name
            for entry in self.entries
            for ref in entry.files
            if ref.table == table
        ]

    def pairs(self, only: Collection[str] | None = None) -> Iterator[tuple[Trace, Annotation]]:
        """Yield each trace with its annotation, in order of the input.

        ``only`` cuts them down to those with these ids.

        Raises:
            JobDamaged: a span does not slice to its quote, or rows do not match.
        """
        for heads, details in zip(self.files(TRACES), self.files(ANNOTATIONS), strict=True):
            yield from self._pairs_of(heads, details, only)

    def first(self) -> tuple[Trace, Annotation]:
        """Return the first trace with its annotation.

        Raises:
            JobError: there is no trace in the job.
        """
        for pair in self.pairs():
            return pair
        raise JobError(f"{self.folder.path}: no trace in this job")

    def find(self, trace_id: str) -> tuple[Trace, Annotation]:
        """Return one trace with its annotation.

        Raises:
            JobError: there is none of this id.
        """
        mine = pl.col("trace_id") == trace_id
        for heads, details in zip(self.files(TRACES), self.files(ANNOTATIONS), strict=True):
            found = _read(heads).filter(mine)
            if found.height:
                rows = _read(details).filter(mine)
                (trace,) = traces_of(found)
                return trace, self._annotation(found.row(0, named=True), rows.to_dicts(), trace)
        near = self._ids_like(trace_id)
        hint = f"; there is {', '.join(near)}" if near else ""
        raise JobError(f"{self.folder.path}: no trace {trace_id!r}{hint}")

    def quarantined(self) -> Iterator[Quarantined]:
        """Return the committed rows of the quarantine.

        Raises:
            JobDamaged: a row cannot be read.
        """
        size = self.entries[-1].quarantine_bytes if self.entries else 0
        return read_quarantine(self.folder.quarantine, size)

    def _pairs_of(
        self, traces: Path, details: Path, only: Collection[str] | None
    ) -> Iterator[tuple[Trace, Annotation]]:
        frame, table = _read(traces), _read(details)
        if only is not None:
            ids = pl.DataFrame({"trace_id": list(only)}, schema={"trace_id": pl.String})
            frame = frame.join(ids, on="trace_id", how="semi", maintain_order="left")
            table = table.join(ids, on="trace_id", how="semi", maintain_order="left")
        groups = groupby(table.iter_rows(named=True), key=itemgetter("trace_id"))
        heads = frame.select("text_sha256", "sentences").iter_rows(named=True)
        for trace, head in zip(traces_of(frame), heads, strict=True):
            owner, mine = next(groups, (None, iter(())))
            if owner != trace.trace_id:
                raise JobDamaged(f"{details}: rows of {trace.trace_id!r} are out of place")
            yield trace, self._annotation(head, list(mine), trace)

    def _annotation(
        self, head: dict[str, object], rows: list[dict[str, object]], trace: Trace
    ) -> Annotation:
        elements = tuple(elements_of(row) for row in rows)
        for entry in elements:
            for span in entry.spans:
                if trace.text[span.start : span.end] != span.quote:
                    raise JobDamaged(
                        f"{self.folder.path}: trace {trace.trace_id!r}, {entry.element}: "
                        f"[{span.start}, {span.end}) is not its quote"
                    )
        return Annotation(
            trace_id=trace.trace_id,
            text_sha256=str(head["text_sha256"]),
            sentences=int(str(head["sentences"])),
            taxonomy=self.manifest.taxonomy,
            annotator=self.manifest.annotator,
            elements=elements,
            unanswered=self._unanswered.get(trace.trace_id, ()),
        )

    @cached_property
    def _unanswered(self) -> dict[str, tuple[Unanswered, ...]]:
        """What the quarantine holds of traces that are annotated otherwise."""
        found: dict[str, tuple[Unanswered, ...]] = {}
        for row in self.quarantined():
            if row.elements is not None and row.trace_id is not None:
                lost = Unanswered(elements=row.elements, reason=row.reason, message=row.message)
                found[row.trace_id] = (*found.get(row.trace_id, ()), lost)
        return found

    def _ids_like(self, trace_id: str) -> list[str]:
        files = self.files(TRACES)
        if not files:
            return []
        ids = pl.scan_parquet(files).select("trace_id")
        alike = ids.filter(pl.col("trace_id").str.contains(trace_id[:8], literal=True))
        found = alike.head(3).collect() if trace_id else ids.head(0).collect()
        if not found.height:
            found = ids.head(3).collect()
        return [str(name) for name in found["trace_id"]]


def _read(path: Path) -> pl.DataFrame:
    try:
        # Records are made of the spans themselves.
        return pl.scan_parquet(path, glob=False).select(pl.exclude(BOUNDS)).collect()
    except UNREADABLE as error:
        raise JobDamaged(f"{path}: cannot be read ({error}); see cogtrace verify") from error
