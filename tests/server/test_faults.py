"""What breaks behind or before the proxy breaks nothing else."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from loopback import cut, drip, hang, raw, status, stream, truncated
from proxied import QUESTION, Proxied, error_of, proxied, until

from cogtrace.server import Limits

MODELS = ["tiny", "tiny+frame", "tiny+say"]
VANISHING = 100


@pytest.fixture
def proxy() -> Iterator[Proxied]:
    with proxied(limits=Limits(timeout=0.5)) as running:
        yield running
        assert running.chat(model="tiny+say").status_code == 200, "it is still alive"


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_an_upstream_that_is_down(proxy: Proxied, model: str, streams: bool) -> None:
    proxy.upstream.down()

    reply = proxy.chat(model=model, stream=streams)

    assert (reply.status_code, error_of(reply)["code"]) == (502, "upstream_unreachable")
    assert error_of(reply)["type"] == "server_error"
    assert str(proxy.upstream.port) not in reply.text
    proxy.upstream.up()


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_an_upstream_that_never_answers(proxy: Proxied, model: str, streams: bool) -> None:
    proxy.upstream.behave(hang())

    reply = proxy.chat(model=model, stream=streams)

    if reply.status_code == 200:  # the stream had begun, to tell of progress
        assert '"code":"upstream_timeout"' in reply.text
    else:
        assert (reply.status_code, error_of(reply)["code"]) == (504, "upstream_timeout")


@pytest.mark.parametrize("model", MODELS)
def test_an_upstream_that_cuts_its_answer(proxy: Proxied, model: str) -> None:
    for share in (0.0, 0.5, 0.9):
        proxy.upstream.behave(cut(share))
        assert proxy.chat(model=model).status_code == 502


@pytest.mark.parametrize("model", ["tiny+frame", "tiny+say", "tiny+watch", "tiny+vote:samples=2"])
def test_an_upstream_that_answers_garbage(proxy: Proxied, model: str) -> None:
    for behaviour in (truncated(), raw(b"\xff\x00"), raw(b"[]"), raw(b""), raw(b"{" * 5_000)):
        proxy.upstream.always = behaviour
        reply = proxy.chat(model=model)
        assert (reply.status_code, error_of(reply)["code"]) == (502, "upstream_bad_answer")
    proxy.upstream.always = raw(b"<html>no</html>", 500)
    assert (proxy.chat(model=model).status_code) == 500
    assert error_of(proxy.chat(model=model))["code"] == "upstream"
    proxy.upstream.always = status(307, headers={"Location": "http://127.0.0.1:1/"})
    assert proxy.chat(model=model).status_code == 502
    from loopback import answer

    proxy.upstream.always = answer()


def test_an_upstream_that_drips_is_given_up_only_when_it_stops(proxy: Proxied) -> None:
    proxy.upstream.behave(drip())

    with pytest.raises(httpx.ReadTimeout):
        proxy.http.post("/v1/chat/completions", json={"model": "tiny"}, timeout=1.0)


@pytest.mark.parametrize("model", MODELS)
def test_clients_that_vanish_in_the_middle_end_the_work_upstream(model: str) -> None:
    body = json.dumps(
        {"model": model, "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    ).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}"
    request = head.encode() + b"\r\n\r\n" + body
    with proxied() as proxy:
        proxy.upstream.always = stream(*[b'data: {"choices":[]}\n\n'] * 10_000, pace=0.05)
        if model == "tiny+say":
            proxy.upstream.always = hang()
        clients = []
        for _ in range(VANISHING):
            client = socket.create_connection(("127.0.0.1", proxy.http.base_url.port or 0))
            client.sendall(request)
            clients.append(client)
        until(lambda: len(proxy.upstream.chats) == VANISHING)
        assert len(proxy.upstream.connections) >= VANISHING
        for client in clients:
            client.close()
        until(lambda: not proxy.upstream.connections)
        assert proxy.metric("cogtrace_in_flight") == 1  # the one that asks
        from loopback import answer

        proxy.upstream.always = answer()
        assert proxy.chat(model=model).status_code == 200


def test_calls_of_plugins_end_when_their_client_goes() -> None:
    with proxied() as proxy:
        proxy.upstream.always = hang()
        with pytest.raises(httpx.ReadTimeout):
            proxy.http.post(
                "/v1/chat/completions",
                json={
                    "model": "tiny+vote:samples=20",
                    "messages": [{"role": "user", "content": QUESTION}],
                },
                timeout=0.5,
            )
        assert len(proxy.upstream.chats) == 20
        until(lambda: not proxy.upstream.connections)


def test_failures_of_the_upstream_are_counted(proxy: Proxied) -> None:
    proxy.upstream.behave(hang(), status(500), cut(0.5))

    for _ in range(3):
        proxy.chat(model="tiny+frame")

    for kind in ("timeout", "status-5xx", "unreachable"):
        assert proxy.metric(f'cogtrace_upstream_failures_total{{kind="{kind}"}}') == 1, kind
