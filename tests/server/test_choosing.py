"""Which guidance a request gets, and what requests may not ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from proxied import Proxied, error_of, proxied

from cogtrace.errors import OptionError
from cogtrace.server import Limits
from cogtrace.server.plans import MOST_KEPT


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxied]:
    with proxied("frame", "filed:notes=mine.txt") as running:
        yield running


@pytest.mark.parametrize(
    ("model", "fields", "plugins"),
    [
        ("tiny", {}, "frame,filed"),
        ("tiny", {"cogtrace": None}, "frame,filed"),
        ("tiny", {"cogtrace": {}}, "frame,filed"),
        ("tiny+say", {}, "say"),
        ("tiny+say", {"cogtrace": {"samples": 1}}, "say"),
        ("tiny+say", {"cogtrace": {"with": ["frame"]}}, "frame"),
        ("tiny", {"cogtrace": {"with": "say, frame"}}, "say,frame"),
        ("tiny", {"cogtrace": {"with": ["say:max_calls=1", "frame"]}}, "say,frame"),
        ("tiny", {"cogtrace": {"with": [{"plugin": "filed", "options": {"k": 2}}]}}, "filed"),
        ("tiny+filed:k=2+say", {}, "filed,say"),
        ("tiny+say", {"cogtrace": {"with": []}}, None),
        ("tiny", {"cogtrace": {"with": ""}}, None),
    ],
)
def test_the_request_goes_before_the_name_of_the_model_and_that_before_the_server(
    proxy: Proxied, model: str, fields: dict[str, Any], plugins: str | None
) -> None:
    reply = proxy.chat(model=model, **fields)

    assert reply.status_code == 200, reply.text
    assert reply.headers.get("x-cogtrace-plugins") == plugins
    sent = proxy.upstream.chats[-1].body
    assert sent["model"] == "tiny"
    assert "cogtrace" not in sent


@pytest.mark.parametrize(
    ("model", "guidance", "words", "param"),
    [
        ("tiny+sya", None, "did you mean say?", "model"),
        ("tiny+filed:kk=1", None, "no option 'kk'", "model"),
        ("tiny+filed:k=0", None, "option k", "model"),
        ("tiny+", None, "no name of a plugin", "model"),
        ("tiny+say+say", None, "named twice", "model"),
        ("tiny", {"with": ["fram"]}, "did you mean frame?", "cogtrace"),
        ("tiny", {"with": ["debate", "vote"]}, "both implement", "cogtrace"),
        ("tiny", {"with": [{"plugin": "say", "optoins": {}}]}, "optoins", "cogtrace"),
        ("tiny", {"with": 5}, "with", "cogtrace"),
        ("tiny", {"wiht": ["say"]}, "wiht", "cogtrace"),
        ("tiny", {"with": ["say"], "samples": 0}, "samples", "cogtrace"),
        ("tiny", {"with": ["say"], "samples": 1_000_000}, "--max-calls", "cogtrace"),
        ("tiny", {"with": ["greedy"]}, "may make 1,001 calls", "cogtrace"),
        ("tiny", {"with": [{"plugin": "say", "options": {"timeout": 1e9}}]}, "timeout", "cogtrace"),
        ("tiny", {"with": [{"plugin": "say", "options": {"timeout": "x"}}]}, "timeout", "cogtrace"),
        ("tiny", "say", "object", "cogtrace"),
        ("tiny", {"with": ["filed:notes=/etc/passwd"]}, "names a file", "cogtrace"),
        ("tiny+analogy:bank=/etc/passwd", None, "names a file", "model"),
        ("tiny+structure:walks=/etc/passwd", None, "names a file", "model"),
        ("tiny+structure:moves=/etc/passwd", None, "names a file", "model"),
        ("tiny+abduce:rules=/etc/passwd", None, "names a file", "model"),
    ],
)
def test_what_cannot_be_had_is_refused_in_words_that_help(
    proxy: Proxied, model: str, guidance: Any, words: str, param: str
) -> None:
    fields = {} if guidance is None else {"cogtrace": guidance}

    reply = proxy.chat(model=model, **fields)

    error = error_of(reply)
    assert (reply.status_code, error["param"], error["code"]) == (400, param, "invalid_guidance")
    assert words in error["message"]
    assert "--with" not in error["message"].partition("start the server")[0]


def test_a_file_that_the_servers_own_plan_names_may_be_named(proxy: Proxied) -> None:
    assert proxy.chat(model="tiny+filed:notes=mine.txt").status_code == 200
    assert proxy.chat(model="tiny+filed:notes=other.txt").status_code == 400


def test_plugins_that_requests_may_name_can_be_few() -> None:
    with proxied("frame", allowed=("say",)) as proxy:
        assert proxy.chat().headers["x-cogtrace-plugins"] == "frame"
        assert proxy.chat(model="tiny+say").status_code == 200
        assert "only for say" in error_of(proxy.chat(model="tiny+frame"))["message"]


def test_names_of_models_may_hold_a_plus_where_the_server_says_so() -> None:
    with proxied(suffixes=False) as proxy:
        assert "x-cogtrace-plugins" not in proxy.chat(model="tiny+say").headers
        assert proxy.upstream.chats[-1].body["model"] == "tiny+say"


def test_only_the_last_plans_are_kept() -> None:
    from fake_upstream import plans_in_use

    assert plans_in_use(MOST_KEPT * 3) == MOST_KEPT


def test_a_server_does_not_start_with_a_plan_that_it_would_refuse() -> None:
    with pytest.raises(OptionError, match="--max-calls"), proxied("greedy"):
        pass
    few = Limits(calls=1)
    with pytest.raises(OptionError, match="--max-calls"), proxied("say", limits=few):
        pass
    with pytest.raises(OptionError, match="unknown"), proxied(listed=("sya",)):
        pass
