"""Every format gives the same traces, and a bad row costs nothing but itself."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.annotator.job import JobReader
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.errors import CogtraceError, InputError, OptionError
from cogtrace.records import RAW_LIMIT, Quarantined, SourceRow, Trace

Rows = list[dict[str, Any]]

ROWS: Rows = [
    {
        "trace_id": "a",
        "text": 'First, two commas, a "quote"\nand a second line.\n\n  Indented\ttab.',
        "question": "What is it?",
        "model": "m1",
        "correct": True,
        "note": "kept",
    },
    {
        "trace_id": "b",
        "text": "Ünïcode – 数学 🙂 \u2028 and a line separator.",
        "question": "And this?",
        "model": "m2",
        "correct": False,
        "note": "kept; too",
    },
    {
        "trace_id": "c",
        "text": " leading and trailing space ",
        "question": "?",
        "model": "m1",
        "correct": True,
        "note": "0",
    },
]
TRACES = [
    Trace(**{key: value for key, value in row.items() if key != "note"}, meta={"note": row["note"]})
    for row in ROWS
]


def _jsonl(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _array(rows: Rows) -> bytes:
    return json.dumps(rows, indent=2).encode()


def _holder(rows: Rows) -> bytes:
    return json.dumps({"version": 3, "tags": ["x"], "traces": rows}).encode()


def _csv(rows: Rows, delimiter: str = ",") -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _tsv(rows: Rows) -> bytes:
    return _csv(rows, "\t")


def _parquet(rows: Rows) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(rows).write_parquet(buffer)
    return buffer.getvalue()


def _zst(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def _read(path: Path, form: str | None = None, **overrides: str) -> list[SourceRow]:
    return list(read_traces(open_inputs([str(path)], form), overrides))


def _values(path: Path, form: str | None = None, **overrides: str) -> list[Trace | Quarantined]:
    return [row.value for row in _read(path, form, **overrides)]


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        pytest.param("f.jsonl", _jsonl, id="jsonl"),
        pytest.param("f.ndjson", _jsonl, id="ndjson"),
        pytest.param("F.JSONL", _jsonl, id="name-in-capitals"),
        pytest.param("f.jsonl.gz", lambda rows: gzip.compress(_jsonl(rows)), id="jsonl-gz"),
        pytest.param("f.jsonl.zst", lambda rows: _zst(_jsonl(rows)), id="jsonl-zst"),
        pytest.param(
            "f.jsonl.gz",
            lambda rows: gzip.compress(_jsonl(rows[:1])) + gzip.compress(_jsonl(rows[1:])),
            id="gz-of-two-members",
        ),
        pytest.param(
            "f.jsonl.zst",
            lambda rows: _zst(_jsonl(rows[:1])) + _zst(_jsonl(rows[1:])),
            id="zst-of-two-frames",
        ),
        pytest.param("f.json", _array, id="json-array"),
        pytest.param("f.json", _holder, id="json-object-holding-one-list"),
        pytest.param("f.json.gz", lambda rows: gzip.compress(_array(rows)), id="json-gz"),
        pytest.param("f.json.zst", lambda rows: _zst(_array(rows)), id="json-zst"),
        pytest.param("f.csv", _csv, id="csv"),
        pytest.param("f.csv.gz", lambda rows: gzip.compress(_csv(rows)), id="csv-gz"),
        pytest.param("f.csv.zst", lambda rows: _zst(_csv(rows)), id="csv-zst"),
        pytest.param("f.tsv", _tsv, id="tsv"),
        pytest.param("f.parquet", _parquet, id="parquet"),
        pytest.param("f.pq", _parquet, id="pq"),
        pytest.param("f.jsonl", lambda rows: b"\xef\xbb\xbf" + _jsonl(rows), id="jsonl-bom"),
        pytest.param("f.json", lambda rows: b"\xef\xbb\xbf" + _array(rows), id="json-bom"),
        pytest.param("f.csv", lambda rows: b"\xef\xbb\xbf" + _csv(rows), id="csv-bom"),
        pytest.param("f.tsv", lambda rows: b"\xef\xbb\xbf" + _tsv(rows), id="tsv-bom"),
        pytest.param("f.jsonl", lambda rows: _jsonl(rows).rstrip(b"\n"), id="no-last-newline"),
        pytest.param("f.jsonl", lambda rows: _jsonl(rows).replace(b"\n", b"\r\n"), id="crlf"),
    ],
)
def test_every_format_gives_the_same_traces(
    tmp_path: Path, name: str, encode: Callable[[Rows], bytes]
) -> None:
    path = tmp_path / name
    path.write_bytes(encode(ROWS))

    assert _values(path) == TRACES


def test_standard_input_gives_the_same_traces_as_the_file(
    tmp_path: Path, cogtrace: Callable[..., Any]
) -> None:
    done = cogtrace("annotate", "-", "--out", tmp_path / "out", input=_jsonl(ROWS).decode())

    assert done.returncode == 0, done.stderr
    assert [trace for trace, _ in JobReader(tmp_path / "out").pairs()] == TRACES


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "parquet"])
def test_the_format_asked_for_goes_before_the_name(tmp_path: Path, form: str) -> None:
    encode = {"jsonl": _jsonl, "json": _array, "csv": _csv, "parquet": _parquet}[form]
    for name in ("traces.txt", "traces.tsv"):
        (tmp_path / name).write_bytes(encode(ROWS))
        assert _values(tmp_path / name, form) == TRACES


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip))
def test_a_text_comes_out_of_every_format_exactly_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    for name, encode in {
        "f.jsonl": _jsonl,
        "f.json": _array,
        "f.csv": _csv,
        "f.tsv": _tsv,
        "f.parquet": _parquet,
    }.items():
        (folder / name).write_bytes(encode([{"id": "t", "text": text}]))
        assert _values(folder / name) == [Trace(trace_id="t", text=text)], name


@pytest.mark.parametrize("name", ["f.jsonl", "f.json", "f.csv", "f.tsv", "f.jsonl.gz"])
@pytest.mark.parametrize(
    "content", [b"", b"\n\n\r\n", b"\xef\xbb\xbf"], ids=["empty", "blank", "bom"]
)
def test_a_file_without_rows_gives_none_and_no_error(
    tmp_path: Path, name: str, content: bytes
) -> None:
    packed = gzip.compress(content) if name.endswith(".gz") else content
    (tmp_path / name).write_bytes(packed)

    assert _read(tmp_path / name) == []


def test_lines_of_white_space_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes(b' \n\t\r\n{"text": "one"}\n  \n')

    assert [row.line for row in _read(tmp_path / "f.jsonl")] == [3]


def test_a_table_of_no_rows_gives_none(tmp_path: Path) -> None:
    pl.DataFrame({"text": []}, schema={"text": pl.String}).write_parquet(tmp_path / "f.parquet")
    (tmp_path / "f.csv").write_text("id,text\n")
    (tmp_path / "f.json").write_text("[]")

    for name in ("f.parquet", "f.csv", "f.json"):
        assert _read(tmp_path / name) == []


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("f.jsonl", b'\n{"text": "one"}\n\n{"text": "two"}\n', [2, 4]),
        ("f.json", b'[{"text": "one"},\n\n\n{"text": "two"}]', [1, 2]),
        ("f.csv", b'text\none\n"two\nlong"\nthree\n', [2, 3, 5]),
        ("f.csv", b"id,text\na,one\n\n\nb,two\n", [2, 5]),
        ("f.parquet", _parquet([{"text": "one"}, {"text": "two"}]), [1, 2]),
    ],
    ids=["jsonl", "json-items", "csv", "csv-with-empty-lines", "parquet-rows"],
)
def test_lines_are_counted_from_one_and_empty_lines_count(
    tmp_path: Path, name: str, content: bytes, lines: list[int]
) -> None:
    (tmp_path / name).write_bytes(content)

    assert [row.line for row in _read(tmp_path / name)] == lines


def test_several_inputs_are_read_in_order_each_with_its_own_columns(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text('{"response": "from one", "text_id": 1}\n')
    (tmp_path / "two.json").write_text('[{"thinking": "from two"}]')
    inputs = open_inputs([str(tmp_path / "two.json"), str(tmp_path / "one.jsonl")])

    rows = list(read_traces(inputs, {}))

    assert [row.value for row in rows] == [
        Trace(trace_id="two:1", text="from two"),
        Trace(trace_id="one:1", text="from one", meta={"text_id": 1}),
    ]
    assert [source.columns for source in inputs] == [{"text": "thinking"}, {"text": "response"}]
    assert [source.rows for source in inputs] == [1, 1]


@pytest.mark.parametrize(
    ("make", "name", "asked", "error", "says"),
    [
        pytest.param(None, "no.jsonl", None, InputError, "no such file", id="missing"),
        pytest.param("folder", "d.jsonl", None, InputError, "is a folder", id="folder"),
        pytest.param("file", "f.docx", None, InputError, "--format", id="unknown-name"),
        pytest.param("file", "f", None, InputError, "--format", id="no-suffix"),
        pytest.param(
            "file", "f.jsonl", "xml", OptionError, "jsonl, json, csv", id="unknown-format"
        ),
    ],
)
def test_an_input_that_cannot_be_read_at_all_is_refused_by_name(
    tmp_path: Path,
    make: str | None,
    name: str,
    asked: str | None,
    error: type[CogtraceError],
    says: str,
) -> None:
    path = tmp_path / name
    if make == "folder":
        path.mkdir()
    elif make == "file":
        path.write_text("x")

    with pytest.raises(error, match=says) as caught:
        open_inputs([str(path)], asked)
    assert caught.value.exit_code == 2
    assert (asked or str(path)) in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads any file")
@pytest.mark.parametrize("name", ["f.jsonl", "f.csv.gz", "f.jsonl.zst", "f.parquet"])
def test_a_file_that_may_not_be_read_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    path.chmod(0)

    with pytest.raises(InputError, match="cannot be read") as caught:
        open_inputs([str(path)])
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_parquet_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "f.parquet").write_bytes(b"PAR1 and then nothing of the kind")

    with pytest.raises(InputError, match=r"f\.parquet: not readable as Parquet"):
        _read(tmp_path / "f.parquet")


def test_parquet_from_standard_input_is_refused() -> None:
    with pytest.raises(OptionError, match="standard input"):
        list(read_traces(open_inputs(["-"], "parquet"), {}))


def test_a_long_bad_row_is_kept_cut_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text('{"text": "' + "x" * 2 * RAW_LIMIT + "\n" + '{"text": "')

    long, short = _values(tmp_path / "f.jsonl")

    assert isinstance(long, Quarantined)
    assert isinstance(short, Quarantined)
    assert (len(long.raw or ""), long.raw_truncated) == (RAW_LIMIT, True)
    assert (short.raw, short.raw_truncated) == ('{"text": "', False)


def test_the_developers_real_traces_are_all_read(dev_data: Path) -> None:
    rows = _read(dev_data / "traces_dev.jsonl.gz")

    assert len(rows) > 0
    assert not [row for row in rows if isinstance(row.value, Quarantined)]


def test_generated_ids_of_files_of_one_name_do_not_collide(tmp_path: Path) -> None:
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "part.jsonl")
        paths[-1].write_text('{"text": "t"}\n', encoding="utf-8")

    rows = read_traces(open_inputs([str(path) for path in paths]), {})

    ids = [row.value.trace_id for row in rows]
    assert ids == [f"{path}:1" for path in paths]
