"""What it takes to go on with a job: recognising the input, and saying what is safe."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from cogtrace.errors import JobError, JobStopped
from cogtrace.jobs.batches import Intake
from cogtrace.jobs.folder import Folder
from cogtrace.records import SourceRow


class Reached(Protocol):
    """What a ledger line says of how far a job is."""

    @property
    def rows(self) -> int:
        """Rows of the input dealt with, this part included."""

    @property
    def rows_sha256(self) -> str:
        """Hash over all these rows."""


@contextmanager
def explaining(folder: Folder, entries: Sequence[object]) -> Iterator[None]:
    """Turn a write that failed into an error that says what is safe and what to do.

    Raises:
        JobStopped: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "no space left on the disk" if full else f"cannot write ({error.strerror or error})"
        raise JobStopped(
            f"{folder.path}: {what}; {len(entries)} parts are safe. Make room, then continue "
            "with --resume"
        ) from error


def skip_done(
    folder: Folder,
    rows: Iterable[SourceRow],
    limit: int | None,
    intake: Intake,
    done: Sequence[Reached],
) -> Iterator[SourceRow]:
    """Take in the rows that are done; return the others, up to a limit. Nothing is written.

    Raises:
        JobError: they are not the rows that the job was begun with.
    """
    remaining = itertools.islice(iter(rows), limit)
    last = done[-1].rows if done else 0
    for row in itertools.islice(remaining, last):
        intake.take(row)
    short = limit is not None and intake.rows == limit
    if (
        done
        and not (short and intake.rows < last)
        and (intake.rows != last or intake.rows_sha256() != done[-1].rows_sha256)
    ):
        raise JobError(
            f"{folder.path}: the input is not the one the job was begun with (its first "
            f"{last} rows differ); nothing was touched. Give the same input in the same order, "
            "or choose another --out"
        )
    return remaining
