"""The records that cross borders between the parts of cogtrace.

Offsets are Unicode code points, half-open, into the trace's text exactly as read.
Sentences are numbered from 1, both ends included. The JSON Schemas of the same names
in `cogtrace.schemas` are the public contract; these structs are its fast form.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, Literal, Protocol

import msgspec

Anchor = Literal["sentence", "exact", "folded", "fuzzy"]
ANCHORS: Final[tuple[Anchor, ...]] = ("sentence", "exact", "folded", "fuzzy")


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all records share: immutable, built by keyword, strict about fields.

    Those made in great numbers hold only strings, numbers and each other, so the garbage
    collector need not look at them (``gc=False``).
    """


class Trace(_Record, frozen=True, omit_defaults=True, kw_only=True):
    """A reasoning trace with what is known about it."""

    trace_id: str
    text: str
    question: str | None = None
    model: str | None = None
    task: str | None = None
    problem_type: str | None = None
    correct: bool | None = None
    answer: str | None = None
    reference_answer: str | None = None
    meta: dict[str, Any] = {}


class Span(_Record, frozen=True, gc=False, kw_only=True):
    """A stretch of a trace that shows an element: ``text[start:end] == quote``."""

    start: int
    end: int
    quote: str
    first_sentence: int
    last_sentence: int
    anchor: Anchor
    source: str  # the annotator that found it, e.g. "cue"
    confidence: float | None = None  # 0 to 1


class ElementAnnotation(_Record, frozen=True, gc=False, kw_only=True):
    """What one trace shows of one element."""

    element: str
    score: int  # 0 absent, 1 partial, 2 present
    spans: tuple[Span, ...] = ()
    explanation: str | None = None


class Usage(_Record, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What an annotation cost. Tokens are those the engine counted."""

    requests: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


class TaxonomyRef(_Record, frozen=True, gc=False, kw_only=True):
    """Which taxonomy was used, down to its content."""

    id: str
    version: str
    sha256: str


class AnnotatorRef(_Record, frozen=True, gc=False, kw_only=True):
    """Which annotator was used; equal fingerprints give equal annotations."""

    name: str
    version: str
    fingerprint: str


class Unanswered(_Record, frozen=True, gc=False, kw_only=True):
    """Elements that were asked about without getting a usable answer."""

    elements: tuple[str, ...]
    reason: str  # a short code, e.g. "reversed-range"
    message: str  # what is wrong, for people
    raw: str | None = None  # the answer, where there was one


class Annotation(_Record, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What one trace shows of every element that was asked about.

    An element that was not asked about has no entry; one that was, and is absent, has
    an entry of score 0; one that got no usable answer is among the unanswered. A trace
    that could not be annotated at all has no entries.
    """

    trace_id: str
    text_sha256: str
    sentences: int
    taxonomy: TaxonomyRef
    annotator: AnnotatorRef
    elements: tuple[ElementAnnotation, ...]
    usage: Usage | None = None
    unanswered: tuple[Unanswered, ...] = ()
    tally: dict[str, int] = {}  # what the annotator counted on the way, by name

    def of(self, element: str) -> ElementAnnotation | None:
        """Return the entry of ``element``, or None if it was not asked about."""
        return next((e for e in self.elements if e.element == element), None)


class Quarantined(_Record, frozen=True, kw_only=True):
    """What could not be annotated, kept so that nothing is lost: a row, or some elements of it."""

    file: str
    line: int  # from 1; the row's number where the format has no lines
    reason: str  # a short code, e.g. "bad-json"
    message: str  # what is wrong and what to do, for people
    trace_id: str | None = None
    raw: str | None = None  # the row, or the unusable answer; at most RAW_LIMIT characters
    raw_truncated: bool = False
    elements: tuple[str, ...] | None = None  # None: the whole row

    @classmethod
    def of(
        cls,
        file: str,
        line: int,
        reason: str,
        message: str,
        trace_id: str | None,
        raw: str | None,
        elements: tuple[str, ...] | None = None,
    ) -> Quarantined:
        """Build a row from all that was read, cut to what is kept."""
        return cls(
            file=file,
            line=line,
            reason=reason,
            message=message,
            trace_id=trace_id,
            raw=None if raw is None else raw[:RAW_LIMIT],
            raw_truncated=raw is not None and len(raw) > RAW_LIMIT,
            elements=elements,
        )


RAW_LIMIT: Final = 65_536


class SourceRow(_Record, frozen=True, kw_only=True):
    """One row of an input: a trace, or the reason why there is none."""

    file: str
    line: int
    value: Trace | Quarantined


class Annotator(Protocol):
    """Anything that reads traces and says what they show."""

    @property
    def ref(self) -> AnnotatorRef:
        """Name, version and fingerprint."""

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate a batch; one annotation per trace, in the same order.

        Raises:
            Stopped: it cannot or must not go on; the annotations of the first traces are
                in ``done``.
        """

    def spent(self) -> Usage | None:
        """Return what the whole job has cost so far; None where nothing is counted."""

    def close(self) -> None:
        """Let go of engines and files. May be called more than once."""


def text_sha256(text: str) -> str:
    """Return the hash by which records name a text: of its UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
