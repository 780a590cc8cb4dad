"""An OpenAI-compatible server on 127.0.0.1 that behaves as badly as a test wants.

In a test, in a thread of its own::

    with LoopbackServer() as server:
        server.behave(status(500), cut())  # the next two requests; then answers again
        ... AsyncOpenAI(base_url=server.base_url, api_key="none") ...
        assert len(server.chats) == 3

For benchmarks, in a process of its own, so that it does not share the client's thread::

    with served("--delay-ms", "20") as base_url: ...
    python tests/support/loopback.py --port 0   # prints its base URL

Unless told otherwise it answers each chat with the smallest JSON that fits the schema in
the request (`response_format` or `structured_outputs`), or with "ok" if there is none.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
from behaviours import (
    Behaviour,
    Body,
    Seen,
    answer,
    blanks,
    chat,
    cut,
    drip,
    events,
    hang,
    is_streamed,
    raw,
    status,
    stream,
    truncated,
    wait,
    wrong_schema,
)

__all__ = [
    "Behaviour",
    "Body",
    "LoopbackServer",
    "Seen",
    "answer",
    "blanks",
    "cut",
    "drip",
    "hang",
    "raw",
    "served",
    "status",
    "stream",
    "truncated",
    "wait",
    "wrong_schema",
]

T = TypeVar("T")


class LoopbackServer:
    """The server; `start` and `stop`, or a with block, run it in a thread.

    Attributes:
        requests: all that were seen, in order of arrival; `chats` are those to the chat.
        decide: if set, is asked first; returns None to leave it to the others.
        always: what happens when nothing else is planned.
        most_in_flight: how many chats were being answered at once, at most.
    """

    def __init__(
        self,
        *,
        models: tuple[str, ...] = ("tiny",),
        owned_by: str = "vllm",
        max_model_len: int | None = 32_768,
        has_models: bool = True,
        listing: bytes | None = None,
        version: str | None = None,
        key: str | None = None,
        record: bool = True,
        always: Behaviour | None = None,
    ) -> None:
        self.models = models
        self.owned_by = owned_by
        self.max_model_len = max_model_len
        self.has_models = has_models  # False: /models is not found
        self.version = version  # at /version, as vLLM has it; None: not found
        self._listing = listing  # instead of a proper list of models
        self.key = key  # if set, other keys get a 401
        self.record = record
        self.always = always or answer()
        self.decide: Callable[[Seen], Behaviour | None] | None = None
        self.requests: list[Seen] = []
        self.served = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0
        self.connections: set[asyncio.Transport] = set()
        self._planned: deque[Behaviour] = deque()
        self._listener: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._return: threading.Timer | None = None

    @property
    def base_url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def chats(self) -> list[Seen]:
        """The chat requests among those seen."""
        return [seen for seen in self.requests if seen.path.endswith("/chat/completions")]

    def behave(self, *behaviours: Behaviour) -> None:
        """Plan the next chat requests, one behaviour each, after those planned already."""
        self._planned.extend(behaviours)

    def start(self) -> None:
        """Listen, from a thread of its own."""
        loop = self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self.listen())

    def stop(self) -> None:
        """Close all connections and end the thread."""
        if self._loop is None or self._thread is None:
            return
        if self._return is not None:
            self._return.cancel()
            self._return.join()
        self._call(self.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None

    def down(self) -> None:
        """Stop listening and cut all connections, as a server that died."""
        self._call(self.close())

    def up(self) -> None:
        """Listen again, on the same port."""
        self._call(self.listen())

    def down_for(self, seconds: float) -> None:
        """Be gone from now on for a time; returns at once."""
        self.down()
        self._return = threading.Timer(seconds, self.up)
        self._return.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def listen(self, port: int = 0) -> None:
        """Listen in the running event loop."""
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self),
            "127.0.0.1",
            self.port or port,
            reuse_address=True,
            backlog=1024,
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut all connections."""
        if self._listener is not None:
            # What was just accepted must become a connection first: asyncio leaves the
            # sockets open that it finds after the listener was closed.
            for socket in self._listener.sockets:
                asyncio.get_running_loop().remove_reader(socket.fileno())
            for _ in range(3):
                await asyncio.sleep(0)
            self._listener.close()
            self._listener = None
        for transport in list(self.connections):
            transport.abort()
        await asyncio.sleep(0)  # the connections learn of it

    def plan(self, seen: Seen) -> Behaviour:
        """Say what becomes of a chat request."""
        if self.decide is not None and (decided := self.decide(seen)) is not None:
            return decided
        return self._planned.popleft() if self._planned else self.always

    def listing(self) -> bytes:
        """Return the answer of /models."""
        if self._listing is not None:
            return self._listing
        length = {} if self.max_model_len is None else {"max_model_len": self.max_model_len}
        data = [
            {"id": model, "object": "model", "created": 0, "owned_by": self.owned_by, **length}
            for model in self.models
        ]
        return msgspec.json.encode({"object": "list", "data": data})


class _Connection(asyncio.Protocol):
    """One connection: reads requests one after the other, answers each."""

    def __init__(self, server: LoopbackServer) -> None:
        self.server = server
        self.buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            line, *rest = self.buffer[:end].decode("latin-1").split("\r\n")
            pairs = (entry.split(":", 1) for entry in rest)
            headers = {name.strip().lower(): value.strip() for name, value in pairs}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self.buffer) < whole:
                return
            body, self.buffer = self.buffer[end + 4 : whole], self.buffer[whole:]
            method, path, _ = line.split(" ", 2)
            self.request(Seen(method, path, headers, body, time.monotonic()))

    def request(self, seen: Seen) -> None:
        server = self.server
        if server.record:
            server.requests.append(seen)
        if server.key and seen.headers.get("authorization") != f"Bearer {server.key}":
            self.respond(status(401, "Incorrect API key provided"), None)
        elif seen.path.endswith("/models") and server.has_models:
            self.respond(raw(server.listing()), None)
        elif seen.path == "/version" and server.version is not None:
            self.respond(raw(msgspec.json.encode({"version": server.version})), None)
        elif seen.path.endswith("/chat/completions"):
            self.begin(seen, server.plan(seen))
        elif seen.path.partition("?")[0].endswith(("/completions", "/embeddings")):
            self.respond(raw(msgspec.json.encode({"object": "list", "data": []})), None)
        else:
            self.respond(status(404, "Not Found"), None)

    def begin(self, seen: Seen, behaviour: Behaviour) -> None:
        if behaviour.hang:
            return
        server = self.server
        server.in_flight += 1
        server.most_in_flight = max(server.most_in_flight, server.in_flight)
        if behaviour.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(behaviour.delay, self.finish, seen, behaviour)
        else:
            self.finish(seen, behaviour)

    def finish(self, seen: Seen, behaviour: Behaviour) -> None:
        self.server.in_flight -= 1
        self.server.served += 1
        self.respond(behaviour, seen)

    def respond(self, behaviour: Behaviour, seen: Seen | None) -> None:
        if seen is not None and behaviour.payload is None and is_streamed(seen):
            self.stream(behaviour, events(seen, behaviour))
            return
        body = behaviour.payload
        if body is None:
            assert seen is not None
            body = chat(seen, behaviour)
        headers = "".join(f"{name}: {value}\r\n" for name, value in behaviour.headers.items())
        data = (
            f"HTTP/1.1 {behaviour.code} Any\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        if self.transport.is_closing():
            return
        if behaviour.drip:
            self.drip(data)
            return
        if behaviour.share is None:
            self.transport.write(data)
            return
        self.transport.write(data[: int(len(data) * behaviour.share)])
        self.transport.close()

    def stream(self, behaviour: Behaviour, left: list[bytes], sent: int = 0) -> None:
        """Send events, one after the other, in chunks."""
        if self.transport.is_closing():
            return
        if sent == 0:
            head = "Content-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked"
            self.transport.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode())
        while left and sent != behaviour.stop_after:
            event, *left = left
            self.transport.write(b"%x\r\n%b\r\n" % (len(event), event))
            sent += 1
            if behaviour.pace:
                loop = asyncio.get_running_loop()
                loop.call_later(behaviour.pace, self.stream, behaviour, left, sent)
                return
        if left:
            self.transport.close()
        else:
            self.transport.write(b"0\r\n\r\n")

    def drip(self, data: bytes) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data[:1])
            asyncio.get_running_loop().call_later(0.1, self.drip, data[1:])


@contextmanager
def served(*options: str) -> Iterator[str]:
    """Run the server in a process of its own; gives its base URL."""
    command = [sys.executable, str(Path(__file__)), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip()
            assert base_url, "the server did not start"
            yield base_url
        finally:
            process.terminate()


async def _serve(port: int, behaviour: Behaviour) -> None:
    server = LoopbackServer(record=False, always=behaviour)
    await server.listen(port)
    sys.stdout.write(server.base_url + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before each answer")
    options = parser.parse_args()
    asyncio.run(_serve(options.port, wait(options.delay_ms / 1000)))


if __name__ == "__main__":
    main()
