"""Reading what a chat server sends: answers, the model's own reasoning, usage, errors.

Servers differ. The reasoning comes as `reasoning` (vLLM, OpenRouter), `reasoning_content`
(DeepSeek and many others) or inside think tags in the content; counts may be missing or
null; an error may come with status 200. Nothing here trusts more than it must.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from cogtrace.engines.base import Failure, FailureKind, Finish, TokenUsage
from cogtrace.printable import printable

_FINISH: Final[dict[str, Finish]] = {"length": "length", "content_filter": "filtered"}
_OPEN: Final = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE)
_CLOSE: Final = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_TOO_LONG: Final = re.compile(
    r"context[ _-]*(?:length|size|window)|maximum (?:model|input|sequence) length"
    r"|(?:prompt|input) (?:is|are) too long|too many (?:input )?tokens|max_model_len",
    re.IGNORECASE,
)
_QUOTA: Final = re.compile(r"insufficient_quota|exceeded your current quota|billing", re.IGNORECASE)
_MESSAGE_LIMIT: Final = 300


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek's name for cached tokens


class _Part(msgspec.Struct):
    text: str | None = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Chat(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


_CHAT: Final = msgspec.json.Decoder(_Chat)


class Answer(msgspec.Struct, frozen=True):
    """What a chat server answered."""

    text: str
    reasoning: str | None
    finish: Finish
    usage: TokenUsage
    failure: Failure | None = None


def read_answer(body: bytes) -> Answer:
    """Read the body of a chat answer that came with status 200.

    What is no answer at all (not JSON, no choices, an aborted one) has a ``failure`` of
    the kind "bad-answer", and its usage where that could be read.
    """
    try:
        chat = _CHAT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _bad(f"the server's answer cannot be read: {error}", TokenUsage())
    usage = _usage(chat.usage)
    if not chat.choices:
        detail = _shortened(_text_of(chat.error)) if chat.error else "it has no choices"
        return _bad(f"the server sent no answer: {detail}", usage)
    choice = chat.choices[0]
    if choice.finish_reason in ("abort", "error"):
        return _bad(f"the server ended the answer early ({choice.finish_reason})", usage)
    if choice.message.refusal:
        return Answer("", None, "filtered", usage)
    text, thought = split_thinking(_joined(choice.message.content))
    reasoning = choice.message.reasoning or choice.message.reasoning_content or thought
    return Answer(text, reasoning, _FINISH.get(choice.finish_reason or "", "stop"), usage)


def split_thinking(content: str) -> tuple[str, str | None]:
    """Return an answer without the think tags before it, and what was in them.

    A tag that is never closed takes everything: the model was cut while it thought. A
    closing tag without an opening one counts too, as templates put the opening one into
    the prompt, but not in text that begins as JSON: there it is part of a string.
    """
    opened = _OPEN.match(content)
    if opened is None and ("</" not in content or content.lstrip()[:1] in ("{", "[")):
        return content, None
    begin = opened.end() if opened else 0
    closed = _CLOSE.search(content, begin)
    if closed is None:
        return ("", content[begin:].strip()) if opened else (content, None)
    return content[closed.end() :].lstrip(), content[begin : closed.start()].strip()


def read_error(status: int, body: bytes, *, waits: bool = False) -> Failure:
    """Read an answer with an error status; ``waits``: it says when to come back."""
    detail = _text_of(_decoded(body))
    kind = _kind(status, detail, waits=waits)
    advice = _advice(kind, status)
    return Failure(kind=kind, message=f"status {status}: {_shortened(detail)}{advice}")


def concerns_all(status: int) -> bool:
    """Say whether a refusal with this status concerns all requests, not only this one."""
    return status in (401, 402, 403, 404, 405, 407, 429)


def _kind(status: int, detail: str, *, waits: bool) -> FailureKind:
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(detail)):
        return "too-long"
    if status == 429:
        return "rejected" if _QUOTA.search(detail) else "overloaded"
    if status == 408:
        return "timeout"
    if status >= 500:
        return "overloaded" if waits else "server-error"
    return "rejected"


def _advice(kind: FailureKind, status: int) -> str:
    if status in (401, 403):
        return " (set OPENAI_API_KEY to a key that this server accepts)"
    if status in (404, 405):
        return " (check --base-url and --model)"
    if 300 <= status < 400:
        return " (the server has moved; give its new address as --base-url)"
    if kind == "overloaded":
        return " (a lower --concurrency may help)"
    if kind == "rejected" and status == 429:
        return " (the account has no credit left)"
    return ""


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body[: 4 * _MESSAGE_LIMIT].decode("utf-8", "replace")


def _text_of(error: Any) -> str:
    """Return the message of an error in any of the forms that servers use."""
    if isinstance(error, dict):
        inner = error.get("error", error)
        if not isinstance(inner, dict):
            return str(inner)
        named = [inner.get(name) for name in ("message", "detail", "code", "type")]
        words = [value for value in named if isinstance(value, str) and value]
        return "; ".join(dict.fromkeys(words)) or str(inner)
    return str(error)


def _shortened(text: str) -> str:
    """Return text of the server's, on one line, short and safe to show."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= _MESSAGE_LIMIT else f"{line[:_MESSAGE_LIMIT]}…"


def _bad(message: str, usage: TokenUsage) -> Answer:
    return Answer("", None, "failed", usage, Failure(kind="bad-answer", message=message))


def _joined(content: str | list[_Part] | None) -> str:
    if isinstance(content, list):
        return "".join(part.text or "" for part in content)
    return content or ""


def _usage(usage: _Usage | None) -> TokenUsage:
    if usage is None:
        return TokenUsage()
    details = usage.prompt_tokens_details
    cached = details.cached_tokens if details else None
    prompt = max(0, usage.prompt_tokens or 0)
    return TokenUsage(
        prompt=prompt,
        cached=min(prompt, max(0, cached or usage.prompt_cache_hit_tokens or 0)),
        completion=max(0, usage.completion_tokens or 0),
    )
