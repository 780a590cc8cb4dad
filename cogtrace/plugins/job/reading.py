"""Reading the folder of a guidance job back, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl

from cogtrace.errors import JobDamaged
from cogtrace.jobs.damage import UNREADABLE
from cogtrace.jobs.quarantine import read_quarantine
from cogtrace.plugins.job.folder import RUNS, GuideFolder
from cogtrace.plugins.job.ledger import Entry, Ledger
from cogtrace.plugins.job.manifest import read_manifest
from cogtrace.plugins.job.tables import runs_of
from cogtrace.plugins.pipeline.records import GuidanceRun
from cogtrace.records import Quarantined


class RunReader:
    """The committed content of the folder of a guidance job.

    Raises:
        JobError: there is no job in the folder.
        JobDamaged: its manifest or ledger cannot be read.
    """

    def __init__(self, folder: GuideFolder | Path | str) -> None:
        self.folder = folder if isinstance(folder, GuideFolder) else GuideFolder(folder)
        self.manifest = read_manifest(self.folder)
        self.entries: list[Entry] = Ledger(self.folder.ledger).read()

    def files(self) -> list[Path]:
        """Return the committed files, in order."""
        return [
            self.folder.path / ref.table / ref.name
            for entry in self.entries
            for ref in entry.files
            if ref.table == RUNS
        ]

    def runs(self) -> Iterator[GuidanceRun]:
        """Yield the record of each task, in the order in which they were worked through.

        Raises:
            JobDamaged: a part cannot be read.
        """
        for path in self.files():
            try:
                yield from runs_of(pl.read_parquet(path))
            except (*UNREADABLE, msgspec.MsgspecError) as error:
                raise JobDamaged(
                    f"{path}: cannot be read ({error}); see cogtrace verify"
                ) from error

    def quarantined(self) -> Iterator[Quarantined]:
        """Return the committed rows of the quarantine.

        Raises:
            JobDamaged: a row cannot be read.
        """
        size = self.entries[-1].quarantine_bytes if self.entries else 0
        return read_quarantine(self.folder.quarantine, size)
