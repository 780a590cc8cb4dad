"""The proxy in front of a loopback server, both with real sockets, each in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import openai
import proxy_plugins
from loopback import LoopbackServer

from cogtrace.server import ProxySettings
from cogtrace.server.app import create_app
from cogtrace.server.serving import listening, make_server

QUESTION = "What is 17 + 24?"


@dataclass(slots=True)
class Proxied:
    """A proxy that runs, and the server behind it."""

    url: str  # with /v1
    upstream: LoopbackServer
    http: httpx.Client  # for paths from the root on

    def chat(self, question: Any = QUESTION, model: str = "tiny", **fields: Any) -> httpx.Response:
        """Ask one question."""
        messages = [{"role": "user", "content": question}]
        return self.post({"model": model, "messages": messages} | fields)

    def post(self, body: Any, path: str = "/v1/chat/completions") -> httpx.Response:
        """Post JSON, or bytes as they are."""
        if isinstance(body, bytes):
            return self.http.post(path, content=body, headers={"content-type": "application/json"})
        return self.http.post(path, json=body)

    def client(self, **settings: Any) -> openai.OpenAI:
        """Return the official client."""
        chosen: dict[str, Any] = {"api_key": "none", "max_retries": 0, "timeout": 20}
        return openai.OpenAI(base_url=self.url, **chosen | settings)

    def metric(self, line: str) -> float:
        """Return a figure, by all that stands before it."""
        for found in self.http.get("/metrics").text.splitlines():
            name, _, value = found.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0


@contextmanager
def proxied(
    *with_: str, upstream: LoopbackServer | None = None, **settings: Any
) -> Iterator[Proxied]:
    """Run a proxy with the plugins of `proxy_plugins`, and a server behind it."""
    server = upstream or LoopbackServer()
    server.start()
    try:
        told = ProxySettings(upstream=server.base_url, with_=with_, port=0, **settings)
        with served(told) as url, _client(url) as client:
            yield Proxied(url, server, client)
    finally:
        server.stop()


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url.removesuffix("/v1"), timeout=20, trust_env=False)


@contextmanager
def served(settings: ProxySettings) -> Iterator[str]:
    """Run a proxy in a thread; gives its address."""
    ready = threading.Event()
    app = create_app(settings, proxy_plugins.found())
    with listening(settings) as listener:
        server = make_server(app, settings, 1.0, ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert ready.wait(20), "the proxy did not start"
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.01)


def error_of(response: httpx.Response) -> dict[str, Any]:
    """Return the error in an answer, having looked at its form."""
    error: dict[str, Any] = response.json()["error"]
    assert isinstance(error["message"], str)
    assert {"type", "param", "code"} <= error.keys()
    assert response.headers["content-type"] == "application/json"
    return error
