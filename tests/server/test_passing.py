"""Without guidance, bytes go through in both directions as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from loopback import raw, status, stream
from proxied import Proxied, proxied


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxied]:
    with proxied() as running:
        yield running


BODY = (
    b'{ "messages":[{"role":"user","content":"1\\u002b1"}],\n "seed": 1.50, "model":"tiny","x":{} }'
)


def test_a_request_reaches_the_upstream_byte_for_byte(proxy: Proxied) -> None:
    proxy.post(BODY)

    assert proxy.upstream.chats[-1].raw == BODY


def test_an_answer_comes_back_byte_for_byte_with_its_status_and_headers(proxy: Proxied) -> None:
    strange = b' {"choices" : [ ], "odd":\t1e5}\n'
    proxy.upstream.behave(raw(strange, 207))

    answer = proxy.post(BODY)

    assert (answer.status_code, answer.content) == (207, strange)
    assert answer.headers["content-type"] == "application/json"
    assert not [name for name in answer.headers if name.startswith("x-cogtrace")]


def test_a_stream_comes_back_byte_for_byte(proxy: Proxied) -> None:
    events = [b"data: {}\r\n\r\n", b": hm\n\ndata: x", b"\n\nevent: y\ndata: [DONE]", b"\n\n"]
    proxy.upstream.behave(stream(*events))

    answer = proxy.chat(stream=True)

    assert answer.content == b"".join(events)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_an_error_of_the_upstream_comes_back_as_it_is(proxy: Proxied) -> None:
    proxy.upstream.behave(status(429, "slow down", headers={"Retry-After": "7"}))

    answer = proxy.chat()

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json()["error"]["message"] == "slow down"


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings"])
def test_other_paths_of_the_api_go_through(proxy: Proxied, path: str) -> None:
    body = b'{"model": "tiny+restate", "prompt": "no JSON need be read here'

    answer = proxy.post(body, f"{path}?a=%20b")

    assert answer.json() == {"object": "list", "data": []}
    assert proxy.upstream.requests[-1].path == f"{path}?a=%20b"
    assert proxy.upstream.requests[-1].raw == body


def test_models_are_the_upstreams(proxy: Proxied) -> None:
    assert proxy.http.get("/v1/models").content == proxy.upstream.listing()


@pytest.mark.parametrize("name", ["tiny", "tiny+say+vote", "tiny%2Bsay"])
def test_a_model_is_asked_for_by_its_bare_name(proxy: Proxied, name: str) -> None:
    assert proxy.http.get(f"/v1/models/{name}").status_code == 404  # the server has no such path

    assert proxy.upstream.requests[-1].path == "/v1/models/tiny"


@pytest.mark.parametrize("model", ["tiny", "tiny+frame"])
def test_an_upstream_that_repeats_our_key_does_not_tell_the_client(model: str) -> None:
    with proxied(upstream_key="sk-upstream-key") as proxy:
        proxy.upstream.behave(status(401, "wrong key: sk-upstream-key"))
        reply = proxy.chat(model=model)

    assert (reply.status_code, "***" in reply.text) == (401, True)
    assert "sk-upstream" not in reply.text


def test_headers_of_the_client_go_through_but_what_is_the_connections_or_secret(
    proxy: Proxied,
) -> None:
    sent = {"authorization": "Bearer mine", "cookie": "a=b", "x-mine": "1", "connection": "close"}

    proxy.http.post("/v1/chat/completions", content=BODY, headers=sent)

    seen = proxy.upstream.chats[-1].headers
    assert seen["x-mine"] == "1"
    assert not {"authorization", "cookie"} & seen.keys()
    assert seen["host"].endswith(str(proxy.upstream.port))


def test_the_upstream_is_shown_the_proxys_key_or_the_clients_own() -> None:
    own = {"authorization": "Bearer client-key"}
    with proxied(upstream_key="upstream-key") as proxy:
        proxy.http.post("/v1/chat/completions", content=BODY, headers=own)
        assert proxy.upstream.chats[-1].headers["authorization"] == "Bearer upstream-key"
    with proxied(forward_auth=True) as proxy:
        proxy.http.post("/v1/chat/completions", content=BODY, headers=own)
        assert proxy.upstream.chats[-1].headers["authorization"] == "Bearer client-key"


def test_models_with_a_suffix_are_listed_where_the_server_was_told_to() -> None:
    with proxied(listed=("say", "say+drop")) as proxy:
        names = [model["id"] for model in proxy.http.get("/v1/models").json()["data"]]

    assert names == ["tiny", "tiny+say", "tiny+say+drop"]


def test_health_follows_the_upstream_and_asks_it_only_now_and_then(proxy: Proxied) -> None:
    before = len(proxy.upstream.requests)
    answers = [proxy.http.get("/health") for _ in range(20)]

    assert {answer.status_code for answer in answers} == {200}
    assert len(proxy.upstream.requests) - before <= 1
    with proxied() as other:
        other.upstream.down()
        assert other.http.get("/health").status_code == 503
        assert other.http.get("/metrics").status_code == 200
        other.upstream.up()
