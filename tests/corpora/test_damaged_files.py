"""Tables with broken rows and archives that are cut off or none: what is good is kept."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import zstandard

from cogtrace.corpora.readers import formats, open_inputs, read_traces
from cogtrace.records import Quarantined, SourceRow, Trace

Compress = Callable[[bytes], bytes]

_PACKERS: dict[str, Compress] = {
    ".gz": gzip.compress,
    ".zst": lambda content: bytes(zstandard.compress(content)),
}


def _read(path: Path) -> list[SourceRow]:
    return list(read_traces(open_inputs([str(path)]), {}))


def _table(folder: Path, content: bytes) -> list[tuple[int, str]]:
    """Return line, and id or reason, of each row of a CSV file."""
    (folder / "f.csv").write_bytes(content)
    return [
        (row.line, row.value.trace_id if isinstance(row.value, Trace) else row.value.reason)
        for row in _read(folder / "f.csv")
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(b"q,one,surplus", "bad-csv", id="too-many-columns"),
        pytest.param(b"q", "bad-csv", id="too-few-columns"),
        pytest.param(b"q,on\xffe", "lone-surrogate", id="invalid-utf8"),
        pytest.param(b"q,", "empty-text", id="empty-text"),
        pytest.param(b'q,"one"x', "bad-csv", id="stray-quote"),
    ],
)
def test_a_bad_row_of_a_table_costs_no_other(tmp_path: Path, row: bytes, reason: str) -> None:
    content = b"id,text\na,one\n" + row + b"\nc,three\n"

    (_, first), *rest = _table(tmp_path, content)

    assert (first, *rest) == ("a", (3, reason), (4, "c"))


def test_the_first_row_of_a_table_stands_in_line_two(tmp_path: Path) -> None:
    assert _table(tmp_path, b"id,text\nq,one,surplus\nb,two\n") == [(2, "bad-csv"), (3, "b")]


def test_the_surplus_of_a_row_with_too_many_columns_is_kept(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,text\nq,one,surplus,more of it\n")

    (row,) = _read(tmp_path / "f.csv")

    assert isinstance(row.value, Quarantined)
    for cell in ("q", "one", "surplus", "more of it"):
        assert cell in (row.value.raw or "")


def test_a_quote_that_is_never_closed_costs_only_what_it_swallows(tmp_path: Path) -> None:
    _, second = _table(tmp_path, b'id,text\na,one\nb,"two\nc,three\n')

    assert second == (3, "bad-csv")


def _many(count: int) -> list[bytes]:
    draw = random.Random(5)
    return [
        json.dumps({"id": f"r{n}", "text": f"Number {draw.getrandbits(800)}."}).encode()
        for n in range(count)
    ]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_truncated_archive_gives_its_whole_rows_and_says_that_it_is_damaged(
    tmp_path: Path, suffix: str
) -> None:
    lines = _many(3_000)
    content = _PACKERS[suffix](b"\n".join(lines) + b"\n")
    path = tmp_path / f"f.jsonl{suffix}"
    path.write_bytes(content[: len(content) // 2])

    *good, last = _read(path)

    assert 1_000 < len(good) < 2_000
    for number, row in enumerate(good):
        assert isinstance(row.value, Trace)
        assert row.value.text == json.loads(lines[number])["text"]
    assert isinstance(last.value, Quarantined)
    assert (last.line, last.value.reason) == (len(good) + 1, "damaged-archive")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("name", ["f.jsonl", "f.json", "f.csv", "f.tsv"])
def test_a_file_that_is_no_archive_in_spite_of_its_name_is_one_bad_row(
    tmp_path: Path, name: str, suffix: str
) -> None:
    path = tmp_path / (name + suffix)
    path.write_bytes(b'{"text": "not compressed at all"}\n')

    (row,) = _read(path)

    assert isinstance(row.value, Quarantined)
    assert row.line == 1
    assert row.value.reason in ("damaged-archive", "bad-csv")
    assert not row.value.message.endswith(": "), "the message gives no cause"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("name", ["f.json", "f.csv"])
def test_a_truncated_archive_of_another_format_is_never_taken_for_a_whole_one(
    tmp_path: Path, name: str, suffix: str
) -> None:
    lines = _many(3_000)
    table = b"id,text\n" + b"\n".join(b"r,%d" % n for n in range(200_000)) + b"\n"
    content = table if name == "f.csv" else b"[" + b",".join(lines) + b"]"
    packed = _PACKERS[suffix](content)
    path = tmp_path / (name + suffix)
    path.write_bytes(packed[: len(packed) // 2])

    *_, last = _read(path)

    assert isinstance(last.value, Quarantined)


@pytest.mark.parametrize("harm", [b"\xff", b"\0"])
def test_a_parquet_file_is_read_up_to_where_it_is_damaged(
    tmp_path: Path, harm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "_PARQUET_ROWS", 100)
    path = tmp_path / "f.parquet"
    names = [f"r{number}" for number in range(300)]
    texts = [f"{name}: {row[12:].decode()}" for name, row in zip(names, _many(300), strict=True)]
    pl.DataFrame({"id": names, "text": texts}).write_parquet(path, row_group_size=100)
    content = bytearray(path.read_bytes())
    at = len(content) // 2
    content[at : at + 200] = harm * 200
    path.write_bytes(content)

    *good, last = _read(path)

    assert [row.value.trace_id for row in good if isinstance(row.value, Trace)] == names[:100]
    assert isinstance(last.value, Quarantined)
    assert (last.line, last.value.reason) == (101, "damaged-archive")
