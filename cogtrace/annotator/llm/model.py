"""What the LLM annotator works with: its options, questions, windows and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from cogtrace.taxonomy.model import Element

Ask = Literal["element", "group", "all"]

# Where the sentences of a text begin and end; ``ranges[n - 1]`` is sentence n.
Ranges = list[tuple[int, int]]


class LlmOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What decides the answers, beside model and taxonomy."""

    ask: Ask = "group"  # one question per element, per dimension, or one for all
    votes: int = 1  # answers per question, for self-consistency
    evidence: int = 4  # pieces of evidence per element at most
    reason_chars: int = 80  # length of a reason at most
    quotes: bool = False  # ask for a verbatim quote within each range
    shots_tokens: int = 1_500  # budget of the worked examples in the system part
    window_tokens: int | None = None  # of trace text per prompt; None: what fits
    overlap: int = 4  # sentences that a window repeats of the one before
    max_windows: int = 8  # a trace that needs more is quarantined
    temperature: float | None = None  # None: 0, or 0.7 with several votes
    prompts: str = "v1"  # a bundled set of prompts, or a folder of one's own
    audit: float = 0.05  # hybrid: share of the ruled-out pairs that is asked all the same

    def resolved_temperature(self) -> float:
        """Return the sampling temperature: several votes must be able to differ."""
        if self.temperature is not None:
            return self.temperature
        return 0.0 if self.votes == 1 else 0.7


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked at once: one element or several."""

    id: str  # the element's, the dimension's, or "all"
    elements: tuple[Element, ...]


class Line(msgspec.Struct, frozen=True, gc=False):
    """A sentence, or a piece of a very long one, as a window shows it.

    There is one for every sentence of a corpus, hence nothing for the garbage collector.
    """

    sentence: int  # its number, from 1
    start: int  # code points of the trace's text, half-open
    end: int


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive lines of a trace that fit into one prompt."""

    lines: tuple[Line, ...]

    @property
    def first(self) -> int:
        """Number of the first sentence shown."""
        return self.lines[0].sentence

    @property
    def last(self) -> int:
        """Number of the last sentence shown."""
        return self.lines[-1].sentence


@dataclass(frozen=True, slots=True)
class Evidence:
    """A range of sentences, both included, and perhaps words within it."""

    first: int
    last: int
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says of one element in one window."""

    score: int
    evidence: tuple[Evidence, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an answer is of no use for an element."""

    code: str  # e.g. "reversed-range"; the reason in quarantine
    message: str  # for the model's second try, and for people


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer after reading: each element asked about is in exactly one of the two."""

    verdicts: dict[str, Verdict]
    problems: dict[str, Problem]
