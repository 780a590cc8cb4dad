"""What every engine is: a language model that answers requests, many at a time.

An engine never raises for a single request. What went wrong with one is in its result;
the others are not touched. It raises `EngineError` only if no request could ever work
(no server, no such model, a server that ignores schemas).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "filtered", "failed"]
FailureKind = Literal[
    "rejected",  # the server refuses this request and would refuse it again (4xx)
    "too-long",  # the prompt does not fit the model's context
    "overloaded",  # 429, or 503 with a wish to wait
    "server-error",  # 5xx
    "timeout",  # no answer in time
    "unreachable",  # no connection, or one that was cut
    "bad-answer",  # an answer that is no answer: truncated JSON, no choices
]
# Failures of the way there, not of the request: another try may work.
PASSING: Final[frozenset[FailureKind]] = frozenset(
    {"overloaded", "server-error", "timeout", "unreachable", "bad-answer"}
)


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all records share: immutable, built by keyword, strict about fields."""


class Message(_Record, frozen=True, kw_only=True):
    """One message of a chat."""

    role: Role
    content: str


class Request(_Record, frozen=True, kw_only=True):
    """One question to a language model."""

    messages: tuple[Message, ...]
    max_tokens: int
    schema: dict[str, Any] | None = None  # JSON Schema that the answer must fill
    temperature: float = 0.0
    key: str = ""  # names the request in recordings; not sent


class TokenUsage(_Record, frozen=True, kw_only=True):
    """Tokens as the engine counted them."""

    prompt: int = 0
    cached: int = 0  # of the prompt, found in the prefix cache
    completion: int = 0

    @property
    def computed(self) -> int:
        """Prompt tokens that the engine had to compute."""
        return self.prompt - self.cached

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(
            prompt=self.prompt + other.prompt,
            cached=self.cached + other.cached,
            completion=self.completion + other.completion,
        )


class Failure(_Record, frozen=True, kw_only=True):
    """Why a request has no answer."""

    kind: FailureKind
    message: str  # for people: what happened and, where known, what to do

    @property
    def passing(self) -> bool:
        """Say whether another try may work."""
        return self.kind in PASSING


class Result(_Record, frozen=True, kw_only=True):
    """What came of one request."""

    text: str = ""  # the answer, without the model's own reasoning
    finish: Finish = "stop"
    reasoning: str | None = None  # what the model thought before, where the engine tells
    usage: TokenUsage = TokenUsage()  # over all tries that the engine counted
    failure: Failure | None = None  # exactly if finish is "failed"
    attempts: int = 1
    seconds: float = 0.0


class EngineInfo(_Record, frozen=True, kw_only=True):
    """What an engine knows of itself once it runs."""

    engine: str  # its kind, e.g. "vllm"
    model: str
    version: str | None = None  # of the server or library
    context_tokens: int | None = None  # prompt and answer together
    concurrency: int = 64  # requests worth having in flight
    # Whether requests in flight at the same time share a common prefix. Where not, the
    # first one of several with a common prefix should be answered before the others go.
    shares_prefixes_in_flight: bool = False


class EngineSettings(_Record, frozen=True, kw_only=True):
    """All it takes to build an engine. Holds no secrets: keys come from the environment."""

    model: str = ""
    base_url: str | None = None
    concurrency: int | None = None  # None: the engine's own default
    timeout: float = 600.0  # seconds for one try
    retries: int = 8  # further tries after passing failures
    arguments: dict[str, Any] = {}  # from --engine-arg


class Engine(Protocol):
    """A language model. Used from one event loop."""

    async def start(self) -> EngineInfo:
        """Connect or load; called once, before anything else.

        Raises:
            EngineError: it cannot be used; says why and what to do.
        """

    @property
    def trouble(self) -> str | None:
        """Why nothing works any more (the server is gone, the engine died), or None.

        Set after many failures in a row with no success between them; whoever sends
        requests should stop and say so.
        """

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer requests; one result each, in the same order. May be called concurrently."""

    def count_tokens(self, text: str) -> int | None:
        """Return how many tokens a text has, or None if that is not known here."""

    async def close(self) -> None:
        """Let go of everything held. May be called more than once."""
