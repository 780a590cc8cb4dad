"""Opening inputs: plain, compressed, or standard input; always as bytes."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import IO, Final, cast

from cogtrace.errors import InputError

COMPRESSED: Final = (".gz", ".zst")
STDIN: Final = "-"


def open_bytes(path: str) -> IO[bytes]:
    """Return an input opened for reading bytes, decompressed by its suffix.

    Raises:
        InputError: it is missing, a folder, or may not be read.
    """
    if path == STDIN:
        return sys.stdin.buffer
    try:
        if path.endswith(".gz"):
            return cast(IO[bytes], gzip.open(path, "rb"))
        if path.endswith(".zst"):
            return _open_zst(path)
        return Path(path).open("rb")
    except OSError as error:
        raise unreadable(path, error) from error


def require_readable(path: str) -> int | None:
    """Return the size of an input in bytes, None for a stream; raise if it can't be read.

    Raises:
        InputError: it is missing, a folder, or may not be read.
    """
    if path == STDIN:
        return None
    try:
        if Path(path).is_dir():
            raise InputError(f"{path}: is a folder; name the files in it, e.g. {path}/*.jsonl")
        with Path(path).open("rb"):
            return Path(path).stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: OSError) -> InputError:
    """Return the error that says why an input cannot be read."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path}: no such file")
    return InputError(f"{path}: cannot be read ({error.strerror or error})")


def _open_zst(path: str) -> IO[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return cast(IO[bytes], zstd.open(path, "rb"))
    import zstandard

    return cast(IO[bytes], zstandard.open(path, "rb"))
