"""A first look at annotations made elsewhere: which labels and columns there are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Final

from cogtrace.corpora.readers.choosing import named
from cogtrace.corpora.readers.columns import guess_columns
from cogtrace.corpora.readers.streams import STDIN, require_readable
from cogtrace.corpora.readers.traces import Input
from cogtrace.errors import InputError
from cogtrace.extensions import ReaderKind

_SAMPLE: Final = 20  # rows looked at to guess the columns


@dataclass(slots=True)
class Survey:
    """What a first reading of all inputs found."""

    sources: list[Input]
    labels: set[str] = field(default_factory=set)
    scored: bool = False  # whether rows score their labels
    digests: list[str] = field(default_factory=list)  # of the files
    refused: str = ""  # the first row that is none, and why


def survey(kind: ReaderKind, paths: Sequence[str], overrides: dict[str, str]) -> Survey:
    """Read all inputs once; return what they are about.

    Raises:
        InputError: an input cannot be read at all, or no column can be the text.
    """
    files = list(dict.fromkeys(file for path in paths for file in _files(kind, path)))
    found = Survey([Input(file, kind.name, require_readable(file), _stem(file)) for file in files])
    unscored = False
    for source in found.sources:
        sample: list[dict[str, Any]] = []
        for row in kind.read(source.path):
            if row.data is None and not found.refused:
                found.refused = f"{source.path}:{row.line}: {row.message}"
            if row.data is not None and len(sample) < _SAMPLE:
                sample.append(row.data)
            if row.labels is not None:
                labels = row.labels
                found.labels.update(labels.faults, (mark.label for mark in labels.marks))
                found.labels.update(labels.scores or ())
                found.scored |= labels.scores is not None
                unscored |= labels.scores is None
        if kind.texts:
            source.columns = guess_columns(sample, overrides, source.path)
        with Path(source.path).open("rb") as file:
            found.digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    if found.scored and unscored:
        raise InputError(f"--from {kind.name}: some rows score their labels and some do not")
    return found


def _files(kind: ReaderKind, path: str) -> list[str]:
    if path == STDIN:
        raise InputError("an import reads its input twice; give files, not standard input")
    if not Path(path).is_dir() or kind.folders:
        return [path]
    files = sorted(str(file) for file in Path(path).iterdir() if named(file.name, [kind]))
    if not files:
        raise InputError(f"{path}: no file of {' or '.join(kind.suffixes) or 'a known name'} in it")
    return files


def _stem(path: str) -> str:
    return PurePath(path).name.split(".")[0]
