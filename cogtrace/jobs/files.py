"""Writing files so that a crash cannot tear them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

TEMPORARY: Final = ".tmp"  # begins the names of files that do not count yet


def temporary(path: Path, process: int | None = None) -> Path:
    """Return the name under which ``path`` is written before it counts.

    It holds the number of the writing process (this one by default), so that a process
    that outlives its job cannot write into the file of the next one.
    """
    return path.with_name(f"{TEMPORARY}-{process or os.getpid()}-{path.name}")


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


def truncate(path: Path, size: int) -> None:
    """Cut a file down to ``size`` bytes, if it is there and longer."""
    if path.exists() and path.stat().st_size > size:
        os.truncate(path, size)
