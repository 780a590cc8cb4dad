"""Chat transcripts: each turn of an assistant is a trace.

A row is a transcript: an object with ``messages`` (or ``conversation``, ``conversations``,
``turns``), each message with a role and a content. The text of a trace is what the model
thought: its ``reasoning`` or ``reasoning_content``, else what stands in think tags before the
answer, else the whole content. The answer is kept apart where there is thought; the question
is what the user said last.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from cogtrace.corpora.readers.choosing import format_of, reader_of
from cogtrace.corpora.readers.raw import RawRow, shown
from cogtrace.engines.answers import split_thinking
from cogtrace.errors import InputError

_LISTS: Final = ("messages", "conversation", "conversations", "turns")
_IDS: Final = ("trace_id", "id", "conversation_id", "custom_id", "uid", "uuid")
_ASSISTANTS: Final = ("assistant", "gpt", "model", "bot")
_USERS: Final = ("user", "human")
_THOUGHT: Final = ("reasoning", "reasoning_content", "thinking")


@dataclass(frozen=True, slots=True)
class Turn:
    """What an assistant said, taken apart."""

    text: str  # the thought; where there is none, all it said
    answer: str | None  # None where the text is all there is


def chat_rows(path: str) -> Iterator[RawRow]:
    """Read transcripts, from lines, an array or a table.

    Rows are numbered by turn, over all transcripts; each knows the row of its transcript.
    A transcript without any turn of an assistant is a bad row.
    """
    number = 0
    for row in reader_of(_container(path)).read(path):
        for found in [row] if row.data is None else _turns(path, row.line, row.data):
            number += 1
            yield dataclasses.replace(found, line=number)


def _container(path: str) -> str:
    try:
        return format_of(path)
    except InputError:
        return "jsonl"  # what transcripts mostly are, whatever their file is called


def _turns(path: str, line: int, data: dict[str, Any]) -> list[RawRow]:
    column = next((name for name in _LISTS if isinstance(data.get(name), list)), None)
    if column is None:
        message = f"row {line}: none of {', '.join(_LISTS)} is a list of messages"
        return [RawRow(line, None, "no-messages", message, shown(data))]
    known = {key: value for key, value in data.items() if key != column}
    name = next((str(known.pop(key)) for key in _IDS if known.get(key) not in (None, "")), None)
    question: str | None = None
    turns: list[dict[str, Any]] = []
    for message in data[column]:
        role = _role(message)
        if role in _USERS:
            question = content_of(message)
        elif role in _ASSISTANTS and (turn := turn_of(message)) is not None:
            turns.append({"text": turn.text, "question": question, "model_answer": turn.answer})
    if not turns:
        nothing = f"row {line}: no message of an assistant says anything"
        return [RawRow(line, None, "no-turn", nothing, shown(data))]
    label = name or f"{PurePath(path).name}:{line}"
    rows = []
    for number, turn_data in enumerate(turns, start=1):
        place = {"transcript": line, "turn": number}
        # What the transcript says of itself goes with each turn; the turn's own goes first.
        own = {key: value for key, value in turn_data.items() if value is not None}
        rows.append({**known, **own, **place, "trace_id": numbered(label, number, len(turns))})
    return [RawRow(line, row) for row in rows]


def _role(message: Any) -> str:
    if not isinstance(message, Mapping):
        return ""
    return str(message.get("role") or message.get("from") or "").lower()


def turn_of(message: Mapping[str, Any]) -> Turn | None:
    """Return what a message of an assistant says; None if it says nothing."""
    content = content_of(message)
    for name in _THOUGHT:
        thought = message.get(name)
        if isinstance(thought, str) and thought.strip():
            return Turn(thought, content or None)
    if content is None or not content.strip():
        return None
    answer, inside = split_thinking(content)
    if inside is not None and inside.strip():
        return Turn(inside, answer or None)
    return Turn(content, None)


def content_of(message: Mapping[str, Any]) -> str | None:
    """Return the text of a message; parts that are no text are left out."""
    content = message.get("content", message.get("value"))
    if isinstance(content, Sequence) and not isinstance(content, str):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        content = "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else None


def numbered(name: str, number: int, count: int) -> str:
    """Return the id of one of several traces of a row."""
    return name if count == 1 else f"{name}#{number}"
