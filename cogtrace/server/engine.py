"""The upstream as the engine of pipelines: each call is on the account of its request.

One engine serves all requests. Whose call it is, the key of the request tells
(``ACCOUNT/PLUGIN/NUMBER``): the account has the model, the client's key and the bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from cogtrace.engines import EngineInfo, Request, Result, TokenUsage
from cogtrace.engines.answers import read_answer, read_error
from cogtrace.engines.base import Failure
from cogtrace.engines.server import schema_field
from cogtrace.plugins.pipeline.course import PIPELINE
from cogtrace.server.account import Account
from cogtrace.server.errors import ProxyError, UpstreamRefused
from cogtrace.server.upstream import Upstream

CHAT: Final = "/chat/completions"
_CONCURRENCY: Final = 1 << 20  # how many there may be, the gate says
_NEW_LIMIT: Final = "max_completion_tokens"
_PASSED: Final = ("retry-after", "retry-after-ms", "x-request-id")  # of a refusal's headers


class UpstreamEngine:
    """Answers the calls of plugins by asking the upstream."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._accounts: dict[str, Account] = {}

    @property
    def trouble(self) -> str | None:
        """Return None: a server that fails now may be back for the next request."""
        return None

    def enter(self, account: Account) -> None:
        """Let calls be made on an account."""
        self._accounts[account.key] = account

    def leave(self, account: Account) -> None:
        """End the calls of an account."""
        self._accounts.pop(account.key, None)
        account.close()

    async def start(self) -> EngineInfo:
        """Return what is known: nothing, as each request names its own model."""
        return EngineInfo(engine="proxy", model="", concurrency=_CONCURRENCY)

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer calls, one after the other; there is one at a time."""
        return [await self._answer(request) for request in requests]

    def count_tokens(self, text: str) -> int | None:
        """Return None: only the server knows its tokens."""
        return None

    async def close(self) -> None:
        """Do nothing: the upstream is closed by its owner."""

    async def _answer(self, request: Request) -> Result:
        key, _, rest = request.key.partition("/")
        plugin, _, number = rest.rpartition("/")
        account = self._accounts.get(key)
        if account is None or account.closed:
            return _failed("unreachable", "the client has gone")
        # A plugin that asks the question as it stands draws an answer to the request itself:
        # images, tools and all.
        own = request.messages == account.composed and request.schema is None
        try:
            if own:
                fields = _sampled(account, plugin, int(number), request)
            else:
                fields = _asked(account, request)
            body = await self.ask(account, plugin, fields)
        except ProxyError as error:
            if error.code != "bound_reached":
                account.failure = error
            if isinstance(error, UpstreamRefused):
                return Result(finish="failed", failure=read_error(error.status, error.body()))
            return _failed("rejected", str(error))
        answer = read_answer(body)
        if answer.failure is not None:
            account.failure = bad_answer(answer.failure.message)
            return Result(finish="failed", failure=answer.failure)
        if own:
            account.answers.append((answer.text, body))
        return Result(
            text=answer.text, finish=answer.finish, reasoning=answer.reasoning, usage=answer.usage
        )

    async def ask(self, account: Account, plugin: str, fields: dict[str, Any]) -> bytes:
        """Send a chat request on an account; return the answer's body.

        Raises:
            ProxyError: there is none, or the account's bound is reached.
        """
        body, held = sealed(account, plugin, fields)
        with account.calling(held):
            response = await self._upstream.send("POST", CHAT, account.headers, body)
            body = await self._upstream.read(response)
            if response.status != 200:
                raise refused(self._upstream, response.status, response.headers, body)
        usage = tokens_of(body)
        account.pay(plugin, usage)
        return body


def _sampled(account: Account, plugin: str, number: int, request: Request) -> dict[str, Any]:
    """Return the client's request as it is sent to draw one of several answers.

    A seed would make all of them the same, so each but the first has one of its own.
    """
    fields = dict(account.final)
    if plugin != PIPELINE:
        fields["temperature"] = request.temperature
    seed = _whole(fields.get("seed"))
    if seed is not None and number > 1:
        fields["seed"] = seed + number - 1
    return fields


def _asked(account: Account, request: Request) -> dict[str, Any]:
    """Return a question of a plugin's own as a chat request."""
    fields: dict[str, Any] = {
        "model": account.model,
        "messages": request.messages,
        account.limit_field: request.max_tokens,
        "temperature": request.temperature,
    }
    if account.model is None:
        del fields["model"]
    if request.schema is not None:
        fields |= schema_field(request.schema, vllm=False)
    return fields


class _Counted(msgspec.Struct):
    usage: Any = None


_COUNTED: Final = msgspec.json.Decoder(_Counted)


def tokens_of(body: bytes) -> TokenUsage:
    """Return the tokens that an answer says it took; none if it does not say."""
    from cogtrace.server.account import usage_of

    try:
        return usage_of(_COUNTED.decode(body).usage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return TokenUsage()


def sealed(account: Account, plugin: str, fields: dict[str, Any]) -> tuple[bytes, int]:
    """Take a call into account; return its body and the tokens that are held back for it.

    Raises:
        ProxyError: the account's bound is reached.
    """
    if account.limits.tokens is None:
        account.take(plugin, 0, None)
        return msgspec.json.encode(fields), 0
    name = _NEW_LIMIT if _NEW_LIMIT in fields else account.limit_field
    chars = len(msgspec.json.encode(fields.get("messages")))
    allowed = account.take(plugin, chars, _whole(fields.get(name)))
    return msgspec.json.encode(fields | {name: allowed}), chars // 3 + 1 + (allowed or 0)


def refused(upstream: Upstream, status: int, headers: Any, body: bytes) -> ProxyError:
    """Return the error for an answer of the upstream's that is none."""
    upstream.failed(f"status-{status // 100}xx")
    if status < 400:
        return ProxyError(502, f"the upstream answered with status {status}", "upstream_bad_answer")
    kept = {name: headers[name] for name in _PASSED if name in headers}
    return UpstreamRefused(status, body, kept)


def bad_answer(message: str) -> ProxyError:
    """Return the error for an answer that cannot be read."""
    return ProxyError(502, message, "upstream_bad_answer")


def _whole(value: Any) -> int | None:
    """Return a limit, whether it stands in a request as a number or as JSON."""
    if isinstance(value, msgspec.Raw):
        try:
            return msgspec.json.decode(value, type=int | None)
        except msgspec.DecodeError:
            return None
    return value if isinstance(value, int) else None


def _failed(kind: Any, message: str) -> Result:
    return Result(finish="failed", failure=Failure(kind=kind, message=message))
