"""Hugging Face datasets that were saved to disk are read like any other rows."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cogtrace.corpora.readers import open_inputs, parse_mapping, read_traces
from cogtrace.errors import InputError, OptionError
from cogtrace.records import Quarantined, Trace

INSTALLED = importlib.util.find_spec("datasets") is not None
with_datasets = pytest.mark.skipif(not INSTALLED, reason="the package datasets is not installed")
# What its own dependencies warn of is not for these tests to judge.
quietly = pytest.mark.filterwarnings("ignore:::(datasets|pyarrow|dill|huggingface_hub|fsspec).*")

ROWS: list[dict[str, Any]] = [
    {"uid": "a", "said": "It is nine.", "who": "m1", "tags": ["x"]},
    {"uid": "b", "said": None, "who": "m1", "tags": []},
    {"uid": "c", "said": "Let me check 🙂.", "who": "m2", "tags": ["y", "z"]},
]
MAPPING = parse_mapping(["text=said", "model=who"])


def _dataset(rows: list[dict[str, Any]]) -> Any:
    """Return a dataset; with a fingerprint given, for making one fails under some versions."""
    import pyarrow
    from datasets import Dataset

    table = pyarrow.Table.from_pylist(rows)
    return Dataset(table, fingerprint="made-for-a-test")


def _read(path: Path) -> list[Trace | Quarantined]:
    rows = list(read_traces(open_inputs([str(path)], "datasets"), MAPPING))
    assert [row.line for row in rows] == list(range(1, len(rows) + 1))
    return [row.value for row in rows]


@quietly
@with_datasets
def test_a_saved_dataset_is_read_with_its_columns_mapped(tmp_path: Path) -> None:
    _dataset(ROWS).save_to_disk(str(tmp_path / "saved"))

    first, bad, last = _read(tmp_path / "saved")

    assert first == Trace(trace_id="a", text="It is nine.", model="m1", meta={"tags": ["x"]})
    assert isinstance(bad, Quarantined)
    assert (bad.reason, bad.trace_id) == ("no-text", "b")
    assert isinstance(last, Trace)
    assert last.text == "Let me check 🙂."


@quietly
@with_datasets
def test_rows_that_were_selected_are_read_and_no_others(tmp_path: Path) -> None:
    _dataset(ROWS).select([2, 0]).save_to_disk(str(tmp_path / "saved"))

    assert [value.trace_id for value in _read(tmp_path / "saved")] == ["c", "a"]


@quietly
@with_datasets
def test_all_splits_are_read_and_named(tmp_path: Path) -> None:
    from datasets import DatasetDict

    splits = {"train": _dataset(ROWS[:1]), "test": _dataset(ROWS[2:])}
    DatasetDict(splits).save_to_disk(str(tmp_path / "saved"))

    found = [value for value in _read(tmp_path / "saved") if isinstance(value, Trace)]

    assert {(trace.trace_id, trace.meta["split"]) for trace in found} == {
        ("a", "train"),
        ("c", "test"),
    }


@quietly
@with_datasets
def test_a_folder_that_holds_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no dataset that save_to_disk left"):
        _read(tmp_path)


@pytest.mark.skipif(INSTALLED, reason="the package datasets is installed")
def test_without_the_package_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"pip install 'cogtrace\[datasets\]'"):
        _read(tmp_path)


@pytest.mark.parametrize("make", [None, "file"])
def test_what_is_no_folder_is_refused_before_anything_is_read(
    tmp_path: Path, make: str | None
) -> None:
    path = tmp_path / "x"
    if make == "file":
        path.write_text("x", encoding="utf-8")

    with pytest.raises(InputError, match="is no folder" if make else "no such file"):
        open_inputs([str(path)], "datasets")


@quietly
@with_datasets
def test_a_saved_dataset_is_annotated_on_the_command_line(
    cogtrace: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    rows = [ROWS[0], ROWS[2]]
    _dataset(rows).save_to_disk(str(tmp_path / "saved"))

    done = cogtrace(
        *("annotate", tmp_path / "saved", "--format", "datasets", "--map", "text=said"),
        *("--out", tmp_path / "out"),
    )

    assert done.returncode == 0, done.stderr
    assert "2 traces" in done.stderr
