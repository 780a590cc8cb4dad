"""Any OpenAI-compatible server as an engine: vLLM, OpenAI, llama.cpp, SGLang, gateways.

A request that fails on its way (429, 5xx, timeouts, broken connections, truncated
answers) is tried again after a growing pause; a server's wish to be left alone
(Retry-After) holds back all requests. What the server refuses is not sent again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from cogtrace.engines import retrying
from cogtrace.engines.answers import concerns_all, read_answer, read_error
from cogtrace.engines.base import (
    EngineInfo,
    EngineSettings,
    Failure,
    Message,
    Request,
    Result,
    TokenUsage,
)
from cogtrace.engines.mending import mended_json
from cogtrace.engines.retrying import Breaker, Hold, RetryPolicy
from cogtrace.engines.server import (
    Server,
    api_key,
    ask_server,
    base_url,
    schema_field,
    without_password,
)
from cogtrace.errors import EngineError

if TYPE_CHECKING:
    import openai

    from cogtrace.engines.wire import Reply, Wire

CONCURRENCY: Final = 64
# Newer models of OpenAI's refuse `max_tokens` and name the field to use instead.
_NEW_LIMIT: Final = "max_completion_tokens"


class OpenAIEngine:
    """An engine that asks an OpenAI-compatible server.

    Address and key come from the settings and the environment (`OPENAI_BASE_URL`,
    `OPENAI_API_KEY`). ``settings.arguments`` are merged into the body of every request and
    win over its own fields; null takes a field out. One argument is the engine's own:
    ``wire`` ("session" or "client", see `cogtrace.engines.wire`).
    """

    name = "openai"

    def __init__(self, settings: EngineSettings, *, policy: RetryPolicy | None = None) -> None:
        arguments = dict(settings.arguments)
        self._settings = settings
        self._wire_name = str(arguments.pop("wire", "session"))
        self._removed = {name for name, value in arguments.items() if value is None}
        self._added = {name: value for name, value in arguments.items() if value is not None}
        self._policy = policy or RetryPolicy(retries=settings.retries)
        self._concurrency = settings.concurrency or CONCURRENCY
        self._slots = asyncio.Semaphore(self._concurrency)
        self._hold = Hold()
        self._breaker = Breaker(self._concurrency)
        self._limit_field = "max_tokens"
        self._secret = ""  # the key, or the password in the address
        self._client: openai.AsyncOpenAI | None = None
        self._wire: Wire | None = None
        self._server = Server(model=settings.model)

    @property
    def trouble(self) -> str | None:
        """Why this engine has given up, and what to do; None while all is well.

        Set for good after 20 requests in a row failed after all their tries, none
        succeeding in between (or after 100, or three times the concurrency if that is
        more, which the server refused one by one). From then on every request fails at
        once, unsent; whoever drives the engine should stop and show this.
        """
        return self._breaker.trouble

    async def start(self) -> EngineInfo:
        """Find the server and the model.

        Raises:
            EngineError: no server, no such model, no key; says what to do.
        """
        client = self._client = self._new_client()
        self._server = await ask_server(client, self._settings.model)
        from cogtrace.engines.wire import open_wire

        self._wire = open_wire(self._wire_name, client)
        return EngineInfo(
            engine=self.name,
            model=self._server.model,
            version=self._server.version,
            context_tokens=self._server.context_tokens,
            concurrency=self._concurrency,
        )

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer requests; one result each, in the same order."""
        if len(requests) == 1:  # spares a task, which counts at thousands a second
            return [await self._answer(requests[0])]
        return list(await asyncio.gather(*map(self._answer, requests)))

    def count_tokens(self, text: str) -> int | None:
        """Return None: only the server knows its tokens."""
        return None

    async def close(self) -> None:
        """Let go of all connections."""
        wire, client, self._wire, self._client = self._wire, self._client, None, None
        if wire is not None:
            await wire.close()
        if client is not None:
            await client.close()

    def _new_client(self) -> openai.AsyncOpenAI:
        try:
            import aiohttp  # noqa: F401 - the fast transport; part of the extra
            import openai
        except ImportError as error:
            raise EngineError(
                f"the openai engine needs {error.name}: pip install 'cogtrace[llm]'"
            ) from None
        from cogtrace.engines.wire import CONNECT_SECONDS

        url, basic, password = without_password(base_url(self._settings.base_url))
        key = api_key(url)
        self._secret = password or key
        # Each request has one timeout over all of it, set in `_try`; and the pool must
        # never hold back what the semaphore lets through.
        room = self._concurrency + 8
        limits = type(openai.DEFAULT_CONNECTION_LIMITS)(
            max_connections=room, max_keepalive_connections=room
        )
        return openai.AsyncOpenAI(
            base_url=url,
            api_key=key,
            # A user and password in the address go before a key: there is one such header.
            default_headers=None if basic is None else {"Authorization": basic},
            max_retries=0,
            timeout=openai.Timeout(None, connect=CONNECT_SECONDS),
            http_client=openai.DefaultAioHttpClient(limits=limits),
        )

    async def _answer(self, request: Request) -> Result:
        async with self._slots:
            begun = time.perf_counter()
            result = await self._answer_in_slot(request, begun)
            if result.failure is None:
                self._breaker.succeeded()
            return result

    async def _answer_in_slot(self, request: Request, begun: float) -> Result:
        usage, attempt, refused = TokenUsage(), 0, False
        while self._breaker.trouble is None:
            await self._wait_for_hold()
            attempt += 1
            result, wish, refused = await self._try(request)
            usage += result.usage
            failure = result.failure
            if failure is None:
                return Result(
                    text=result.text,
                    finish=result.finish,
                    reasoning=result.reasoning,
                    usage=usage,
                    attempts=attempt,
                    seconds=time.perf_counter() - begun,
                )
            if not self._again(failure, wish, attempt):
                self._breaker.failed(failure, refused=refused)
                break
            await self._breaker.pause(self._policy.pause(attempt))
        else:
            failure = self._breaker.failure()
        return Result(
            finish="failed",
            failure=failure,
            usage=usage,
            attempts=attempt,
            seconds=time.perf_counter() - begun,
        )

    def _again(self, failure: Failure, wish: float | None, attempt: int) -> bool:
        """Decide on another try; a wish to be left alone is taken as meant for all."""
        if wish is not None and failure.passing:
            if wish > self._policy.patience:
                return False
            self._hold.extend(wish)
        return self._policy.again(failure, attempt)

    async def _wait_for_hold(self) -> None:
        while (left := self._hold.left) and self._breaker.trouble is None:
            await self._breaker.pause(left * random.uniform(1.0, 1.1))  # not all at once

    async def _try(self, request: Request) -> tuple[Result, float | None, bool]:
        """Send a request once; also returns the wait wished for, and if it was refused."""
        assert self._wire is not None, "start() comes first"
        limit_field = self._limit_field
        try:
            async with asyncio.timeout(self._settings.timeout):
                reply = await self._wire.post(self._body(request))
        except TimeoutError:
            seconds = f"{self._settings.timeout:g}"
            return _failed(Failure(kind="timeout", message=f"no answer in {seconds} seconds"))
        except OSError as error:
            lost = f"no connection to the server, or it broke: {error}"
            return _failed(Failure(kind="unreachable", message=self._without_key(lost)))
        if reply.status != 200:
            if _wants_new_limit(reply) and limit_field != _NEW_LIMIT:
                self._limit_field = _NEW_LIMIT
                return await self._try(request)
            return self._refused(reply)
        answer = read_answer(reply.body)
        if answer.failure is not None:
            return _failed(answer.failure, answer.usage)
        text = answer.text if request.schema is None else mended_json(answer.text)
        result = Result(
            text=text, finish=answer.finish, reasoning=answer.reasoning, usage=answer.usage
        )
        return result, None, False

    def _refused(self, reply: Reply) -> tuple[Result, float | None, bool]:
        wish = retrying.retry_after(reply.headers)
        failure = read_error(reply.status, reply.body, waits=wish is not None)
        failure = Failure(kind=failure.kind, message=self._without_key(failure.message))
        result = Result(finish="failed", failure=failure)
        return result, wish, failure.kind == "rejected" and not concerns_all(reply.status)

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._server.model,
            "messages": _sendable(request.messages),
            self._limit_field: request.max_tokens,
            "temperature": request.temperature,
        }
        if request.schema is not None:
            body |= schema_field(request.schema, vllm=self._server.vllm_field)
        body |= self._added
        for name in self._removed:
            body.pop(name, None)
        return body

    def _without_key(self, text: str) -> str:
        """Return text of the server's without the key, should it repeat that."""
        return text.replace(self._secret, "[key]") if len(self._secret) >= 8 else text


def _sendable(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return messages that can be sent: half a surrogate pair has no bytes, and becomes "?"."""
    try:
        for message in messages:
            message.content.encode()
    except UnicodeEncodeError:
        return tuple(
            Message(role=message.role, content=message.content.encode("utf-8", "replace").decode())
            for message in messages
        )
    return messages


def _wants_new_limit(reply: Reply) -> bool:
    return reply.status == 400 and _NEW_LIMIT.encode() in reply.body and b"nsupported" in reply.body


def _failed(failure: Failure, usage: TokenUsage | None = None) -> tuple[Result, float | None, bool]:
    return Result(finish="failed", failure=failure, usage=usage or TokenUsage()), None, False
