"""The answers of a job, kept as they come, so that nothing is asked twice.

One row per unit: a question about a trace under a fingerprint. A killed job loses at
most the answers of the last fifth of a second; everything else is found again under the
same key, also by a later job in the same folder under other settings, which therefore
asks again only what these settings touch.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from cogtrace.errors import JobDamaged, JobLocked
from cogtrace.jobs.budget import added
from cogtrace.records import ElementAnnotation, Unanswered, Usage

_EVERY: Final = 64  # units per transaction, or
_EVERY_S: Final = 0.2  # seconds that a unit waits at most
_AT_ONCE: Final = 500  # keys per query; SQLite bounds them

# Rows go to the end of the table and only their keys into a tree: kept in the tree
# themselves, rows of this size take more room and about twice the time.
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS units (
    key BLOB PRIMARY KEY, question TEXT NOT NULL, fingerprint TEXT NOT NULL,
    failed INTEGER NOT NULL, outcome BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS spent (
    id INTEGER PRIMARY KEY CHECK (id = 0), usage BLOB NOT NULL
);
"""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a unit. Quotes are left out: they are in the trace."""

    elements: tuple[ElementAnnotation, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    usage: Usage = Usage()
    tally: dict[str, int] = {}


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A question about a trace under certain settings."""

    key: bytes
    question: str
    fingerprint: str


class GroupCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many units of a question are answered under a fingerprint."""

    question: str
    fingerprint: str
    answered: int
    failed: int


class AnswerStore:
    """The answers of a job folder. May be used from several threads.

    Raises:
        JobDamaged: the file is not what it should be, in any method.
        JobLocked: another process has the file open.
        OSError: the disk is full or broken; what could not be written goes on waiting.
        ValueError: the store is closed.
    """

    NAME: Final = "answers.sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._waiting: dict[bytes, tuple[bytes, str, str, int, bytes]] = {}
        self._owed = False  # whether ``_spent`` has grown since it was written
        self._closed = False
        self._ending = threading.Event()
        with self._explained():
            self._base = sqlite3.connect(path, check_same_thread=False)
            try:
                self._spent = self._prepare()
            except BaseException:
                self._base.close()
                raise
        self._clock = threading.Thread(target=self._keep_time, name="cogtrace-answers", daemon=True)
        self._clock.start()

    def _prepare(self) -> Usage:
        """Make the file ready; return what the job has cost."""
        self._base.execute("PRAGMA page_size=8192")  # holds several rows; only for a new file
        # One process at a time writes here (the folder is locked), so the journal
        # needs no shared memory, which network file systems do not have.
        self._base.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=NORMAL")
        self._base.executescript(_TABLES)
        row: Any = self._base.execute("SELECT usage FROM spent").fetchone()
        return Usage() if row is None else msgspec.json.decode(row[0], type=Usage)

    def _keep_time(self) -> None:
        """Write what waits while nothing new comes: a model may think for minutes."""
        while not self._ending.wait(_EVERY_S):
            try:
                self.flush()
            except (OSError, JobDamaged, JobLocked):
                continue  # all of it still waits, and close() meets and reports the same

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise ValueError(f"{self._path}: the store of answers is closed")
            try:
                yield
            except sqlite3.OperationalError as error:
                raise _explanation(self._path, error) from error
            except sqlite3.ProgrammingError:
                raise  # a mistake of the caller, not of the file
            except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
                raise JobDamaged(
                    f"{self._path}: damaged ({error}); move it away to have everything asked again"
                ) from error

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Outcome]:
        """Return the outcomes that are known, by key."""
        with self._explained():
            found = {key: self._waiting[key][-1] for key in keys if key in self._waiting}
            others = [key for key in keys if key not in found]
            for at in range(0, len(others), _AT_ONCE):
                some = others[at : at + _AT_ONCE]
                marks = ",".join("?" * len(some))
                found |= self._base.execute(
                    f"SELECT key, outcome FROM units WHERE key IN ({marks})", some
                )
            return {key: msgspec.json.decode(found[key], type=Outcome) for key in found}

    def put(self, unit: Unit, outcome: Outcome) -> None:
        """Keep what came of a unit."""
        content = msgspec.json.encode(outcome)
        failed = int(bool(outcome.unanswered))
        row = (unit.key, unit.question, unit.fingerprint, failed, content)
        with self._explained():
            self._waiting[unit.key] = row
            if len(self._waiting) >= _EVERY:
                self._flush()

    def spend(self, usage: Usage) -> None:
        """Add to what the job has cost; written with the next units."""
        with self._lock:
            self._spent = added(self._spent, usage)
            self._owed = True

    def spent(self) -> Usage:
        """Return what the job has cost, all its runs together. Also after closing."""
        with self._lock:
            return self._spent

    def forget_failed(self) -> int:
        """Forget the units without a usable answer, so that they are asked again."""
        with self._explained():
            self._flush()
            with self._base:
                return self._base.execute("DELETE FROM units WHERE failed").rowcount

    def counts(self) -> list[GroupCount]:
        """Return how many units there are, by question and fingerprint."""
        with self._explained():
            self._flush()
            rows = self._base.execute(
                "SELECT question, fingerprint, sum(1 - failed), sum(failed) FROM units "
                "GROUP BY question, fingerprint ORDER BY question, fingerprint"
            )
            return [
                GroupCount(question=question, fingerprint=fingerprint, answered=good, failed=bad)
                for question, fingerprint, good, bad in rows
            ]

    def flush(self) -> None:
        """Write what is waiting."""
        with self._explained():
            self._flush()

    def close(self) -> None:
        """Write what is waiting and let go of the file. May be called more than once."""
        self._ending.set()
        self._clock.join()
        with self._lock:
            if self._closed:
                return
            try:
                self.flush()
            finally:
                self._closed = True
                self._base.close()

    def _flush(self) -> None:
        if not (self._waiting or self._owed):
            return
        with self._base:
            self._base.executemany(
                "INSERT OR REPLACE INTO units VALUES (?, ?, ?, ?, ?)", self._waiting.values()
            )
            self._base.execute(
                "INSERT OR REPLACE INTO spent VALUES (0, ?)", (msgspec.json.encode(self._spent),)
            )
        self._waiting.clear()
        self._owed = False


def _explanation(path: Path, error: sqlite3.OperationalError) -> Exception:
    """Return what a failure of the database means to a job."""
    kind = error.sqlite_errorcode & 0xFF  # the other bits say where it happened
    if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        code = errno.ENOSPC if kind == sqlite3.SQLITE_FULL else errno.EIO
        return OSError(code, os.strerror(code), str(path))
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return JobLocked(f"{path}: another process has it open; wait for its end")
    return JobDamaged(f"{path}: cannot be used ({error})")


def without_quotes(entries: Sequence[ElementAnnotation]) -> tuple[ElementAnnotation, ...]:
    """Return entries as they are stored."""
    return tuple(
        msgspec.structs.replace(
            entry, spans=tuple(msgspec.structs.replace(s, quote="") for s in entry.spans)
        )
        for entry in entries
    )


def with_quotes(entries: Sequence[ElementAnnotation], text: str) -> tuple[ElementAnnotation, ...]:
    """Return stored entries with the quotes of their spans, cut from ``text``."""
    return tuple(
        msgspec.structs.replace(
            entry,
            spans=tuple(
                msgspec.structs.replace(s, quote=text[s.start : s.end]) for s in entry.spans
            ),
        )
        for entry in entries
    )
