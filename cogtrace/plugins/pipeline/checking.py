"""What hooks return, made sure of: nonsense is refused by name, before it does harm."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar

import msgspec

from cogtrace.plugins.guidance import (
    Candidate,
    Choice,
    Clarification,
    Message,
    Scaffold,
    Verdict,
)

# Far more than any method needs; what goes beyond is a mistake that would fill the memory.
MOST_SCAFFOLDS: Final = 64
MOST_CANDIDATES: Final = 1_024
MOST_VERDICTS: Final = 4_096
MOST_CHARS: Final = 2_000_000  # of all texts that one hook returns, together

RecordT = TypeVar("RecordT", bound=msgspec.Struct)


class Refused(Exception):
    """A hook returned what its specification does not allow."""


def checked_scaffolds(value: object) -> tuple[Scaffold, ...]:
    """Return blocks of text from what a `cogtrace_scaffolds` returned."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = Scaffold(text=value)
    items = value if isinstance(value, list | tuple) else [value]
    _few(items, MOST_SCAFFOLDS, "blocks")
    blocks = tuple(_checked(item, Scaffold) for item in items)
    _bounded(block.text for block in blocks)
    return tuple(block for block in blocks if block.text.strip())


def checked_clarification(value: object) -> Clarification | None:
    """Return the question back from what a `cogtrace_clarify` returned."""
    if value is None:
        return None
    asked = _checked(value, Clarification)
    if not asked.question.strip():
        raise Refused("returned a Clarification without a question")
    _bounded([asked.question, asked.flaw or ""])
    return asked


def checked_candidates(value: object) -> tuple[Candidate, ...] | None:
    """Return the candidates from what a `cogtrace_solve` returned."""
    if value is None:
        return None
    items = _listed(value, "Candidate")
    if not items:
        raise Refused("returned no candidate; return at least one, or None")
    _few(items, MOST_CANDIDATES, "candidates")
    found = tuple(_checked(item, Candidate) for item in items)
    if len({candidate.id for candidate in found}) != len(found):
        raise Refused("returned two candidates of the same id")
    for candidate in found:
        share = candidate.confidence
        if share is not None and not 0 <= share <= 1:
            raise Refused(f"candidate {candidate.id!r}: confidence {share} is not from 0 to 1")
    _bounded(c.text + (c.answer or "") + (c.reasoning or "") + c.id + c.source for c in found)
    return found


def checked_verdicts(value: object, known: Collection[str]) -> tuple[Verdict, ...]:
    """Return the verdicts from what a `cogtrace_judge` returned."""
    if value is None:
        return ()
    items = _listed(value, "Verdict")
    _few(items, MOST_VERDICTS, "verdicts")
    found = tuple(_checked(item, Verdict) for item in items)
    for verdict in found:
        if verdict.candidate not in known:
            raise Refused(f"judged {verdict.candidate!r:.80}, which is no candidate")
        if not (math.isfinite(verdict.weight) and verdict.weight >= 0):
            raise Refused(f"gave {verdict.candidate!r:.80} the weight {verdict.weight}")
    if len({verdict.candidate for verdict in found}) != len(found):
        raise Refused("judged a candidate twice")
    _bounded(verdict.reason for verdict in found)
    return found


def checked_choice(value: object, kept: Collection[str]) -> Choice | None:
    """Return the choice from what a `cogtrace_choose` returned."""
    if value is None:
        return None
    choice = _checked(value, Choice)
    if choice.candidate is not None and choice.candidate not in kept:
        raise Refused(f"chose {choice.candidate!r:.80}, which is no candidate that was kept")
    _bounded([choice.answer or "", choice.reason])
    return choice


def checked_messages(prompt: object) -> tuple[Message, ...]:
    """Return the messages that a plugin wants to send."""
    if isinstance(prompt, str):
        messages: tuple[Message, ...] = (Message(role="user", content=prompt),)
    elif isinstance(prompt, Sequence) and prompt:
        messages = tuple(_checked(item, Message) for item in prompt)
    else:
        raise Refused(f"asked {_a(prompt)}; ask a string or a list of Message")
    _bounded((message.content for message in messages), "asked")
    return messages


def is_unicode(text: str) -> bool:
    """Say whether a text can be stored: half a surrogate pair cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _listed(value: object, what: str) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise Refused(f"returned {_a(value)}, not a list of {what}")
    return value


def _few(items: Sequence[object], most: int, what: str) -> None:
    if len(items) > most:
        raise Refused(f"returned {len(items):,} {what}; at most {most:,} are taken")


def _checked(value: object, kind: type[RecordT]) -> RecordT:
    """Return a record whose fields are what they should be; Structs do not look when made."""
    if not isinstance(value, kind):
        raise Refused(f"returned {_a(value)}, not {kind.__name__}")
    try:
        return msgspec.convert(msgspec.to_builtins(value), kind)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
        raise Refused(f"returned a {kind.__name__} that is none: {error}") from error


def _bounded(texts: Any, did: str = "returned") -> None:
    total = 0
    for text in texts:
        total += len(text)
        if total > MOST_CHARS:
            raise Refused(f"{did} more than {MOST_CHARS:,} characters")
        if not is_unicode(text):
            raise Refused(f"{did} text with half a surrogate pair, which is no character")


def _a(value: object) -> str:
    """Return what a value is, in words; its own repr may do anything."""
    try:
        shown = repr(value)[:60]
    except Exception:
        shown = ""
    return f"{type(value).__name__} {shown}".strip()
