"""Streams of server-sent events: passed on as they come, with what was spent at their end.

Only events that have a usage, and the last one, are looked into; all others go through
untouched as soon as they are whole.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from cogtrace.engines import Result, TokenUsage
from cogtrace.engines.answers import split_thinking
from cogtrace.engines.base import Finish
from cogtrace.plugins.pipeline.course import PIPELINE
from cogtrace.server.account import Account, usage_of
from cogtrace.server.errors import ProxyError

CONTENT_TYPE: Final = b"text/event-stream; charset=utf-8"
HEADERS: Final = [
    (b"content-type", CONTENT_TYPE),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_EVENT: Final = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r)[\r\n]*", re.DOTALL)
_USAGE: Final = re.compile(rb'"usage"\s*:\s*\{')
_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
_MOST: Final = 8 << 20  # bytes of one event
_LINE: Final = re.compile(rb"\r\n|\n|\r")
_FINISH: Final[dict[str, Finish]] = {"length": "length", "content_filter": "filtered"}


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []


_CHUNK: Final = msgspec.json.Decoder(_Chunk)


class Events:
    """Cuts bytes into whole events."""

    def __init__(self, most: int) -> None:
        self._most = min(most, _MOST)
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """Return all events that are whole by now.

        Raises:
            ProxyError: one of them has no end.
        """
        rest = self._rest + piece if self._rest else piece
        places = [(rest.rfind(mark), len(mark)) for mark in _ENDS]
        end = max(place + length if place >= 0 else 0 for place, length in places)
        self._rest = rest[end:]
        if len(self._rest) > self._most:
            raise ProxyError(502, "an event of the upstream's is too large", "upstream_bad_answer")
        return rest[:end]

    @property
    def rest(self) -> bytes:
        """What is left of an event without an end."""
        return self._rest


class GuidedStream:
    """Takes the events of an answer and gives those for the client.

    Attributes:
        usage: what the upstream says the answer took.
        done: the last event has come.
    """

    def __init__(
        self, account: Account, plugins: list[str], *, shows_usage: bool, keeps_text: bool
    ) -> None:
        self._account = account
        self._plugins = plugins
        self._shows_usage = shows_usage
        self._keeps_text = keeps_text
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._finish: Finish = "stop"
        self.usage = TokenUsage()
        self.done = False

    def take(self, region: bytes) -> bytes:
        """Return what becomes of whole events."""
        plain = not self._keeps_text and b"[DONE]" not in region
        if plain and _USAGE.search(region) is None:
            return region
        return b"".join(map(self._event, _EVENT.findall(region)))

    def result(self) -> Result:
        """Return the answer as a whole, if its text was kept."""
        text, thought = split_thinking("".join(self._texts))
        return Result(
            text=text,
            finish=self._finish,
            reasoning="".join(self._thoughts) or thought,
            usage=self.usage,
        )

    def closing(self) -> bytes:
        """Put the answer on the account; return the comment about what was spent."""
        self._account.pay(PIPELINE, self.usage)
        told = self._account.summary(self._plugins)
        return comment(msgspec.json.encode(told).decode())

    def _event(self, event: bytes) -> bytes:
        data = data_of(event)
        if data == b"[DONE]" and not self.done:
            self.done = True
            return self.closing() + event
        if self._keeps_text and data:
            self._keep(data)
        if _USAGE.search(event) is None:
            return event
        return self._with_usage(event, data)

    def _with_usage(self, event: bytes, data: bytes) -> bytes:
        """Return an event with the usage of everything in it, or nothing if nobody asked."""
        try:
            chunk = msgspec.json.decode(data, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return event  # what it is the client may find out
        own = chunk.get("usage")
        if not isinstance(own, dict):
            return event
        self.usage = usage_of(own)
        if not self._shows_usage and not chunk.get("choices"):
            return b""
        chunk["usage"] = self._account.usage(own, self.usage)
        return b"data: " + msgspec.json.encode(chunk) + b"\n\n"

    def _keep(self, data: bytes) -> None:
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # no part of an answer
        for choice in chunk.choices:
            if choice.index:
                continue
            if choice.finish_reason:
                self._finish = _FINISH.get(choice.finish_reason, "stop")
            if choice.delta is not None:
                self._texts.append(choice.delta.content or "")
                thought = choice.delta.reasoning or choice.delta.reasoning_content
                self._thoughts.append(thought or "")


def data_of(event: bytes) -> bytes:
    """Return the data of an event."""
    lines = [line[5:] for line in _LINE.split(event) if line.startswith(b"data:")]
    return b"\n".join(line.removeprefix(b" ") for line in lines)


def comment(text: str) -> bytes:
    """Return a comment, which clients skip."""
    return f": cogtrace {' '.join(text.split())}\n\n".encode()


def event(data: bytes) -> bytes:
    """Return an event with JSON in it."""
    return b"data: " + data + b"\n\n"
