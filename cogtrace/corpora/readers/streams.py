"""Opening inputs: plain, compressed, or standard input; always as bytes."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from pathlib import Path
from typing import IO, Any, Final, cast

from cogtrace.errors import InputError

COMPRESSED: Final = (".gz", ".zst")
STDIN: Final = "-"
_CHUNK: Final = 1 << 17

# What a damaged archive raises while it is read.
if sys.version_info >= (3, 14):
    from compression import zstd

    DAMAGED: Final = (EOFError, OSError, zlib.error, zstd.ZstdError)
else:
    DAMAGED: Final = (EOFError, OSError, zlib.error)


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


def require_readable(path: str, folder: bool = False) -> int | None:
    """Return the size of an input in bytes; raise if it can't be read.

    None for a stream, and for a folder where the format asks for one.

    Raises:
        InputError: it is missing, a folder, or may not be read.
    """
    if path == STDIN:
        return None
    try:
        if folder:
            next(Path(path).iterdir(), None)
            return None
        if Path(path).is_dir():
            raise InputError(f"{path}: is a folder; name the files in it, e.g. {path}/*.jsonl")
        with Path(path).open("rb"):
            return Path(path).stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: OSError) -> InputError:
    """Return the error that says why an input cannot be read."""
    if isinstance(error, NotADirectoryError):
        return InputError(f"{path}: is no folder; this format is one")
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path}: no such file")
    return InputError(f"{path}: cannot be read ({error.strerror or error})")


def _open_zst(path: str) -> IO[bytes]:
    if sys.version_info >= (3, 14):
        return cast(IO[bytes], zstd.open(path, "rb"))
    return io.BufferedReader(_ZstdFile(path), buffer_size=_CHUNK)


class _ZstdFile(io.RawIOBase):
    """The content of a zstd file, frame after frame.

    Unlike the reader of the library, it tells a file that was cut short from a whole one.
    """

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - closed with this object
        self._ready = b""
        self._compressed = b""
        self._frame: Any = None

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``; return how far, 0 at the end."""
        while not self._ready:
            compressed = self._compressed or self._file.read(_CHUNK)
            if not compressed:
                if self._frame is not None:
                    raise EOFError("the compressed file was cut short")
                return 0
            self._decompress(compressed)
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _decompress(self, compressed: bytes) -> None:
        import zstandard

        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            self._ready = self._frame.decompress(compressed)
        except zstandard.ZstdError as error:
            raise OSError(f"not a zstd file, or damaged ({error})") from error
        self._compressed = b""
        if self._frame.eof:
            self._compressed = self._frame.unused_data
            self._frame = None
