"""Answers to chat requests in OpenAI's form, whole and as chunks, made from what was found."""

from __future__ import annotations

import secrets
import time
from typing import Any

import msgspec

from cogtrace.plugins.pipeline import GuidanceRun
from cogtrace.server.account import Account
from cogtrace.server.errors import ProxyError

Body = dict[str, Any]


def with_usage(body: bytes, account: Account) -> bytes:
    """Return an answer of the upstream's with the usage of everything; all else untouched.

    Raises:
        ProxyError: it is no answer.
    """
    try:
        fields: Body = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        own = msgspec.json.decode(fields.get("usage", b"null"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProxyError(
            502, "the upstream's answer cannot be read", "upstream_bad_answer"
        ) from None
    fields["usage"] = account.usage(own)
    return msgspec.json.encode(fields)


def made(run: GuidanceRun, account: Account) -> Body:
    """Return the answer that a run came to.

    The upstream's own, with tools and all, if it answered the request itself.
    """
    answer = _sampled(run, account) or _composed(run, account)
    answer["usage"] = account.usage(answer.get("usage"))
    return answer


def chunks(answer: Body, *, shows_usage: bool) -> list[Body]:
    """Return an answer as the chunks of a stream."""
    kept = ("id", "created", "model", "system_fingerprint", "service_tier")
    head = {name: answer[name] for name in kept if name in answer}
    head["object"] = "chat.completion.chunk"
    found: list[Body] = []
    for choice in answer.get("choices", []):
        index, message = choice.get("index", 0), dict(choice.get("message") or {})
        delta: Body = {name: value for name, value in message.items() if value is not None}
        if isinstance(delta.get("tool_calls"), list):
            calls = enumerate(delta["tool_calls"])
            delta["tool_calls"] = [{"index": place, **call} for place, call in calls]
        first = {"index": index, "delta": delta, "finish_reason": None}
        if choice.get("logprobs") is not None:
            first["logprobs"] = choice["logprobs"]
        last = {"index": index, "delta": {}, "finish_reason": choice.get("finish_reason")}
        found += [head | {"choices": [first]}, head | {"choices": [last]}]
    if shows_usage:
        found.append(head | {"choices": [], "usage": answer.get("usage")})
    return found


def _sampled(run: GuidanceRun, account: Account) -> Body | None:
    chosen = run.choice.candidate if run.choice is not None else None
    candidate = next((c for c in run.candidates if c.id == chosen), None)
    if candidate is None:
        return None
    if run.answer is not None and run.answer != candidate.answer:
        return None  # the chooser's own words
    body = next((body for text, body in account.answers if text == candidate.text), None)
    return None if body is None else msgspec.json.decode(body)


def _composed(run: GuidanceRun, account: Account) -> Body:
    message: Body = {"role": "assistant", "content": None}
    chosen = run.choice.candidate if run.choice is not None else None
    candidate = next((c for c in run.candidates if c.id == chosen), None)
    if run.outcome == "clarification" and run.clarification is not None:
        message["content"] = run.clarification.question
    elif candidate is not None and run.answer in (None, candidate.answer):
        message["content"] = candidate.text
        if candidate.reasoning:  # under both names, as clients know one or the other
            message["reasoning"] = message["reasoning_content"] = candidate.reasoning
    elif run.answer is not None:
        message["content"] = run.answer
    else:
        message["refusal"] = "No answer to the question was good enough to be kept."
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": account.model or "",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
    }
