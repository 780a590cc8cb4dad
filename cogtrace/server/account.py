"""What one guided request spends, and its calls to the upstream while they are under way."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from cogtrace.engines import Message, TokenUsage
from cogtrace.server.errors import ProxyError
from cogtrace.server.settings import Limits

_NOTHING: Final = TokenUsage()


@dataclass(slots=True)
class Spent:
    """What one plugin has spent."""

    calls: int = 0
    prompt: int = 0
    cached: int = 0
    completion: int = 0


@dataclass(slots=True)
class Account:
    """The purse of one request.

    Attributes:
        limit_field: the name by which the client's own limit goes.
        composed: the question as plugins see it put to the model, once all blocks are placed.
        final: the client's own request with these blocks; calls that ask ``composed`` send it.
        answers: what came of those calls: the texts and the bodies.
        failure: what the upstream last refused, or why it could not be asked.
        bound: why no more calls are made; None: they may be.
        step: the plugin whose call was made last.
    """

    model: str | None
    headers: Mapping[str, str]
    limits: Limits
    limit_field: str = "max_tokens"
    key: str = field(default_factory=lambda: secrets.token_hex(12))
    final: dict[str, Any] = field(default_factory=dict)
    composed: tuple[Message, ...] = ()
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    failure: ProxyError | None = None
    bound: str | None = None
    step: str = ""
    by_plugin: dict[str, Spent] = field(default_factory=dict)
    waited: float = 0.0
    closed: bool = False
    _calls: int = 0
    _held: int = 0
    _waiting: int = 0
    _since: float = 0.0
    _under_way: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def calls(self) -> int:
        """Calls that were made."""
        return self._calls

    @property
    def tokens(self) -> int:
        """Tokens of all prompts and answers."""
        return sum(spent.prompt + spent.completion for spent in self.by_plugin.values())

    def take(self, plugin: str, prompt_chars: int, max_tokens: int | None) -> int | None:
        """Take a call into account before it is made; return how long its answer may be.

        None: there is no bound. A prompt is held to have a token for three characters.

        Raises:
            ProxyError: the request has spent what it may.
        """
        limits = self.limits
        if self._calls >= limits.calls:
            self.bound = f"the request may make {limits.calls:,} calls, and they are made"
        elif limits.tokens is not None:
            left = limits.tokens - self.tokens - self._held - prompt_chars // 3 - 1
            if left < 1:
                self.bound = f"the request may spend {limits.tokens:,} tokens, and they are spent"
            else:
                max_tokens = left if max_tokens is None else min(left, max_tokens)
        if self.bound is not None:
            raise ProxyError(400, self.bound, "bound_reached")
        self._calls += 1
        self.step = plugin
        self.by_plugin.setdefault(plugin, Spent()).calls += 1
        return max_tokens

    def pay(self, plugin: str, usage: TokenUsage) -> None:
        """Add what a call has cost."""
        spent = self.by_plugin.setdefault(plugin, Spent())
        spent.prompt += usage.prompt
        spent.cached += usage.cached
        spent.completion += usage.completion

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time in here as time of the upstream's."""
        if self._waiting == 0:
            self._since = time.perf_counter()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if self._waiting == 0:
                self.waited += time.perf_counter() - self._since

    @contextmanager
    def calling(self, held: int) -> Iterator[None]:
        """Let the call that this task makes end with the request."""
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        self._held += held
        try:
            with self.waiting():
                yield
        finally:
            self._held -= held
            self._under_way.discard(task)

    def close(self) -> None:
        """End the calls that are under way: nobody waits for them any more."""
        self.closed = True
        for task in tuple(self._under_way):
            task.cancel()

    def summary(self, plugins: list[str]) -> dict[str, Any]:
        """Return what was spent, for the end of a stream."""
        spent = {name: s.prompt + s.completion for name, s in self.by_plugin.items()}
        return {
            "plugins": plugins,
            "calls": self.calls,
            "tokens": self.tokens,
            "tokens_by_plugin": spent,
        }

    def usage(self, own: Any, unpaid: TokenUsage = _NOTHING) -> dict[str, Any]:
        """Return the usage of an answer with all that was spent in its place.

        ``own`` is what the upstream says of the answer; its further fields are kept.
        ``unpaid`` is its part that is not yet on the account.
        """
        usage = dict(own) if isinstance(own, dict) else {}
        spent = self.by_plugin.values()
        prompt = sum(s.prompt for s in spent) + unpaid.prompt
        completion = sum(s.completion for s in spent) + unpaid.completion
        cached = sum(s.cached for s in spent) + unpaid.cached
        usage |= {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        details = usage.get("prompt_tokens_details")
        if isinstance(details, dict) or cached:
            details = details if isinstance(details, dict) else {}
            usage["prompt_tokens_details"] = details | {"cached_tokens": cached}
        return usage


def usage_of(data: Any) -> TokenUsage:
    """Return the tokens that a usage in an answer names; what it does not say is nothing."""
    try:
        found = msgspec.convert(data, _Usage)
    except msgspec.ValidationError:
        return TokenUsage()
    prompt = max(0, found.prompt_tokens or 0)
    details = found.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or 0
    return TokenUsage(
        prompt=prompt,
        cached=min(prompt, max(0, cached)),
        completion=max(0, found.completion_tokens or 0),
    )


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
