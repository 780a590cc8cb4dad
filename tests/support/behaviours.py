"""What a loopback server may do with a request, from a proper answer to a cut connection."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from smallest import fitting

Body = dict[str, Any]
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that reached the server."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    raw: bytes
    at: float  # time.monotonic() when it had arrived whole

    @property
    def body(self) -> Body:
        """The JSON body."""
        decoded: Body = msgspec.json.decode(self.raw)
        return decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What becomes of one chat request; made by the functions below."""

    text: str | Callable[[Body], str] | None = None  # None: the smallest that fits
    message: dict[str, Any] = field(default_factory=dict)  # further fields of the message
    finish: str = "stop"
    usage: dict[str, Any] | None = None  # None: counted roughly, without cached tokens
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    payload: bytes | None = None  # instead of an answer
    delay: float = 0.0  # seconds before anything is sent
    share: float | None = None  # only this share of the bytes, then the connection is cut
    hang: bool = False  # never answer
    drip: bool = False  # one byte of the answer now and then
    events: tuple[bytes, ...] | None = None  # of a stream; None: the answer, word by word
    pace: float = 0.0  # seconds between events
    stop_after: int | None = None  # so many events of a stream, then the connection is cut


def answer(
    text: str | Callable[[Body], str] | None = None,
    *,
    finish: str = "stop",
    usage: dict[str, Any] | None = None,
    **message: Any,
) -> Behaviour:
    """Answer with a text, or with what a function makes of the request's body.

    Further keywords are fields of the message, e.g. ``reasoning="hm"``, ``refusal="no"``.
    """
    return Behaviour(text=text, finish=finish, usage=usage, message=message)


def status(
    code: int, message: str = "as the test wants", *, headers: dict[str, str] | None = None
) -> Behaviour:
    """Answer with an error, e.g. ``status(429, headers={"Retry-After": "1"})``."""
    error = {"message": message, "type": "test", "param": None, "code": code}
    return Behaviour(
        code=code, payload=msgspec.json.encode({"error": error}), headers=headers or {}
    )


def raw(payload: bytes, code: int = 200) -> Behaviour:
    """Answer with these bytes, whatever they are, as a whole and proper HTTP response."""
    return Behaviour(code=code, payload=payload)


def stream(*events: bytes, pace: float = 0.0, stop_after: int | None = None) -> Behaviour:
    """Answer with a stream: of these bytes, piece by piece, else of "ok", one word an event."""
    return Behaviour(events=events or None, pace=pace, stop_after=stop_after)


def drip() -> Behaviour:
    """Answer so slowly that it never ends, though something arrives all the time."""
    return Behaviour(drip=True)


def hang() -> Behaviour:
    """Never answer; the connection stays open."""
    return Behaviour(hang=True)


def cut(share: float = 0.5) -> Behaviour:
    """Cut the connection after a share of the answer; 0 before its first byte."""
    return Behaviour(share=share)


def truncated() -> Behaviour:
    """Answer properly as HTTP, but with half of the JSON."""
    return raw(b'{"id":"x","object":"chat.completion","choices":[{"index":0,"mess')


def wrong_schema() -> Behaviour:
    """Answer with JSON that fits no schema of anyone's."""
    return answer('{"something": "else entirely"}')


def blanks(count: int = 400) -> Behaviour:
    """Answer with blanks until the length limit is reached."""
    return answer(" \n" * (count // 2), finish="length")


def wait(seconds: float, then: Behaviour | None = None) -> Behaviour:
    """Wait, then behave as told (by default: answer)."""
    return replace(then or answer(), delay=seconds)


def is_streamed(seen: Seen) -> bool:
    """Say whether a request asks for a stream."""
    return b'"stream":' in seen.raw and seen.body.get("stream") is True


def events(seen: Seen, behaviour: Behaviour) -> list[bytes]:
    """Return the events of the answer to a chat, as vLLM sends them."""
    if behaviour.events is not None:
        return list(behaviour.events)
    whole = msgspec.json.decode(chat(seen, behaviour))
    message = whole["choices"][0]["message"]
    usage = bool((seen.body.get("stream_options") or {}).get("include_usage"))
    words = message.pop("content").split(" ")
    pieces = [word if place == 0 else f" {word}" for place, word in enumerate(words)]
    deltas: list[dict[str, Any]] = [{**message, "content": ""}]
    deltas += [{"content": piece} for piece in pieces]
    head = {name: whole[name] for name in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk"

    def chunk(choices: list[dict[str, Any]], **more: Any) -> bytes:
        more = more or ({"usage": None} if usage else {})
        return b"data: " + msgspec.json.encode(head | {"choices": choices} | more) + b"\n\n"

    found = [chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
    found.append(chunk([{"index": 0, "delta": {}, "finish_reason": behaviour.finish}]))
    if usage:
        found.append(chunk([], usage=whole["usage"]))
    return [*found, b"data: [DONE]\n\n"]


def chat(seen: Seen, behaviour: Behaviour) -> bytes:
    """Return the body of the answer to a chat."""
    if callable(behaviour.text):
        text = behaviour.text(seen.body)
    else:
        text = fitting(seen.raw) if behaviour.text is None else behaviour.text
    prompt, completion = len(seen.raw) // 4, max(1, len(text) // 4)
    usage = behaviour.usage or {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": None,
    }
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **behaviour.message},
        "finish_reason": behaviour.finish,
        "logprobs": None,
    }
    answered = {"id": f"chatcmpl-{next(_NUMBERS)}", "object": "chat.completion"}
    named = {"created": int(time.time()), "model": "tiny"}
    return msgspec.json.encode({**answered, **named, "choices": [choice], "usage": usage})
