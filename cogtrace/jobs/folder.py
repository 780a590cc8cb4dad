"""A job folder: the names of its files, who may write to it, what in it counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import filelock

from cogtrace.errors import JobError, JobLocked
from cogtrace.jobs.files import TEMPORARY


class Folder:
    """A job folder by its path. Making one touches nothing on disk."""

    TABLES: ClassVar[tuple[str, ...]] = ()  # folders of Parquet parts
    EARLY: ClassVar[tuple[str, ...]] = ()  # files that may be there before the manifest is
    VERB: ClassVar[str] = ""  # of the command line, that makes such a folder

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.manifest = self.path / "manifest.json"
        self.ledger = self.path / "ledger.jsonl"
        self.quarantine = self.path / "quarantine.jsonl"
        self._lock = self.path / ".lock"

    def part(self, table: str, number: int) -> Path:
        """Return the path of a part of one of the tables."""
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
                f"give the folder that was --out of 'cogtrace {self.VERB}'"
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
        ours = (f"{TEMPORARY}-", *(self.EARLY if self._lock.exists() else ()))
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
        for folder in (self.path, *(self.path / table for table in self.TABLES)):
            for path in list(folder.glob(f"{TEMPORARY}-*")):
                path.unlink()
        for table in self.TABLES:
            for path in self.parts(table):
                if path not in committed:
                    path.unlink()

    def _entries(self) -> list[Path]:
        return list(self.path.iterdir()) if self.path.is_dir() else []


def kind_of(folder: Path) -> str | None:
    """Return the kind of the job in a folder; None if there is none that says its kind.

    Manifests of annotation jobs do not say one.
    """
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # whoever reads it as a job says what is wrong with it
    kind = found.get("kind") if isinstance(found, dict) else None
    return kind if isinstance(kind, str) else None
