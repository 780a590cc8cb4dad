"""Cutting streams into events, whatever the pieces are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.server.account import Account
from cogtrace.server.errors import ProxyError
from cogtrace.server.settings import Limits
from cogtrace.server.streams import Events, GuidedStream, comment, data_of
from cogtrace.server.wishes import read_wish

_LINES = st.lists(
    st.sampled_from(
        [b"data: {}", b"data: x", b": c", b"", b"\n", b"\r\n", b"\r", b'"usage":{', b"a"]
    ),
    max_size=30,
).map(b"".join)


def _stream() -> GuidedStream:
    account = Account(model=None, headers={}, limits=Limits())
    return GuidedStream(account, [], shows_usage=True, keeps_text=True)


@given(_LINES, st.lists(st.integers(0, 60), max_size=5))
def test_nothing_of_a_stream_is_lost_or_moved_however_it_is_cut(
    body: bytes, cuts: list[int]
) -> None:
    events, passed, out = Events(1_000), _stream(), b""
    begin = 0
    for end in [*sorted(min(cut, len(body)) for cut in cuts), len(body)]:
        out += passed.take(events.feed(body[begin:end]))
        begin = end

    assert out + events.rest == body
    assert not events.rest.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))


@given(st.text())
def test_a_comment_is_one_event_and_no_data(text: str) -> None:
    made = comment(text)

    assert made.count(b"\n\n") == 1
    assert made.startswith(b":")
    assert data_of(made) == b""


@given(st.integers(0, 300), st.text(max_size=20), st.booleans())
def test_depth_is_measured_outside_of_strings(depth: int, text: str, objects: bool) -> None:
    inner = json.dumps(text + '[{"\\')
    opening, closing = ('{"a":', "}") if objects else ("[", "]")
    body = f'{{"x": {opening * depth}{inner}{closing * depth}}}'.encode()
    if depth + 1 <= 128:
        read_wish(body, depth=128, suffixes=True)
        return
    with pytest.raises(ProxyError, match="nested"):
        read_wish(body, depth=128, suffixes=True)
