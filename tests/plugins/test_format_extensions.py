"""Readers and writers of packages go through the same door as the built-in ones."""

from __future__ import annotations

import pickle
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from cogtrace.errors import OptionError, PluginError
from cogtrace.plugins.manager import Extensions, load

HEAD = "from cogtrace.extensions import RawRow, ReaderKind, WriterKind, hookimpl\n"
GOOD = (
    HEAD
    + """
def read(path):
    yield RawRow(1, {"text": path})

def write(pairs, taxonomy):
    yield "x"

@hookimpl
def cogtrace_readers():
    return [
        ReaderKind(name="one", summary="s", read=read),
        ReaderKind(name="two", summary="s", read=read, gives="annotations"),
    ]

@hookimpl
def cogtrace_writers():
    return [WriterKind(name="one", summary="s", write=write)]
"""
)


@pytest.fixture
def found(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> object:
    """Return what is found with a package whose source is the parameter."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "plugin_formats.py").write_text(request.param, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "plugin_formats", raising=False)
    return load([EntryPoint("formats", "plugin_formats", "cogtrace")])


@pytest.mark.parametrize("found", [GOOD], indirect=True)
def test_a_package_adds_readers_and_writers(found: Extensions) -> None:
    assert found.problems == ()
    assert next(found.reader("one").read("p")).data == {"text": "p"}
    assert found.reader("two", "annotations").gives == "annotations"
    assert list(found.writer("one").write([], None)) == ["x"]  # type: ignore[arg-type]
    assert found.package(found.writer("one")) == "an unknown package"
    assert found.package(found.writer("jsonl")) == "cogtrace"


@pytest.mark.parametrize("found", [GOOD], indirect=True)
def test_a_reader_of_traces_is_none_of_annotations_nor_the_other_way_round(
    found: Extensions,
) -> None:
    with pytest.raises(OptionError, match=r"--format two: unknown; there is jsonl,.* one"):
        found.reader("two")
    with pytest.raises(OptionError, match=r"--from one: unknown; there is reference,.* two"):
        found.reader("one", "annotations")
    with pytest.raises(
        OptionError, match=r"--to two: unknown; there is jsonl, csv, reference, .*, one"
    ):
        found.writer("two")


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (
            HEAD + "@hookimpl\ndef cogtrace_readers(): return [dict]",
            "cogtrace_readers returned a list with the class dict, not ReaderKind",
        ),
        (
            HEAD + "@hookimpl\ndef cogtrace_readers():"
            "\n    return [ReaderKind(name='a', summary='', read=lambda path: iter(()))]",
            "read of 'a' must be a function or class that can be imported by name",
        ),
        (
            HEAD + "@hookimpl\ndef cogtrace_writers():"
            "\n    return [WriterKind(name='a', summary='', write=3)]",
            "write of 'a' must be a function or class that can be imported by name",
        ),
        (
            HEAD + "@hookimpl\ndef cogtrace_writers():"
            "\n    return [WriterKind(name='csv', summary='', write=dict)]",
            "the writer 'csv' is there already, from cogtrace",
        ),
        (
            HEAD + "@hookimpl\ndef cogtrace_readers():"
            "\n    return [ReaderKind(name='schoenfeld', summary='', read=dict)]",
            "the reader 'schoenfeld' is there already, from cogtrace",
        ),
    ],
    indirect=["found"],
)
def test_a_broken_package_of_formats_is_named_and_the_others_work(
    found: Extensions, error: str
) -> None:
    (problem,) = found.problems
    assert error in problem.error
    assert found.writer("csv").summary == load([]).writer("csv").summary
    with pytest.raises(PluginError, match="plugin 'formats'"):
        found.reader("mine")


@pytest.mark.parametrize("kind", [*load([]).readers(), *load([]).writers()])
def test_a_built_in_format_can_be_sent_to_another_process(kind: object) -> None:
    assert pickle.loads(pickle.dumps(kind)) == kind
