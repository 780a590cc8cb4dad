"""`cogtrace plugins new`: what is written works as it is, under a name that can be used."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from laid_packages import guidance, lay

from cogtrace.errors import InputError, OptionError
from cogtrace.plugins.manager import load
from cogtrace.plugins.scaffolding import Written, write_package
from cogtrace.plugins.testing import PROPERTIES, check_plugin

BARE = load([])


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    made = write_package("two-views", tmp_path, BARE)
    monkeypatch.syspath_prepend(made.module.parent)
    yield made
    for name in list(sys.modules):
        if name.startswith("cogtrace_two_views"):
            del sys.modules[name]


def test_the_package_is_whole_and_no_word_is_left_to_fill_in(written: Written) -> None:
    names = {str(path.relative_to(written.folder)) for path in written.files}

    assert written.folder.name == "cogtrace-two-views"
    assert {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "src/cogtrace_two_views/__init__.py",
        "src/cogtrace_two_views/options.json",
        "src/cogtrace_two_views/plugin.py",
        "src/cogtrace_two_views/prompts/v1/list.txt",
        "src/cogtrace_two_views/py.typed",
        "tests/test_plugin.py",
    } <= names
    for path in written.files:
        text = path.read_text(encoding="utf-8")
        assert "@" not in text.replace("@sample", "").replace("@hookimpl", "").replace(
            "@pytest", ""
        ).replace("@functools", ""), path
        if path.suffix == ".py":
            assert ast.get_docstring(ast.parse(text)), path


def test_the_plugin_as_written_keeps_all_properties(written: Written) -> None:
    project = tomllib.loads((written.folder / "pyproject.toml").read_text(encoding="utf-8"))
    ((name, module),) = project["project"]["entry-points"]["cogtrace"].items()

    found = load([EntryPoint(name, module, "cogtrace")])

    assert found.problems == ()
    findings = list(check_plugin(found.guidance("two-views")))
    assert [finding for finding in findings if not finding.passed] == []
    assert len(findings) == len(PROPERTIES)


def test_the_options_as_written_are_json_with_descriptions(written: Written) -> None:
    schema = json.loads((written.module / "options.json").read_text(encoding="utf-8"))

    assert all(option["description"] for option in schema["properties"].values())
    importlib.import_module("cogtrace_two_views.plugin")


@pytest.mark.slow
@pytest.mark.parametrize("command", [["pytest", "-q", "-p", "no:cacheprovider"], ["mypy"]])
def test_its_own_tests_and_types_pass_as_written(written: Written, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=written.folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["none", "class", "x", "import-return", "a1-b2"])
def test_words_of_python_can_be_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made = write_package(name, tmp_path, BARE)

    for path in made.files:
        if path.suffix == ".py":
            compile(path.read_text(encoding="utf-8"), str(path), "exec")
    monkeypatch.syspath_prepend(made.module.parent)
    module = f"cogtrace_{name.replace('-', '_')}.plugin"
    assert load([EntryPoint(name, module, "cogtrace")]).guidance(name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "no name for a plugin"),
        ("Two", "no name for a plugin"),
        ("two_views", "no name for a plugin"),
        ("-two", "no name for a plugin"),
        ("two--views", "no name for a plugin"),
        ("2views", "no name for a plugin"),
        ("../two", "no name for a plugin"),
        ("two\n", "no name for a plugin"),
        ("zwei-häuser", "no name for a plugin"),
        ("a" * 41, "at most 40 characters"),
        ("cogtrace-two", "leave out cogtrace-"),
        ("pipeline", "is taken"),
        ("engines", "is taken"),
        *[(kind.name, "is there already") for kind in BARE.guidance_plugins()[:1]],
    ],
)
def test_a_name_that_cannot_be_used_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        write_package(name, tmp_path, BARE)

    assert list(tmp_path.iterdir()) == []


def test_a_name_that_a_package_has_already_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    lay(tmp_path / "there", "cogtrace_hints", guidance("hint"))
    monkeypatch.syspath_prepend(tmp_path / "there")

    with pytest.raises(OptionError, match="cogtrace-hints is installed already"):
        write_package("hints", tmp_path, BARE)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "cogtrace-mine"
    mine.mkdir()

    with pytest.raises(InputError, match="cogtrace-mine is there already; choose another"):
        write_package("mine", tmp_path, BARE)

    assert list(mine.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_an_error_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(InputError, match="cannot be written"):
        write_package("mine", file, BARE)


def test_the_verb_says_what_was_written_and_what_comes_next(
    tmp_path: Path, cogtrace: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = cogtrace("plugins", "new", "two-views", "--dir", tmp_path)

    assert done.returncode == 0, done.stderr
    assert "cogtrace-two-views/src/cogtrace_two_views/plugin.py" in done.stdout
    assert "cogtrace plugins check two-views" in done.stderr
