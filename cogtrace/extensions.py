"""What an extension registers, by name: engines, annotators, readers, writers; the hook marker.

A package extends cogtrace by an entry point in the group ``cogtrace`` whose object
implements hooks of `cogtrace.plugins.hookspecs`::

    from cogtrace.extensions import EngineKind, hookimpl

    @hookimpl
    def cogtrace_engines():
        return [EngineKind(name="mine", summary="my own server", build=MyEngine)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import pluggy

from cogtrace.engines.base import EngineSettings
from cogtrace.engines.kinds import EngineKind
from cogtrace.records import Annotation, Annotator, Trace, Usage
from cogtrace.taxonomy import Taxonomy

__all__ = [
    "GROUP",
    "AnnotatorKind",
    "AnnotatorSetup",
    "EngineKind",
    "Labels",
    "Mark",
    "RawRow",
    "ReaderKind",
    "Watch",
    "WriterKind",
    "hookimpl",
]

GROUP: Final = "cogtrace"
hookimpl = pluggy.HookimplMarker(GROUP)


class Watch(Protocol):
    """Who waits for a job: may ask it to stop, and is told how far it is."""

    def stop_reason(self) -> str | None:
        """Return why to stop as soon as possible, or None to go on."""

    def progressed(self, traces: int, usage: Usage, cost: float | None) -> None:
        """Take note: traces finished in this run, and what the whole job has cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorSetup:
    """What an annotator is built from. Can be pickled, for worker processes."""

    taxonomy: Taxonomy
    uncut: Taxonomy | None = None  # where ``taxonomy`` is only some elements of another one
    folder: Path | None = None  # of the job; None outside a job
    engine: EngineKind | None = None
    engine_settings: EngineSettings = field(default_factory=EngineSettings)
    options: dict[str, Any] = field(default_factory=dict)  # the annotator's own
    watch: Watch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorKind:
    """An annotator as it is registered. ``build`` must be importable by name.

    One with an ``argument`` takes what follows its name after a colon, as in
    ``--annotator model:FOLDER``; it finds it in its options, under "argument".
    """

    name: str
    summary: str
    build: Callable[[AnnotatorSetup], Annotator]
    needs_engine: bool = False
    argument: str | None = None  # what it is, for people, e.g. "FOLDER"
    # The file of the taxonomy that goes with an argument, where --taxonomy names none.
    taxonomy: Callable[[str], Path | None] | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a text that somebody gave a label; checked when it is imported.

    Offsets are code points, half-open. The quote, where there is one, must be what stands
    there.
    """

    label: str
    start: int
    end: int
    quote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of a row that comes annotated.

    ``scores`` has a score (0, 1, 2) for each label that was asked about, whether it was
    found or not. None says that the labels have no strength: 2 where one stands, 0 where
    it does not, of all labels that the input holds anywhere. Labels in ``whole`` may have a
    score without a mark: they were given to the trace, and to no place in it.
    """

    marks: tuple[Mark, ...] = ()
    scores: dict[str, int] | None = None
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)  # label: reason, message
    left_out: dict[str, int] = field(default_factory=dict)  # what was passed over, counted
    whole: frozenset[str] = frozenset()
    annotator: str | None = None  # who gave them, where the row says so


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of an input as its format gives it: its data, or why there is none."""

    line: int  # from 1
    data: dict[str, Any] | None
    reason: str = ""  # a short code, where data is None
    message: str = ""
    raw: str | None = None  # the row as read, where data is None
    labels: Labels | None = None  # of a reader that gives annotations


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderKind:
    """A file format as it is registered. ``read`` must be importable by name.

    ``read`` gets the path of one input and yields its rows, a bad one as a RawRow with a
    reason. It raises InputError only where the whole input is unreadable. It may be called
    more than once for one input.
    """

    name: str
    summary: str
    read: Callable[[str], Iterator[RawRow]]
    suffixes: tuple[str, ...] = ()  # of names that tell this format, without .gz and .zst
    gives: Literal["traces", "annotations"] = "traces"
    texts: bool = True  # False where the text of the traces has to come from elsewhere
    folders: bool = False  # True where an input is a folder


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterKind:
    """A form of export as it is registered. ``write`` must be importable by name.

    ``write`` gets traces with their annotations and the taxonomy, and yields pieces of text,
    or of bytes if it is ``binary``.
    """

    name: str
    summary: str
    write: Callable[[Iterable[tuple[Trace, Annotation]], Taxonomy], Iterator[str] | Iterator[bytes]]
    binary: bool = False
