"""A chat request as a task for plugins, and the request that goes out in the end.

All fields of the request stay as they came, byte for byte, but the last message of the
user, which gets the blocks of plugins around its text, and the system message. Plugins see
the earlier messages as text; what they do not see (images, calls of tools) stays too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from cogtrace.plugins.guidance import Message, Scaffold
from cogtrace.server.errors import ProxyError

Fields = dict[str, msgspec.Raw]

_FIELDS: Final = msgspec.json.Decoder(Fields)
_ROLES: Final[Mapping[str, Literal["system", "user", "assistant"]]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None


class _Said(msgspec.Struct):
    role: str
    content: str | list[msgspec.Raw] | None = None


_SAID: Final = msgspec.json.Decoder(_Said)
_MESSAGES: Final = msgspec.json.Decoder(list[msgspec.Raw])
_PART: Final = msgspec.json.Decoder(_Part)


class Unguidable(Exception):
    """A conversation that guidance has no place in; says why, in a word."""


@dataclass(slots=True)
class Conversation:
    """A chat request, read as far as guidance needs it."""

    fields: Fields  # as they came, without ``cogtrace``
    raw: list[msgspec.Raw]  # the messages
    said: list[_Said]
    question: str

    @property
    def history(self) -> tuple[Message, ...]:
        """What was said before the question, as far as it is text."""
        found = []
        for said in self.said[:-1]:
            role, text = _ROLES.get(said.role), _text(said.content)
            if role is not None and text:
                found.append(Message(role=role, content=text))
        return tuple(found)

    def number(self, name: str) -> float | None:
        """Return a field that is a number, or None."""
        try:
            found: float | None = msgspec.json.decode(self.fields[name], type=float | None)
        except (KeyError, msgspec.DecodeError):
            return None  # what is wrong with it the upstream will say
        return found

    def has(self, *names: str) -> str | None:
        """Return which of some fields the request sets to something, or None."""
        nothing = (b"null", b"false", b"[]", b"0")
        return next((n for n in names if bytes(self.fields.get(n, b"null")) not in nothing), None)

    @property
    def has_images(self) -> bool:
        """Say whether the question has parts that are no text."""
        content = self.said[-1].content
        return isinstance(content, list) and any(_part_text(part) is None for part in content)

    def wants_format(self) -> bool:
        """Say whether the answer is to be of a form that only the upstream can bind it to."""
        raw = self.fields.get("response_format")
        found = None if raw is None else msgspec.json.decode(raw)
        return isinstance(found, dict) and found.get("type") != "text"

    def guided(self, scaffolds: Sequence[Scaffold]) -> list[Any]:
        """Return the messages with the blocks of plugins in their places."""
        messages: list[Any] = list(self.raw)
        before = [block.text for block in scaffolds if block.position == "before"]
        after = [block.text for block in scaffolds if block.position == "after"]
        if before or after:
            messages[-1] = _around(self.raw[-1], self.said[-1], before, after)
        system = [block.text for block in scaffolds if block.position == "system"]
        if not system:
            return messages
        if len(self.said) > 1 and _ROLES.get(self.said[0].role) == "system":
            messages[0] = _around(self.raw[0], self.said[0], [], system)
        else:
            messages.insert(0, {"role": "system", "content": "\n\n".join(system)})
        return messages


def read_fields(body: bytes, model: str | None) -> Fields:
    """Return the fields of a request that are for the upstream, with the model's bare name."""
    try:
        fields = _FIELDS.decode(body)
    except msgspec.DecodeError as error:
        raise ProxyError(400, f"the body: {error}", "invalid_type") from None
    fields.pop("cogtrace", None)
    if model is not None:
        fields["model"] = msgspec.Raw(msgspec.json.encode(model))
    return fields


def read_conversation(fields: Fields) -> Conversation:
    """Read the messages of a request.

    Raises:
        Unguidable: it does not end with text of the user's.
        ProxyError: they are no messages.
    """
    if "messages" not in fields:
        raise ProxyError(400, "messages: is missing", "missing_field", param="messages")
    try:
        raw = _MESSAGES.decode(fields["messages"])
        said = [_SAID.decode(message) for message in raw]
        if not said:
            raise ProxyError(400, "messages: there is none", "invalid_value", param="messages")
        if said[-1].role != "user":
            raise Unguidable(f"the last message is of the role {said[-1].role[:40]!r}")
        question = _text(said[-1].content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProxyError(400, f"messages: {error}", "invalid_type", param="messages") from None
    if not question.strip():
        raise Unguidable("the last message has no text")
    return Conversation(fields, raw, said, question)


def _text(content: str | list[msgspec.Raw] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n\n".join(text for raw in content if (text := _part_text(raw)))


def _part_text(raw: msgspec.Raw) -> str | None:
    part = _PART.decode(raw)
    return part.text if part.type == "text" else None


def _around(
    raw: msgspec.Raw, said: _Said, before: Sequence[str], after: Sequence[str]
) -> dict[str, Any]:
    """Return a message with blocks around its text; all else in it stays as it is."""
    message: dict[str, Any] = _FIELDS.decode(raw)
    if not isinstance(said.content, list):
        text = [said.content] if said.content else []
        return message | {"content": "\n\n".join([*before, *text, *after])}
    parts: list[Any] = list(said.content)
    places = [place for place, part in enumerate(said.content) if _part_text(part)]
    last, first = (places[-1], places[0]) if places else (len(parts) - 1, 0)
    if after:
        parts.insert(last + 1, {"type": "text", "text": "\n\n".join(after)})
    if before:
        parts.insert(first, {"type": "text", "text": "\n\n".join(before)})
    return message | {"content": parts}
