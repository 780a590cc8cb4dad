"""Statistics as files: JSON that fits its schema, Parquet that holds the same."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import polars as pl
import pytest
from statistics_jobs import Made, make_job, random_rows

from cogtrace.corpora.statistics import (
    TABLES,
    Settings,
    Statistics,
    compute,
    read_corpus,
    write_json,
    write_parquet,
)
from cogtrace.errors import InputError
from cogtrace.schemas import load_schema, problems

SETTINGS = Settings(by=("model",), compare=("person", "*"), bootstrap=20)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Statistics:
    rows = random_rows(31, count=60)
    rows.append(Made(trace_id="bare", text="x", scores={"never-asked-before": 0}))
    job = make_job(tmp_path_factory.mktemp("jobs") / "job", rows)
    return compute(read_corpus([job], columns=SETTINGS.columns()), SETTINGS, ["length>0"])


def test_the_document_fits_its_schema(found: Statistics, tmp_path: Path) -> None:
    write_json(found, tmp_path / "deep" / "statistics.json")

    data = json.loads((tmp_path / "deep" / "statistics.json").read_text(encoding="utf-8"))
    assert problems("statistics", data) == []
    assert data["parameters"]["where"] == ["length>0"]
    assert {name for name in TABLES if not data[name]} == {"corrected"}  # no evaluation is given
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["statistics.json"]


def test_the_schema_names_the_fields_of_the_records_and_no_others() -> None:
    schema = load_schema("statistics")["properties"]

    assert list(schema) == list(Statistics.__struct_fields__)
    for name in (*TABLES, "sources"):
        (kind,) = get_args(get_type_hints(Statistics)[name])
        assert tuple(schema[name]["items"]["properties"]) == kind.__struct_fields__
        assert schema[name]["items"]["required"] == list(kind.__struct_fields__)


def test_a_figure_out_of_bounds_does_not_fit_the_schema(found: Statistics) -> None:
    data: dict[str, Any] = msgspec.to_builtins(found)
    data["prevalence"][0]["shown"] = 1.1

    assert [path for path, _ in problems("statistics", data)] == ["$.prevalence[0].shown"]


def test_tables_hold_what_the_document_holds(found: Statistics, tmp_path: Path) -> None:
    files = write_parquet(found, tmp_path / "tables")

    assert [file.name for file in files] == [f"{name}.parquet" for name in TABLES]
    assert sorted(path.name for path in files) == sorted(
        path.name for path in (tmp_path / "tables").iterdir()
    )
    for name, file in zip(TABLES, files, strict=True):
        rows = pl.read_parquet(file).to_dicts()
        expected = []
        for row in msgspec.to_builtins(getattr(found, name)):
            group = row.pop("group")
            key = {"group.all": not group, "group.model": group.get("model")}
            expected.append(key | row)
        assert rows == expected


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", random_rows(32, count=10))
    write_parquet(compute(read_corpus([job]), Settings(bootstrap=0)), tmp_path / "out")

    empty = pl.read_parquet(tmp_path / "out" / "comparison.parquet")
    assert empty.height == 0
    assert empty.schema["p_adjusted"] == pl.Float64
    assert empty.schema["method"] == pl.String


def test_what_cannot_be_written_is_an_error_that_names_the_file(
    found: Statistics, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(InputError, match=r"statistics\.json"):
        write_json(found, tmp_path / "file" / "statistics.json")
    with pytest.raises(InputError, match=r"groups\.parquet"):
        write_parquet(found, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_stream_gets_the_document_without_marks_that_a_terminal_obeys(tmp_path: Path) -> None:
    evil = "m\x1b[31m\u202e\x9b"
    rows = [Made(trace_id=f"t{n}", text="x", scores={"counting": 1}, model=evil) for n in range(3)]
    settings = Settings(by=("model",), bootstrap=0)
    job = make_job(tmp_path / "job", rows)
    stream = io.StringIO()

    write_json(compute(read_corpus([job], columns=["model"]), settings), stream)

    assert not set("\x1b\u202e\x9b") & set(stream.getvalue())
    assert json.loads(stream.getvalue())["groups"][1]["group"] == {"model": evil}
