"""Writing pieces of an export into a file, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cogtrace.errors import InputError


def save(pieces: Iterable[str | bytes], path: Path) -> None:
    """Write pieces under another name first: a failed export leaves no half file behind.

    Raises:
        InputError: the file cannot be written.
    """
    unfinished = path.with_name(f".tmp-{path.name}")
    try:
        with unfinished.open("wb") as file:
            file.writelines(
                piece if isinstance(piece, bytes) else piece.encode() for piece in pieces
            )
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        if unfinished.exists():
            unfinished.unlink()
