"""Reading the JSON folder of the reference code, record by record.

In reference mode a bad record takes its whole file with it, and "image" or "audio" in the
path of a file changes what counts as right, all as the reference code has it. In
corrected mode a bad record is left out alone, and paths mean nothing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from cogtrace.corpora.structure.corpus import UNKNOWN, Array, Builder, Corpus, Piece
from cogtrace.corpora.structure.reference_file import BAD, FileReader
from cogtrace.corpora.structure.settings import Mode
from cogtrace.errors import InputError


def load_reference(folder: Path, mode: Mode = "corrected", min_score: float = 2) -> Corpus:
    """Read every ``*.json`` of a folder, in order of their names.

    What had to be left out is in the notes of the corpus.

    Raises:
        InputError: there is no such file, or none of them holds a trace.
    """
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not paths:
        raise InputError(
            f"{folder}: no folder with *.json files; --from reference needs the annotations of "
            "the reference code, one file per model"
        )
    reading = _Reading(mode == "reference", min_score)
    for path in paths:
        reading.read(path)
    if not reading.traces:
        notes = "".join(f"; {note}" for note in reading.builder.notes[:3])
        raise InputError(f"{folder}: no trace in its {len(paths)} files{notes}")
    return reading.corpus()


class _Reading:
    """All files read so far. A trace is a model and a question; both may be met again."""

    def __init__(self, strict: bool, min_score: float) -> None:
        self.builder = Builder(min_score)
        self.traces: dict[tuple[str, str], int] = {}
        self._strict = strict
        self._types: dict[str, int] = {}  # of a question, from where it was met first
        self._questions: list[str] = []  # of each trace
        self._correct: list[int] = []  # of each trace, from where it was met last
        self._asked: list[int] = []
        self._parts: list[tuple[Array, ...]] = []  # owner, element, start, end

    def read(self, path: Path) -> None:
        """Read a file; what is wrong with it becomes a note."""
        file = FileReader(path, self.builder, strict=self._strict)
        try:
            file.read()
        except (*BAD, RecursionError, OSError) as error:
            self.builder.notes.append(f"{path.name}: left out whole ({_reason(error)})")
            return
        if file.lost:
            first = f"the first: {file.first_lost[0]!r}, {_reason(file.first_lost[1])}"
            self.builder.notes.append(f"{path.name}: {file.lost:,} records left out ({first})")
        self._keep(file)

    def _keep(self, file: FileReader) -> None:
        owners = np.empty(len(file.records), np.int32)
        for place, record in enumerate(file.records):
            number = self.builder.types.number(record.type) if record.type else UNKNOWN
            self._types.setdefault(record.question, number)
            key = (file.model or "", record.question)
            trace = self.traces.setdefault(key, len(self.traces))
            if trace == len(self._questions):
                self._questions.append(record.question)
                self._correct.append(UNKNOWN)
                self._asked.append(0)
            self._correct[trace] = UNKNOWN if record.correct is None else int(record.correct)
            self._asked[trace] = record.asked
            owners[place] = trace
        owner = np.repeat(owners, [record.spans for record in file.records])
        element, bounds = file.spans()
        usable = ~np.isnan(bounds).any(axis=1)
        if not usable.all():
            owner, element, bounds = owner[usable], element[usable], bounds[usable]
            self.builder.notes.append(
                f"{file.path.name}: {(~usable).sum():,} spans without usable offsets left out"
            )
        self._parts.append((owner, element, bounds[:, 0], bounds[:, 1]))

    def corpus(self) -> Corpus:
        """Return all that was read."""
        owner, element, start, end = (
            np.concatenate(part) for part in zip(*self._parts, strict=True)
        )
        if (owner[1:] < owner[:-1]).any():  # a trace was met again in a later place
            order = np.argsort(owner, kind="stable")
            owner, element, start, end = owner[order], element[order], start[order], end[order]
        self.builder.add(
            Piece(
                trace_type=np.array([self._types[name] for name in self._questions], np.int32),
                correct=np.array(self._correct, np.int8),
                asked=np.array(self._asked, np.int32),
                owner=owner,
                element=element,
                start=start,
                end=end,
            )
        )
        return self.builder.build()


def _reason(error: BaseException) -> str:
    """Say what is wrong with a record, in few words and without its content."""
    if isinstance(error, KeyError):
        return f"no {str(error.args[0])[:40]!r}" if error.args else "something is missing"
    if isinstance(error, msgspec.MsgspecError):
        return str(error)[:120]
    if isinstance(error, OSError):
        return str(error.strerror)
    return f"not as expected: {type(error).__name__}"


__all__ = ["load_reference"]
