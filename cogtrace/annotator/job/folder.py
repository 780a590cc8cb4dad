"""Names of the files in a job folder, and writing them so that a crash cannot tear them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import filelock

from cogtrace.errors import JobError, JobLocked

TRACES: Final = "traces"
ANNOTATIONS: Final = "annotations"
_TEMPORARY: Final = ".tmp"
# What an annotator keeps of its own; there before the manifest, for an engine may not start.
_ANSWERS: Final = "answers.sqlite"


class JobFolder:
    """A job folder by its path. Making one touches nothing on disk."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.manifest = self.path / "manifest.json"
        self.taxonomy = self.path / "taxonomy.json"
        self.ledger = self.path / "ledger.jsonl"
        self.quarantine = self.path / "quarantine.jsonl"
        self._lock = self.path / ".lock"

    def part(self, table: str, number: int) -> Path:
        """Return the path of a part of one of the tables TRACES and ANNOTATIONS."""
        return self.path / table / f"part-{number:05d}.parquet"

    def parts(self, table: str) -> list[Path]:
        """Return the parts of a table that are on disk, committed or not."""
        return sorted((self.path / table).glob("part-*.parquet"))

    def is_job(self) -> bool:
        """Say whether there is a job here."""
        return self.manifest.is_file()

    def require_job(self) -> None:
        """Raise JobError, naming the remedy, if there is no job here."""
        if not self.is_job():
            raise JobError(
                f"{self.path}: no job here (no {self.manifest.name}); "
                "give the folder that was --out of 'cogtrace annotate'"
            )

    def require_free(self) -> None:
        """Raise JobError, naming the remedy, if the folder is not fit for a new job."""
        if self.path.exists() and not self.path.is_dir():
            raise JobError(f"{self.path}: is a file; choose a folder for --out")
        if self.is_job():
            raise JobError(
                f"{self.path}: holds a job already; nothing was touched. Continue it with "
                "--resume, or choose another --out"
            )
        # A job that ended before its manifest was written leaves no more than these.
        ours = (f"{_TEMPORARY}-", _ANSWERS) if self._lock.exists() else f"{_TEMPORARY}-"
        strangers = [
            path.name
            for path in self._entries()
            if path.name != self._lock.name and not path.name.startswith(ours)
        ]
        if strangers:
            raise JobError(
                f"{self.path}: not empty ({', '.join(sorted(strangers)[:3])}) and no cogtrace "
                "job; nothing was touched. Choose another --out"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; the operating system frees it at a crash.

        Raises:
            JobLocked: another process holds it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self._lock, timeout=0)
            lock.acquire()
        except filelock.Timeout as error:
            raise JobLocked(
                f"{self.path}: another job is writing to this folder; wait for it, or choose "
                "another --out"
            ) from error
        except OSError as error:
            raise JobError(f"{self.path}: cannot be written to ({error.strerror})") from error
        try:
            yield
        finally:
            lock.release()

    def remove_uncommitted(self, committed: set[Path]) -> None:
        """Remove temporary files and parts that no ledger line names."""
        for folder in (self.path, self.path / TRACES, self.path / ANNOTATIONS):
            for path in list(folder.glob(f"{_TEMPORARY}-*")):
                path.unlink()
        for table in (TRACES, ANNOTATIONS):
            for path in self.parts(table):
                if path not in committed:
                    path.unlink()

    def _entries(self) -> list[Path]:
        return list(self.path.iterdir()) if self.path.is_dir() else []


def temporary(path: Path, process: int | None = None) -> Path:
    """Return the name under which ``path`` is written before it counts.

    It holds the number of the writing process (this one by default), so that a process
    that outlives its job cannot write into the file of the next one.
    """
    return path.with_name(f"{_TEMPORARY}-{process or os.getpid()}-{path.name}")


def publish(written: Path, path: Path) -> None:
    """Give a finished temporary file its name, durably."""
    with written.open("rb+") as file:
        os.fsync(file.fileno())
    written.replace(path)
    sync_folder(path.parent)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that any reader, and any crash, sees the old or the new one."""
    written = temporary(path)
    written.write_bytes(content)
    publish(written, path)


def append_durably(path: Path, content: bytes) -> int:
    """Append to a file, sync it, and return its size."""
    with path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
