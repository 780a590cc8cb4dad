"""Files that options name: which options these are, and what stands in them.

An option says by ``"format": "path"`` in its schema that it is the path of a file or folder
which the plugin reads, or a list of such. What stands there decides the result as the option
itself does, so it is recorded by its hash, and a job is resumed only with the same.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cogtrace.errors import OptionError
from cogtrace.plugins.guidance import PATH_FORMAT, GuidanceKind
from cogtrace.plugins.pipeline.records import FileRead


def is_path(kind: GuidanceKind, option: str) -> bool:
    """Say whether an option of a plugin is declared to name a file or folder."""
    declared = kind.options.get("properties", {}).get(option)
    return isinstance(declared, Mapping) and declared.get("format") == PATH_FORMAT


def files_read(kind: GuidanceKind, options: Mapping[str, Any]) -> tuple[FileRead, ...]:
    """Return what stands in the files that options name.

    Raises:
        OptionError: one of them is not there or cannot be read.
    """
    return tuple(
        FileRead(option=option, path=path, sha256=_hash(kind, option, path))
        for option, value in options.items()
        if is_path(kind, option)
        for path in (value if isinstance(value, list) else [value])
        if isinstance(path, str)
    )


def _hash(kind: GuidanceKind, option: str, path: str) -> str:
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            return _hash_of_folder(Path(path))
        if stat.S_ISREG(mode):
            return _hash_of_file(Path(path))
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or error
        raise OptionError(
            f"--with {kind.name}: {option} {path}: cannot be read ({reason})"
        ) from error
    raise OptionError(
        f"--with {kind.name}: {option} {path}: is neither a file nor a folder; a pipe cannot be "
        "read twice, so write it to a file first"
    )


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_of_folder(folder: Path) -> str:
    """Return a hash over the names and contents of all files of a folder but hidden ones."""
    whole = hashlib.sha256()
    for name, path in sorted(_files(folder, "")):
        whole.update(f"{name}\0{_hash_of_file(path)}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _files(folder: Path, before: str) -> Iterator[tuple[str, Path]]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        name = f"{before}{entry.name}"
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry, f"{name}/")
        elif entry.is_file():
            yield name, entry
