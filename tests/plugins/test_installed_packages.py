"""Real packages with metadata, seen by a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PLUGIN = """
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.extensions import EngineKind, hookimpl

@hookimpl
def cogtrace_engines():
    return [EngineKind(name="echo", summary="says it again", build=ScriptedEngine)]
"""
ASK = """
import asyncio, sys
from cogtrace.engines import EngineSettings
from cogtrace.plugins import extensions
found = extensions()
print(*found.problems, sep="\\n")
try:
    kind = found.engine("echo")
except Exception as error:
    print(type(error).__name__, error)
else:
    print(kind.summary, asyncio.run(kind.build(EngineSettings()).start()).engine)
print("loaded", *sorted({"vllm", "openai", "numpy", "polars", "spacy"} & sys.modules.keys()))
"""


@pytest.fixture
def install(tmp_path: Path) -> Callable[[str, str], None]:
    """Return a function that lays down a package as an installer does."""

    def lay(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        info = tmp_path / f"{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[cogtrace]\n{name} = {name}\n")

    return lay


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., str]:
    """Return a function that asks for the engine "echo" in a new process."""

    def run(**environment: str) -> str:
        path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, "-c", ASK],
            env=os.environ | {"PYTHONPATH": path} | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_an_installed_package_is_found_and_its_engine_runs(
    install: Callable[[str, str], None], ask: Callable[..., str]
) -> None:
    install("acme_echo", PLUGIN)

    said = ask()

    assert "says it again scripted" in said
    assert "plugin" not in said


def test_a_broken_package_is_named_with_its_version_by_who_asks_for_it(
    install: Callable[[str, str], None], ask: Callable[..., str]
) -> None:
    install("acme_echo", "import a_module_that_nobody_has")

    said = ask()

    problem = "plugin 'acme_echo' of acme_echo 1.2: ModuleNotFoundError: No module named"
    assert said.startswith(problem)
    assert "PluginError --engine echo: unknown" in said
    assert said.count(problem) == 2


def test_a_package_that_is_not_chosen_is_not_even_imported(
    install: Callable[[str, str], None], ask: Callable[..., str]
) -> None:
    install("acme_echo", "raise AssertionError('imported')")

    said = ask(COGTRACE_PLUGINS="")

    assert "imported" not in said
    assert "OptionError --engine echo: unknown; there is vllm, openai, scripted" in said


def test_finding_extensions_loads_nothing_heavy(ask: Callable[..., str]) -> None:
    assert ask().splitlines()[-1] == "loaded"
