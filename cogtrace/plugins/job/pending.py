"""What is kept of a part until it is whole: every answer of a model, every finished task.

One file of JSON lines per part. A line is handed to the operating system when it is
written, so a process that is killed loses none; the disk has it within a second. When a
part is committed, its file is removed.

A task that was cut off is run again when the job goes on, and its calls are answered from
here: what was paid for is not paid for again.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from pathlib import Path
from typing import Final

import msgspec

from cogtrace.engines import Request, Result
from cogtrace.engines.recording import request_hash
from cogtrace.errors import JobDamaged
from cogtrace.jobs.budget import added
from cogtrace.jobs.files import sync_folder, truncate
from cogtrace.plugins.pipeline.course import storable, usage_of
from cogtrace.plugins.pipeline.records import GuidanceRun
from cogtrace.records import Usage


class _Asked(msgspec.Struct, frozen=True, kw_only=True, tag="call"):
    """An answer of a model, and what was asked."""

    name: str  # of the task and plugin
    request: str  # hash of all that was asked
    result: Result


class _Finished(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """A task that is done."""

    run: GuidanceRun


_DECODE: Final = msgspec.json.Decoder(_Asked | _Finished)
_encode: Final = msgspec.json.Encoder().encode


class Pending:
    """What is kept of one part.

    Raises:
        JobDamaged: a line of its file is unreadable.
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.runs: dict[str, GuidanceRun] = {}  # that an earlier process finished, by task
        self.usage = Usage()  # of all calls so far
        self._known: dict[tuple[str, str], list[Result]] = defaultdict(list)
        self._descriptor: int | None = None
        self._dirty = False
        if path.exists():
            self._read()

    def recall(self, request: Request) -> Result | None:
        """Return the answer that is known for a request, once."""
        known = self._known.get((_name(request), identity(request))) if self._known else None
        return known.pop(0) if known else None

    def keep(self, request: Request, result: Result) -> None:
        """Keep an answer."""
        self.usage = added(self.usage, usage_of(result))
        line = _Asked(name=_name(request), request=identity(request), result=storable(result))
        self._write(_encode(line) + b"\n")

    def finish(self, run: GuidanceRun) -> None:
        """Keep a finished task."""
        self._write(_encode(_Finished(run=run)) + b"\n")

    def sync(self) -> None:
        """Make sure that the disk has everything."""
        if (descriptor := self.unsynced()) is not None:
            sync_and_close(descriptor)

    def unsynced(self) -> int | None:
        """Return a descriptor of its own to sync and close, perhaps in a thread; None if synced."""
        if self._descriptor is None or not self._dirty:
            return None
        self._dirty = False
        return os.dup(self._descriptor)

    def close(self) -> None:
        """Let go of the file; what is in it stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """Remove the file: the part is committed."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _write(self, line: bytes) -> None:
        if self._descriptor is None:
            made = not self._path.parent.exists()
            self._path.parent.mkdir(exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._descriptor = os.open(self._path, flags, 0o644)
            if made:
                sync_folder(self._path.parent.parent)
            sync_folder(self._path.parent)
        self._dirty = True
        written = 0
        while written < len(line):
            written += os.write(self._descriptor, line[written:])

    def _read(self) -> None:
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1  # a kill may have torn the last line
        truncate(self._path, whole)
        for number, line in enumerate(content[:whole].splitlines(), start=1):
            try:
                kept = _DECODE.decode(line)
            except msgspec.MsgspecError as error:
                raise JobDamaged(
                    f"{self._path}, line {number}: unreadable ({error}); remove the file to "
                    "have the part asked again"
                ) from error
            if isinstance(kept, _Finished):
                self.runs[kept.run.task_id] = kept.run
                continue
            self.usage = added(self.usage, usage_of(kept.result))
            if kept.result.failure is None:
                self._known[kept.name, kept.request].append(kept.result)


def sync_and_close(descriptor: int) -> None:
    """Make the disk take what was written, and let go of a descriptor."""
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def identity(request: Request) -> str:
    """Return a hash over all that decides an answer."""
    rest = f"\0{request.temperature!r}\0{request.max_tokens}"
    return hashlib.sha256((request_hash(request) + rest).encode()).hexdigest()[:24]


def task_of(request: Request) -> str:
    """Return the id of the task that a request of the pipeline is for."""
    return request.key.rsplit("/", 2)[0]


def _name(request: Request) -> str:
    return request.key.rpartition("/")[0]
