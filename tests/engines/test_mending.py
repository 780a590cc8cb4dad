"""Raw control characters in strings are escaped, and nothing else is touched."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.engines.mending import mended_json


def test_a_control_character_in_a_string_is_escaped() -> None:
    assert mended_json('{"a":"x\ty\x1e","n":[1, 2]}') == '{"a":"x\\ty\\u001e","n":[1,2]}'


@pytest.mark.parametrize("text", ["", "no JSON\t", '{"cut": "sho\t', '{\n "a": 1\n', '{"a": "b"}'])
def test_what_is_not_json_or_needs_nothing_stays_as_it_is(text: str) -> None:
    assert mended_json(text) == text


@given(st.recursive(st.text() | st.integers() | st.booleans(), st.lists, max_leaves=10))
def test_the_meaning_never_changes(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    raw = text.replace("\\t", "\t").replace("\\u001e", "\x1e")

    assert json.loads(mended_json(raw)) == json.loads(raw, strict=False)
