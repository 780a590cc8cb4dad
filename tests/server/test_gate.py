"""Who may come in, and what is refused at the door."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from loopback import hang, wait
from proxied import QUESTION, Proxied, error_of, proxied, until

from cogtrace.errors import OptionError
from cogtrace.server import Limits, ProxySettings, create_app

KEY = "correct-horse-battery"
CHAT = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": QUESTION}]}).encode()


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxied]:
    limits = Limits(body_bytes=100_000, header_bytes=8_000, receive_timeout=1.0)
    with proxied(limits=limits) as running:
        yield running


@pytest.fixture(scope="module")
def locked() -> Iterator[Proxied]:
    with proxied(api_key=KEY) as running:
        yield running


def _code(proxy: Proxied, method: str, path: str, **settings: object) -> tuple[int, object]:
    reply = proxy.http.request(method, path, **settings)  # type: ignore[arg-type]
    return reply.status_code, error_of(reply)["code"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"", 400, "invalid_json", id="empty"),
        pytest.param(b"{", 400, "invalid_json", id="broken"),
        pytest.param(b'{"model": "a", "x": \xff}', 400, "invalid_json", id="no UTF-8"),
        pytest.param(b"[]", 400, "invalid_type", id="no object"),
        pytest.param(b'{"model": 5}', 400, "invalid_type", id="wrong type"),
        pytest.param(b'{"stream": "yes"}', 400, "invalid_type", id="wrong type of a flag"),
        pytest.param(
            b'{"x": ' + b"[" * 40_000 + b"]" * 40_000 + b"}", 400, "invalid_json", id="deep"
        ),
        pytest.param(b'{"x": ' + b"[" * 90_000, 400, "invalid_json", id="deep and broken"),
        pytest.param(b" " * 100_001, 413, "request_too_large", id="large"),
        pytest.param(b'{"cogtrace": {"with": "frame"}}', 400, "missing_field", id="no messages"),
        pytest.param(
            b'{"model": "a+frame", "messages": []}', 400, "invalid_value", id="none of them"
        ),
        pytest.param(
            b'{"model": "a+frame", "messages": [5]}', 400, "invalid_type", id="no message"
        ),
        pytest.param(
            b'{"model": "a+frame", "messages": [{"role": "user", "content": "\\ud800"}]}',
            400,
            "invalid_json",
            id="half a surrogate pair",
        ),
    ],
)
def test_a_bad_body_is_refused_in_openais_form(
    proxy: Proxied, body: bytes, status: int, code: str
) -> None:
    reply = proxy.post(body)

    assert (reply.status_code, error_of(reply)["code"]) == (status, code)
    assert error_of(reply)["type"] == "invalid_request_error"
    assert proxy.chat().status_code == 200


def test_a_body_in_chunks_is_measured_too(proxy: Proxied) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b" " * 10_000] * 11

    assert _code(proxy, "POST", "/v1/chat/completions", content=pieces())[0] == 413


def test_a_compressed_body_is_refused(proxy: Proxied) -> None:
    headers = {"content-encoding": "gzip"}

    assert _code(proxy, "POST", "/v1/chat/completions", content=b"x", headers=headers)[0] == 415


def test_wrong_paths_and_methods_are_told_of(proxy: Proxied) -> None:
    assert _code(proxy, "GET", "/v1/nothing") == (404, "wrong_path")
    assert _code(proxy, "POST", "/../etc/passwd") == (404, "wrong_path")
    assert _code(proxy, "GET", "/v1/chat/completions") == (405, "wrong_method")
    assert proxy.http.get("/v1/chat/completions").headers["allow"] == "POST"
    assert _code(proxy, "DELETE", "/v1/models") == (405, "wrong_method")


def test_large_headers_are_refused(proxy: Proxied) -> None:
    assert _code(proxy, "GET", "/v1/models", headers={"x": "y" * 9_000})[0] == 431


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", ""])
def test_only_names_of_loopback_are_served(proxy: Proxied, host: str) -> None:
    assert _code(proxy, "GET", "/v1/models", headers={"host": host}) == (421, "wrong_host")


@pytest.mark.parametrize("host", ["localhost:99", "LOCALHOST", "[::1]:8", "127.0.0.1"])
def test_all_names_of_loopback_are_served(proxy: Proxied, host: str) -> None:
    assert proxy.http.get("/v1/models", headers={"host": host}).status_code == 200


def test_web_pages_are_kept_out_unless_they_are_named(proxy: Proxied) -> None:
    page = {"origin": "https://page.example"}
    before = len(proxy.upstream.chats)

    reply = proxy.http.post("/v1/chat/completions", content=CHAT, headers=page)

    assert (reply.status_code, len(proxy.upstream.chats)) == (403, before)
    assert "access-control-allow-origin" not in reply.headers
    with proxied(origins=("https://page.example",), api_key=KEY) as other:
        asked = page | {"access-control-request-method": "POST"}
        allowed = other.http.options("/v1/chat/completions", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == page["origin"]
        shown = page | {"authorization": f"Bearer {KEY}"}
        answered = other.http.post("/v1/chat/completions", content=CHAT, headers=shown)
        assert answered.status_code == 200
        assert answered.headers["access-control-allow-origin"] == page["origin"]


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x", KEY, "Bearer é"]
)
def test_without_the_key_nothing_is_served(locked: Proxied, shown: str | None) -> None:
    headers = {} if shown is None else {"authorization": shown.encode("latin-1")}

    for path in ("/v1/models", "/metrics", "/openapi.json"):
        assert _code(locked, "GET", path, headers=headers) == (401, "invalid_api_key")
    reply = locked.http.post("/v1/chat/completions", content=CHAT, headers=headers)  # type: ignore[arg-type]
    assert reply.status_code == 401
    assert KEY not in reply.text
    assert locked.upstream.chats == []


def test_with_the_key_everything_is_and_the_upstream_never_sees_it(locked: Proxied) -> None:
    for headers in ({"authorization": f"bearer {KEY}"}, {"x-cogtrace-key": KEY}):
        assert locked.http.get("/v1/models", headers=headers).status_code == 200
    assert KEY not in str(locked.upstream.requests)
    assert locked.http.get("/health").status_code == 200


def test_a_client_whose_own_key_is_passed_on_shows_the_proxys_in_a_header_of_its_own() -> None:
    own = {"authorization": "Bearer mine"}
    with proxied(api_key=KEY, forward_auth=True) as proxy:
        assert _code(proxy, "GET", "/v1/models", headers=own)[0] == 401
        assert (
            _code(proxy, "GET", "/v1/models", headers={"authorization": f"Bearer {KEY}"})[0] == 401
        )
        both = own | {"x-cogtrace-key": KEY}
        assert proxy.http.get("/v1/models", headers=both).status_code == 200
        assert proxy.upstream.requests[-1].headers["authorization"] == "Bearer mine"


@pytest.mark.parametrize("key", [None, "", "short", "with a blank in it", "ümlaut-key"])
def test_others_can_only_be_served_with_a_proper_key(key: str | None) -> None:
    settings = ProxySettings(upstream="http://127.0.0.1:1/v1", host="0.0.0.0", api_key=key)

    with pytest.raises(OptionError, match="key") as caught:
        create_app(settings)
    assert not key or key not in str(caught.value)
    assert key is None or repr(key) not in repr(settings)


def test_more_requests_than_fit_are_told_to_come_back() -> None:
    with proxied(limits=Limits(concurrent=2)) as proxy:
        proxy.upstream.always = wait(1.0)
        address = ("127.0.0.1", proxy.http.base_url.port or 0)
        waiting = [http.client.HTTPConnection(*address, timeout=20) for _ in range(2)]
        for connection in waiting:
            connection.request("POST", "/v1/chat/completions", CHAT)
        until(lambda: len(proxy.upstream.chats) == 2)
        reply = proxy.chat()
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert error_of(reply)["code"] == "overloaded"
        assert proxy.http.get("/health").status_code == 200
        assert {connection.getresponse().status for connection in waiting} == {200}
        proxy.upstream.always = hang()
        for connection in waiting:
            connection.close()


SLOW = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", id="half a head"),
]


@pytest.mark.parametrize("begin", SLOW)
def test_a_client_that_does_not_send_its_head_is_dropped(proxy: Proxied, begin: bytes) -> None:
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", proxy.http.base_url.port or 0)) as connection:
        connection.settimeout(10)
        connection.sendall(begin)
        assert connection.recv(100) == b""
    assert time.monotonic() - begun < 5


def test_a_client_that_does_not_send_its_body_is_told_so(proxy: Proxied) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", proxy.http.base_url.port or 0)) as connection:
        connection.settimeout(10)
        connection.sendall(head)
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        assert (reply.status, reply.will_close) == (408, True)


def _request(head: str, length: int) -> bytes:
    lines = ("POST /v1/chat/completions HTTP/1.1", "Host: 127.0.0.1", head)
    return ("\r\n".join(lines) + f"\r\nContent-Length: {length}\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("head", "length", "status"),
    [("X: large", 150_000, 413), ("Origin: https://page.example", 90_000, 403)],
)
def test_a_body_that_arrives_after_its_refusal_does_not_end_the_connection(
    proxy: Proxied, head: str, length: int, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", proxy.http.base_url.port or 0)) as connection:
        connection.settimeout(10)
        connection.sendall(_request(head, length))
        assert connection.recv(1_000).startswith(f"HTTP/1.1 {status} ".encode())
        for size in [10_000] * (length // 10_000):
            connection.sendall(b" " * size)
            time.sleep(0.001)
        connection.sendall(_request("X: next", len(CHAT)) + CHAT)
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_goes_on_after_its_refusal_is_not_taken_for_ever(proxy: Proxied) -> None:
    sent = 0
    with socket.create_connection(("127.0.0.1", proxy.http.base_url.port or 0)) as connection:
        connection.settimeout(10)
        connection.sendall(_request("X: large", 50_000_000))
        assert connection.recv(1_000).startswith(b"HTTP/1.1 413 ")
        with suppress(OSError):  # reset, or a broken pipe
            while sent < 50_000_000:
                sent += connection.send(b" " * 10_000)
                time.sleep(0.0005)
    assert sent < 10_000_000


def test_a_head_without_an_end_is_not_collected(proxy: Proxied) -> None:
    sent = 0
    with socket.create_connection(("127.0.0.1", proxy.http.base_url.port or 0)) as connection:
        connection.settimeout(10)
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with suppress(OSError):  # reset, or a broken pipe
            while sent < 10_000_000:
                sent += connection.send(b"x-a: " + b"b" * 1_000 + b"\r\n")
                time.sleep(0.0005)
    assert sent < 1_000_000
    assert proxy.chat().status_code == 200


def test_what_is_no_http_is_answered_and_forgotten(proxy: Proxied) -> None:
    with socket.create_connection(("127.0.0.1", proxy.http.base_url.port or 0)) as connection:
        connection.settimeout(10)
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
    assert proxy.chat().status_code == 200
