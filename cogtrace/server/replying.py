"""Reading requests and sending answers: plain ASGI, without a request object in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from cogtrace.server.errors import ProxyError
from cogtrace.server.settings import Limits

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON: Final = (b"content-type", b"application/json")


class ClientGone(Exception):
    """The client went away before its request had arrived."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return a header of a request; the first one, if there are several."""
    for found, value in scope["headers"]:
        if found == name:
            return bytes(value)
    return None


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes:
    """Return the body of a request.

    Raises:
        ProxyError: it is too large, or does not arrive.
        ClientGone: there is nobody to answer any more.
    """
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limits.body_bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.receive_timeout):
            return await _read(receive, limits)
    except TimeoutError:
        seconds = f"{limits.receive_timeout:g}"
        raise ProxyError(
            408,
            f"the request did not arrive within {seconds} seconds",
            "request_timeout",
            headers={"Connection": "close"},  # what comes next would be taken for the body
        ) from None


async def _read(receive: Receive, limits: Limits) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGone
        piece = event.get("body", b"")
        size += len(piece)
        if size > limits.body_bytes:
            raise _too_large(limits)
        pieces.append(piece)
        if not event.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(limits: Limits) -> ProxyError:
    return ProxyError(
        413, f"the body is larger than {limits.body_bytes:,} bytes", "request_too_large"
    )


async def reply(
    send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = (JSON,)
) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def reply_error(send: Send, error: ProxyError, headers: Headers | None = None) -> None:
    """Send an error in OpenAI's form."""
    more = [
        (name.lower().encode(), value.encode("latin-1", "replace"))
        for name, value in error.headers.items()
    ]
    await reply(send, error.status, error.body(), [JSON, *more, *(headers or [])])
