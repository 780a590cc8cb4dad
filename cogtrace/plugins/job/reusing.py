"""Taking records over from another job, so that only what went wrong there is run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from cogtrace.errors import JobError
from cogtrace.plugins.job.differing import difference, edited_files
from cogtrace.plugins.job.manifest import Manifest
from cogtrace.plugins.job.reading import RunReader
from cogtrace.plugins.job.tables import runs_of
from cogtrace.plugins.pipeline.records import GuidanceRun
from cogtrace.records import Trace

# Outcomes that another try, or an answer to the question back, may change.
AGAIN: Final = ("failed", "clarification")
# What must be the same for a record of one job to be one of the other.
SAME: Final = ("plan", "sampling", "model", "answer_kind", "seed")


class Reused:
    """The records of a job that another one need not make again.

    Raises:
        JobError: there is no job in the folder.
        JobDamaged: it cannot be read.
    """

    def __init__(self, reader: RunReader) -> None:
        self._reader = reader
        self._files = reader.files()

    def require_same(self, manifest: Manifest) -> None:
        """Raise JobError if the other job was made under other settings."""
        made = self._reader.manifest
        if edited := edited_files(made.plan, manifest.plan):
            raise JobError(
                f"--reuse {self._reader.folder.path}: {', '.join(edited)} is not what it was "
                "then; its records are not those of this job"
            )
        for what in SAME:
            before, wanted = getattr(made, what), getattr(manifest, what)
            if before != wanted:
                raise JobError(
                    f"--reuse {self._reader.folder.path}: was made with another {what} "
                    f"({difference(before, wanted)}); its records are not those of this job"
                )

    def of(self, traces: Sequence[Trace]) -> Mapping[str, GuidanceRun]:
        """Return the records that are there of some tasks, by task id."""
        if not self._files or not traces:
            return {}
        ids = [trace.trace_id for trace in traces]
        wanted = pl.col("task_id").is_in(ids) & ~pl.col("outcome").is_in(AGAIN)
        found = pl.scan_parquet(self._files).filter(wanted).collect()
        questions = {trace.trace_id: trace.text for trace in traces}
        return {
            run.task_id: run for run in runs_of(found) if questions[run.task_id] == run.question
        }
