"""Wheels of cogtrace and of other people's packages, installed into a fresh environment."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from cogtrace.plugins.testing import PROPERTIES

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "plugins" / "tutorial.md"
EXAMPLE = ROOT / "examples" / "cogtrace-stepback"
GUIDED = """
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.plugins.pipeline import guide_sync

engine = ScriptedEngine.from_rules([
    {"when": "Step back", "answer": "Distance is speed times time."},
    {"when": "Distance is speed", "answer": "The answer is 2."},
])
run = guide_sync("How long for 100 km at 50 km/h?", "stepback", engine=engine)
print(run.outcome, run.answer, *run.usage_by_plugin)
"""


class Environment:
    """An environment of its own; what cogtrace needs is taken from that of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "environment"
        venv.create(self.folder, with_pip=False, symlinks=True)
        (site,) = self.folder.glob("lib/python*/site-packages")
        # Behind its own: what is installed there comes first.
        (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self.site = site
        self.bin = self.folder / "bin"

    def run(
        self, *command: object, cwd: Path, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COGTRACE"))}
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [str(self.bin / str(command[0])), *map(str, command[1:])],
            cwd=cwd,
            env=kept | {"PATH": path} | variables,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def install(self, what: Path) -> None:
        """Install a package without asking a network for anything."""
        pip = ["-m", "pip", "--python", str(self.bin / "python"), "install", "--quiet"]
        options = ["--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed"]
        done = subprocess.run(
            [sys.executable, *pip, *options, str(what)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _wheel(source: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment with our wheel in it, its scripts included."""
    folder = tmp_path_factory.mktemp("fresh")
    tree = folder / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, tree / name)
    shutil.copytree(ROOT / "cogtrace", tree / "cogtrace", ignore=_caches)
    environment = Environment(folder)
    environment.install(_wheel(tree, folder / "wheel"))
    return environment


_caches = shutil.ignore_patterns("__pycache__")


@pytest.fixture
def ok(fresh: Environment, tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs a program there, which must succeed, and gives its output."""

    def ok(*command: object, cwd: Path = tmp_path, **variables: str) -> str:
        done = fresh.run(*command, cwd=cwd, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return ok


def test_the_environment_holds_our_wheel_and_nothing_of_the_checkout(
    fresh: Environment, ok: Callable[..., str]
) -> None:
    place = ok("python", "-c", "import cogtrace; print(cogtrace.__file__)")

    assert Path(place.strip()).is_relative_to(fresh.site)


def test_the_example_package_is_found_checked_and_run(
    fresh: Environment, ok: Callable[..., str], tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "source", ignore=_caches)
    fresh.install(_wheel(tmp_path / "source", tmp_path / "wheel"))

    listed = ok("cogtrace", "plugins", "list")
    checked = ok("cogtrace", "plugins", "check", "stepback")
    ok("cogtrace", "guide", "@sample", "--with", "stepback", "--engine", "scripted", "--out", "out")
    guided = ok("python", "-c", GUIDED)
    tested = ok("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path / "source")

    assert "stepback  from cogtrace-stepback 0.1.0 (cogtrace_stepback.plugin)" in listed
    assert "FAILED" not in checked
    assert guided.split() == ["answered", "2", "stepback", "pipeline"]
    assert "passed" in tested


def _commands() -> list[str]:
    """Return the commands of the tutorial, in order."""
    programs = ("cogtrace ", "pip ", "cd ", "pytest", "mypy", "python ", "twine ", "COGTRACE_")
    lines = TUTORIAL.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.startswith(tuple("    " + p for p in programs))]


def test_each_command_of_the_tutorial_does_what_it_says(
    fresh: Environment, ok: Callable[..., str], tmp_path: Path
) -> None:
    said = {}
    folder = tmp_path
    for command in _commands():
        words = shlex.split(command)
        if words[0] == "twine" or "http://" in command or words[:3] == ["pip", "install", "build"]:
            continue  # a network, or a model
        if words[:2] == ["pip", "install"]:  # not editable, which needs more than is here
            fresh.install(folder / words[-1].removesuffix("[test]"))
        elif words[0] == "cd":
            folder = folder / words[1]
        elif words[0] == "python":
            said[command] = ok(*words, "--no-isolation", cwd=tmp_path)
        elif words[0] in ("pytest", "mypy"):
            said[command] = ok("python", "-m", *words, cwd=folder)
        else:
            variables = dict(word.split("=") for word in words if word.startswith("COGTRACE_"))
            said[command] = ok(*words[len(variables) :], cwd=tmp_path, **variables)

    assert len(said) >= 10
    assert said["cogtrace plugins check demo"].count("ok ") == len(PROPERTIES)
    assert "passed" in said["pytest"]
    assert "no issues found" in said["mypy"]
    assert "cogtrace-demo 0.1.0 (cogtrace_demo.plugin:build)" in said["cogtrace plugins info demo"]
    (watched,) = (text for command, text in said.items() if command.startswith("COGTRACE_"))
    assert "demo cogtrace_scaffolds(task='" in watched
    assert len(list((tmp_path / "cogtrace-demo" / "dist").iterdir())) == 2
