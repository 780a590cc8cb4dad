"""Files that options name: found by the schema, recorded by what stands in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guidance_kinds import kind

from cogtrace.errors import OptionError
from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.manager import extensions
from cogtrace.plugins.pipeline import make_plan
from cogtrace.plugins.pipeline.files import is_path

SCHEMA = {
    "type": "object",
    "properties": {
        "bank": {"type": ["string", "array", "null"], "format": "path", "default": None},
        "title": {"type": "string", "default": "bank.txt"},
    },
}


def _reads() -> GuidanceKind:
    return kind("reads", options=SCHEMA, scaffolds=lambda: None)


def _hashes(value: object) -> dict[str, str]:
    (step,) = make_plan([(_reads(), {"bank": value})]).steps
    files = step.shown()["files"]
    assert all(file["option"] == "bank" for file in files)
    return {file["path"]: file["sha256"] for file in files}


def test_the_content_of_each_file_that_an_option_names_is_recorded(tmp_path: Path) -> None:
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_bytes(b"abc")
    other.write_bytes(b"")

    found = _hashes([str(one), str(other)])

    assert found[str(one)].startswith("ba7816bf8f01cfea")  # SHA-256 of abc, FIPS 180-4
    assert found[str(other)].startswith("e3b0c44298fc1c14")
    assert _hashes(str(one)) == {str(one): found[str(one)]}
    assert _hashes(None) == {}


def _write(name: str, text: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    return change


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param(_write("a.txt", "one"), True, id="the same again"),
        pytest.param(_write(".lock", "x"), True, id="a hidden file"),
        pytest.param(_write("a.txt", "two"), False, id="another content"),
        pytest.param(_write("more/c.txt", ""), False, id="a new file"),
        pytest.param(lambda f: (f / "a.txt").rename(f / "b.txt"), False, id="another name"),
        pytest.param(lambda f: (f / "a.txt").unlink(), False, id="one less"),
    ],
)
def test_a_folder_is_recorded_by_all_that_stands_in_it(
    tmp_path: Path, change: Callable[[Path], object], same: bool
) -> None:
    _write("a.txt", "one")(tmp_path)
    before = _hashes(str(tmp_path))

    change(tmp_path)

    assert (_hashes(str(tmp_path)) == before) is same


def test_a_file_that_cannot_be_read_is_named_with_its_option(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OptionError, match=r"--with reads: bank nowhere: cannot be read \(No such"):
        _hashes("nowhere")
    with pytest.raises(OptionError, match=r"--with reads: bank a.*: cannot be read"):
        _hashes("a\0b")
    with pytest.raises(OptionError, match="is neither a file nor a folder"):
        _hashes(str(tmp_path / "pipe"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("abduce", {"rules"}),
        ("analogy", {"bank"}),
        ("budget", {"like"}),
        ("clarify", set()),
        ("restate", set()),
        ("structure", {"moves", "walks"}),
        ("vote", set()),
    ],
)
def test_options_of_the_built_in_plugins_that_name_files_say_so(
    name: str, options: set[str]
) -> None:
    built_in: Any = extensions().guidance(name)

    assert {one for one in built_in.options["properties"] if is_path(built_in, one)} == options
