"""The way to a chat server and back: a JSON body goes out, a status and bytes come in.

Two ways, chosen by ``--engine-arg wire=...``. "session" (the default) posts over an
aiohttp session with the address, key and headers of an `openai` client; "client" leaves
each request to that client itself. The first takes a quarter of the processor time
(`benchmarks/bench_engine.py`); the second goes through everything that the client may do
to a request in its newest version. Both report the same things in the same way.
"""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from cogtrace.errors import EngineError

if TYPE_CHECKING:
    import aiohttp
    import openai

CONNECT_SECONDS: Final = 10.0
# Shorter than the five seconds after which common servers close an idle connection, so
# that no request is sent into one that is just being closed.
_IDLE_SECONDS: Final = 4.0
_LARGE: Final = 1 << 20  # aiohttp warns of larger bodies unless they are streams
_PATH: Final = "chat/completions"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, whatever the status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire(Protocol):
    """A way to a chat server."""

    async def post(self, body: dict[str, Any]) -> Reply:
        """Send a chat request.

        How long an answer may take is for the caller to say (`asyncio.timeout`).

        Raises:
            ConnectionError: no connection, or it broke.
        """

    async def close(self) -> None:
        """Let go of all connections."""


class SessionWire:
    """Posts over an aiohttp session."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        import aiohttp

        sent = {**client.auth_headers, **client.default_headers}
        self._url = f"{str(client.base_url).rstrip('/')}/{_PATH}"
        self._errors = aiohttp.ClientError
        self._session: aiohttp.ClientSession = aiohttp.ClientSession(
            # Headers that the client leaves out stand in its table as other objects.
            headers={name: value for name, value in sent.items() if isinstance(value, str)},
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy(self._url),
        )

    async def post(self, body: dict[str, Any]) -> Reply:
        """Send a chat request."""
        data = msgspec.json.encode(body)
        payload = data if len(data) < _LARGE else io.BytesIO(data)
        try:
            async with self._session.post(
                self._url, data=payload, allow_redirects=False
            ) as response:
                return Reply(response.status, response.headers, await response.read())
        except self._errors as error:  # a timeout among these is one of connecting
            raise ConnectionError(_words(error)) from error

    async def close(self) -> None:
        """Let go of all connections."""
        await self._session.close()


class ClientWire:
    """Leaves each request to the `openai` client."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        import openai

        self._chat = client.chat.completions.with_raw_response
        self._status, self._lost = openai.APIStatusError, openai.APIConnectionError

    async def post(self, body: dict[str, Any]) -> Reply:
        """Send a chat request."""
        rest = {name: value for name, value in body.items() if name not in ("model", "messages")}
        messages = msgspec.to_builtins(body["messages"])
        try:
            reply = await self._chat.create(model=body["model"], messages=messages, extra_body=rest)
        except self._status as error:
            return Reply(error.status_code, error.response.headers, error.response.content)
        except self._lost as error:
            # The client calls some broken connections a timeout; their first cause tells.
            raise ConnectionError(_words(_first_cause(error))) from error
        answer = reply.http_response
        return Reply(answer.status_code, answer.headers, answer.content)

    async def close(self) -> None:
        """Do nothing: the client is closed by its owner."""


def open_wire(name: str, client: openai.AsyncOpenAI) -> Wire:
    """Open the way called ``name``.

    Raises:
        EngineError: there is none of that name.
    """
    if name == "session":
        return SessionWire(client)
    if name == "client":
        return ClientWire(client)
    raise EngineError(f"--engine-arg wire={name!r}: choose session or client")


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for an address, if any.

    Looked up once: left to itself, aiohttp does so for every request, in a thread.
    """
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
