"""Each bad row becomes one row of the quarantine, with its reason; nothing else is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.records import RAW_LIMIT, Quarantined, SourceRow, Trace

_FIRST = b'{"id": "first", "text": "A good row."}\n'
_LAST = b'{"id": "last", "text": "Another good row."}\n'
_DEEP = 100_000


def _read(path: Path, **overrides: str) -> list[SourceRow]:
    return list(read_traces(open_inputs([str(path)]), overrides))


def _between_good_rows(folder: Path, row: bytes) -> Trace | Quarantined:
    """Return what becomes of ``row``, having checked that its neighbours are unhurt."""
    path = folder / "rows.jsonl"
    path.write_bytes(_FIRST + row + b"\n" + _LAST)
    first, middle, last = _read(path)
    assert first.value == Trace(trace_id="first", text="A good row.")
    assert last.value == Trace(trace_id="last", text="Another good row.")
    assert [r.line for r in (first, middle, last)] == [1, 2, 3]
    return middle.value


@pytest.mark.parametrize(
    ("row", "reason", "says"),
    [
        pytest.param(b'{"id": "q", "text": "abc', "bad-json", "not valid JSON", id="torn"),
        pytest.param(b"no json", "bad-json", "not valid JSON", id="no-json"),
        pytest.param(b'{"text": "a"} {"text": "b"}', "bad-json", "trailing", id="two-in-a-line"),
        pytest.param(b'{"text": "a\0b"}', "bad-json", "not valid JSON", id="raw-nul-byte"),
        pytest.param(b'{"text": "a", "n": 1e999}', "bad-json", "out of range", id="1e999"),
        pytest.param(b'{"text": "a\xff"}', "invalid-utf8", "byte 12 .* 0xff", id="invalid-utf8"),
        pytest.param(b'{"text": "\xed\xa0\x80"}', "invalid-utf8", "0xed", id="utf8-surrogate"),
        pytest.param(b"[1, 2]", "not-an-object", "an array", id="array"),
        pytest.param(b'"text"', "not-an-object", "a string", id="string"),
        pytest.param(b"null", "not-an-object", "null", id="null"),
        pytest.param(b"true", "not-an-object", "a boolean", id="boolean"),
        pytest.param(b"7.5", "not-an-object", "a number", id="number"),
        pytest.param(b'["\\ud800"]', "not-an-object", "an array", id="array-lone-surrogate"),
        pytest.param(b"{}", "no-text", "'text' is missing or null", id="empty-object"),
        pytest.param(b'{"id": "q"}', "no-text", r"there is id\)", id="text-missing"),
        pytest.param(b'{"id": "q", "text": null}', "no-text", "missing or null", id="text-null"),
        pytest.param(b'{"id": "q", "text": ""}', "empty-text", "is empty", id="text-empty"),
        pytest.param(b'{"id": "q", "text": " \\n\\t\\u3000"}', "empty-text", "empty", id="blank"),
        pytest.param(b'{"id": "q", "text": 5}', "text-not-string", "but int", id="text-number"),
        pytest.param(b'{"id": "q", "text": true}', "text-not-string", "but bool", id="text-bool"),
        pytest.param(b'{"id": "q", "text": NaN}', "text-not-string", "but float", id="text-nan"),
        pytest.param(b'{"id": "q", "text": ["a"]}', "text-not-string", "but list", id="text-list"),
        pytest.param(b'{"id": "q", "text": {"a": 1}}', "text-not-string", "dict", id="text-object"),
        pytest.param(b'{"id": "q", "text": "a\\ud800b"}', "lone-surrogate", "half", id="surrogate"),
        pytest.param(b'{"id": "\\udc00", "text": "a"}', "lone-surrogate", "id", id="id-surrogate"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason_and_costs_no_other(
    tmp_path: Path, row: bytes, reason: str, says: str
) -> None:
    value = _between_good_rows(tmp_path, row)

    assert isinstance(value, Quarantined)
    assert (value.file, value.line, value.reason) == (str(tmp_path / "rows.jsonl"), 2, reason)
    assert re.search(says, value.message), value.message
    assert value.raw
    assert not value.raw_truncated


@pytest.mark.parametrize("text", ["null", '""', "5", '["a"]', '"\\ud800"'])
def test_the_name_of_a_bad_row_is_kept_where_it_can_be_read(tmp_path: Path, text: str) -> None:
    value = _between_good_rows(tmp_path, f'{{"id": 17, "text": {text}}}'.encode())

    assert isinstance(value, Quarantined)
    assert value.trace_id == "17"


@pytest.mark.parametrize(
    "row",
    [b'{"text": "abc', b'{"id": "q", "text": ""}', b'{"id": "q", "text": [1, "a"]}', b"[1, 2]"],
)
def test_a_bad_row_is_kept_as_it_was_read(tmp_path: Path, row: bytes) -> None:
    value = _between_good_rows(tmp_path, row)

    assert isinstance(value, Quarantined)
    assert (value.raw or "").replace(" ", "") == row.decode().replace(" ", "")


@pytest.mark.parametrize("opening", ["[", '{"a": '], ids=["lists", "objects"])
@pytest.mark.parametrize("where", ['{"text": %s}', '{"text": "t", "d": %s}', '{"\\ud800": %s}'])
def test_a_row_nested_100_000_deep_costs_no_other(tmp_path: Path, opening: str, where: str) -> None:
    closing = "]" if opening == "[" else "}"
    row = where % (opening * _DEEP + "1" + closing * _DEEP)

    value = _between_good_rows(tmp_path, row.encode())

    assert isinstance(value, Quarantined)
    assert value.reason in ("too-deep", "bad-json")
    assert len(value.raw or "") <= RAW_LIMIT


@pytest.mark.parametrize("depth", [50, 300, 500, 700, 900, 1_100])
def test_a_row_of_any_depth_is_a_trace_or_set_aside(tmp_path: Path, depth: int) -> None:
    row = f'{{"id": "q", "text": "t", "d": {"[" * depth}{"]" * depth}}}'

    value = _between_good_rows(tmp_path, row.encode())

    assert isinstance(value, Trace) or value.reason in ("too-deep", "bad-json")
    assert isinstance(value, Trace) or depth > 50


def test_an_integer_of_5_000_digits_costs_no_other_row(tmp_path: Path) -> None:
    value = _between_good_rows(tmp_path, b'{"text": "t", "n": ' + b"9" * 5_000 + b"}")

    assert isinstance(value, Quarantined) or value.meta["n"] == "9" * 5_000


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(
            b'{"text": "a\\u0000b"}', Trace(trace_id="rows:2", text="a\0b"), id="nul-escape"
        ),
        pytest.param(
            b'{"text": "\\ud83d\\ude42"}', Trace(trace_id="rows:2", text="🙂"), id="whole-pair"
        ),
        pytest.param(
            b'{"text": "t", "a": NaN, "b": [Infinity, -Infinity]}',
            Trace(trace_id="rows:2", text="t", meta={"a": "nan", "b": ["inf", "-inf"]}),
            id="nan-in-a-field",
        ),
        pytest.param(
            b'{"text": "t", "n": -123456789012345678901234567890, "m": 9223372036854775807}',
            Trace(
                trace_id="rows:2",
                text="t",
                meta={"n": "-123456789012345678901234567890", "m": 2**63 - 1},
            ),
            id="huge-integer",
        ),
        pytest.param(
            b'{"text": "t", "model": "m\\ud800", "\\udfff": ["\\ud800"]}',
            Trace(
                trace_id="rows:2",
                text="t",
                model="m\\ud800",
                meta={"\\udfff": ["\\ud800"]},
            ),
            id="surrogates-beside-the-text",
        ),
        pytest.param(b'{"id": "x", "text": " t "}', Trace(trace_id="x", text=" t "), id="spaces"),
    ],
)
def test_an_odd_row_that_is_a_trace_is_kept(tmp_path: Path, row: bytes, expected: Trace) -> None:
    assert _between_good_rows(tmp_path, row) == expected


@pytest.mark.parametrize("overrides", [{}, {"question": "q"}, {"text": "text"}])
@pytest.mark.parametrize("bad", [b"broken", b"{}"], ids=["broken", "empty"])
def test_a_file_that_opens_with_bad_rows_is_read_all_the_same(
    tmp_path: Path, bad: bytes, overrides: dict[str, str]
) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes((bad + b"\n") * 30 + b'{"q": "Why?", "text": "Because."}\n')

    *refused, good = (row.value for row in _read(path, **overrides))

    assert len(refused) == 30
    assert all(isinstance(value, Quarantined) for value in refused)
    assert isinstance(good, Trace)
    assert good.text == "Because."


@pytest.mark.parametrize("name", ["f.jsonl", "f.json"])
def test_a_file_of_empty_objects_is_all_quarantine(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}\n{}\n" if name == "f.jsonl" else "[{}, {}]")

    values = [row.value for row in _read(tmp_path / name)]

    assert [value.reason for value in values if isinstance(value, Quarantined)] == 2 * ["no-text"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b'[{"text": "a"},', "bad-json", id="torn"),
        pytest.param(b'{"text": "a"}\n{"text": "b"}\n', "bad-json", id="lines-instead"),
        pytest.param(b'[{"text": "a\xff"}]', "invalid-utf8", id="invalid-utf8"),
        pytest.param(b"[" * _DEEP, "bad-json", id="deep"),
    ],
)
def test_a_json_file_that_cannot_be_parsed_is_one_bad_row(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "f.json").write_bytes(content)

    (row,) = _read(tmp_path / "f.json")

    assert isinstance(row.value, Quarantined)
    assert (row.line, row.value.reason) == (1, reason)


@pytest.mark.parametrize(
    "item", ["7", '"\\ud800"', '["\\ud800"]', "[123456789012345678901234567890]", "null"]
)
def test_an_item_of_an_array_that_is_no_object_costs_no_other(tmp_path: Path, item: str) -> None:
    (tmp_path / "f.json").write_text(f'[{{"text": "a"}}, {item}, {{"text": "b"}}]')

    first, middle, last = (row.value for row in _read(tmp_path / "f.json"))

    assert (first, last) == (Trace(trace_id="f:1", text="a"), Trace(trace_id="f:3", text="b"))
    assert isinstance(middle, Quarantined)
    assert (middle.line, middle.reason) == (2, "not-an-object")
