"""`cogtrace formats`, as it is typed, with and without packages."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

PLUGIN = """
from cogtrace.extensions import Labels, Mark, RawRow, ReaderKind, WriterKind, hookimpl

def read(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            yield RawRow(number, {"text": line.strip()})

def read_marks(path):
    for row in read(path):
        text = row.data["text"]
        yield RawRow(row.line, row.data, labels=Labels(marks=(Mark("first", 0, 1, text[0]),)))

def write(pairs, taxonomy):
    for trace, annotation in pairs:
        yield f"{trace.trace_id} {taxonomy.id} {len(annotation.elements)}\\n"

@hookimpl
def cogtrace_readers():
    return [
        ReaderKind(name="plain", summary="a trace a line\\x1b[2J", read=read, suffixes=(".txt",)),
        ReaderKind(name="initials", summary="marks", read=read_marks, gives="annotations"),
    ]

@hookimpl
def cogtrace_writers():
    return [WriterKind(name="counts", summary="how many", write=write)]
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay down a package with two readers and a writer, and one that is broken."""
    site = tmp_path / "site"
    for name, source in (("acme", PLUGIN), ("broken", "import no_such_module_anywhere")):
        info = site / f"{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (site / f"{name}.py").write_text(source, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[cogtrace]\n{name} = {name}\n")
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), before])))


def test_built_in_formats_are_listed_with_what_they_are_for(cogtrace: Run) -> None:
    done = cogtrace("formats")
    found = json.loads(cogtrace("formats", "--json").stdout)

    assert done.returncode == 0, done.stderr
    uses: dict[str, set[str]] = {}
    for row in found["formats"]:
        uses.setdefault(row["use"], set()).add(row["name"])
        assert row["summary"] in done.stdout
        assert row["package"].startswith("cogtrace")
    assert {"jsonl", "json", "csv", "tsv", "parquet"} <= uses["traces"]
    assert uses["annotations"] == {*("label-studio", "reference", "reasoningflow", "schoenfeld")}
    assert uses["export"] == {
        *("jsonl", "csv", "reference", "label-studio", "label-studio-config", "docbin", "w3c")
    }


@pytest.mark.usefixtures("installed")
def test_formats_of_packages_are_listed_and_broken_packages_are_named(cogtrace: Run) -> None:
    done = cogtrace("formats")

    assert done.returncode == 0
    assert "(.txt); from acme 1.2" in done.stdout
    assert "\x1b" not in done.stdout
    assert "warning: plugin 'broken' of broken 1.2: ModuleNotFoundError" in done.stderr


@pytest.mark.usefixtures("installed")
def test_formats_of_packages_are_read_imported_and_written(cogtrace: Run, tmp_path: Path) -> None:
    source = tmp_path / "two.txt"
    source.write_text("It is nine.\nLet me check it.\n", encoding="utf-8")

    read = cogtrace("annotate", source, "--out", tmp_path / "read")
    named = cogtrace("import", source, "--from", "initials", "--out", tmp_path / "marks")
    written = cogtrace("export", tmp_path / "marks", "--to", "counts")

    assert read.returncode == 0, read.stderr
    assert "2 traces" in read.stderr
    assert named.returncode == 0, named.stderr
    assert written.stdout == "two:1 initials-labels 1\ntwo:2 initials-labels 1\n"


@pytest.mark.usefixtures("installed")
def test_an_unknown_format_names_those_of_packages_and_those_that_are_broken(
    cogtrace: Run, tmp_path: Path
) -> None:
    done = cogtrace("annotate", "x", "--format", "plein", "--out", tmp_path / "out")

    assert done.returncode == 2
    assert "--format plein: unknown; there is jsonl, json, csv, tsv, parquet" in done.stderr
    assert "did you mean plain?" in done.stderr
    assert "plugin 'broken'" in done.stderr
