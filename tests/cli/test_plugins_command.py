"""`cogtrace plugins`, with packages that are good, broken, or not wanted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess
from laid_packages import environment, guidance, lay

import cogtrace as package
from cogtrace.plugins import extensions
from cogtrace.plugins.testing import PROPERTIES

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Return the command line in this process; it finds the packages laid into the folder."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    main = InProcess(monkeypatch, capsys)
    before = set(sys.modules)

    def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        extensions.cache_clear()
        return main(*arguments, env=variables)

    yield run
    extensions.cache_clear()
    for name in set(sys.modules) - before:
        if name.endswith("_hints"):
            del sys.modules[name]


def _listed(run: Run, **variables: str) -> dict[str, Any]:
    done = run("plugins", "list", "--json", **variables)
    assert done.returncode == 0, done.stderr
    return {plugin["name"]: plugin for plugin in json.loads(done.stdout)}


def test_all_plugins_are_listed_with_what_they_offer(run: Run, tmp_path: Path) -> None:
    lay(tmp_path, "acme_hints", guidance("hint"))

    found = _listed(run)
    done = run("plugins", "list")

    assert {"engines", "annotators", "corpora", "guidance", "acme_hints"} == set(found)
    assert found["engines"]["package"] == f"cogtrace {package.__version__}"
    assert "scripted" in {offer["name"] for offer in found["engines"]["offers"]}
    assert found["acme_hints"] == {
        "name": "acme_hints",
        "package": "acme_hints 1.2",
        "origin": "acme_hints",
        "state": "loaded",
        "hooks": ["cogtrace_guidance"],
        "offers": [
            {
                "what": "guidance plugin",
                "name": "hint",
                "summary": "gives a hint",
                "api_version": 1,
                "hooks": ["cogtrace_scaffolds"],
            }
        ],
        "problems": [],
    }
    assert "acme_hints  from acme_hints 1.2 (acme_hints)" in done.stdout
    assert "guidance plugin  hint  gives a hint (API 1; scaffolds)" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param("import nothing_of_that_name", "ModuleNotFoundError", id="import"),
        pytest.param(
            "from cogtrace.extensions import hookimpl\n"
            "@hookimpl\ndef cogtrace_guidance(): return 1 / 0",
            "cogtrace_guidance raised ZeroDivisionError: division by zero",
            id="hook raises",
        ),
        pytest.param(
            guidance("hint").replace("options=OPTIONS", "options=[1]"),
            "cogtrace_guidance: options of 'hint' are no JSON Schema of an object",
            id="options",
        ),
        pytest.param(
            guidance("hint", more="version=None"),
            "cogtrace_guidance: version of 'hint' is NoneType None, no text",
            id="version",
        ),
        pytest.param(
            guidance("hint").replace("api_version=1", "api_version=7"),
            "guidance plugin 'hint' was written for version 7 of the guidance hooks",
            id="of another API version",
        ),
    ],
)
def test_a_run_that_names_a_broken_plugin_stops_before_any_call(
    run: Run, tmp_path: Path, source: str, reason: str
) -> None:
    lay(tmp_path, "acme_hints", source)
    lay(tmp_path, "good_hints", guidance("good-hint"))

    listed = run("plugins", "list")
    named = run("guide", "@sample", "--engine", "scripted", "--with", "hint", "--out", "out")

    assert listed.returncode == 0
    assert f"warning: plugin 'acme_hints' of acme_hints 1.2: {reason}" in listed.stderr
    assert named.returncode == 2
    assert f"plugin 'acme_hints' of acme_hints 1.2: {reason}" in named.stderr
    assert "COGTRACE_PLUGINS='good_hints'" in named.stderr
    assert not (tmp_path / "out").exists()


def test_a_broken_plugin_stops_no_run_that_does_not_name_it(run: Run, tmp_path: Path) -> None:
    lay(tmp_path, "acme_hints", "import nothing_of_that_name")
    lay(tmp_path, "good_hints", guidance("good-hint"))

    done = run("plugins", "info", "good-hint")
    ran = run(
        *("guide", "@sample", "--limit", 1, "--engine", "scripted"),
        *("--with", "good-hint", "--out", "out"),
    )

    assert done.returncode == 0
    assert ran.returncode == 0, ran.stderr


def test_a_guidance_plugin_that_cannot_be_built_is_a_problem(run: Run, tmp_path: Path) -> None:
    source = guidance("hint").replace("return Hint()", "raise OSError('no such file')")
    lay(tmp_path, "acme_hints", source)

    plugin = _listed(run)["acme_hints"]
    named = run("guide", "@sample", "--engine", "scripted", "--with", "hint", "--out", "out")

    assert plugin["offers"][0]["hooks"] is None
    assert "'hint' cannot be built: OSError: no such file" in plugin["problems"][0]
    assert named.returncode == 2
    assert "'hint' cannot be built: OSError: no such file" in named.stderr
    assert "It comes from acme_hints 1.2: repair or uninstall it, or run without" in named.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("end", ["raise SystemExit(3)", "raise OSError", "exit()"])
def test_a_plugin_that_ends_the_process_when_built_does_not_end_the_list(
    run: Run, tmp_path: Path, end: str
) -> None:
    lay(tmp_path, "acme_hints", guidance("hint").replace("return Hint()", end))

    assert _listed(run)["acme_hints"]["offers"][0]["hooks"] is None


def test_the_variable_chooses_and_disables_plugins(run: Run, tmp_path: Path) -> None:
    lay(tmp_path, "acme_hints", "raise AssertionError('imported')")
    lay(tmp_path, "good_hints", guidance("good-hint"))

    chosen = _listed(run, COGTRACE_PLUGINS="good_hints")
    none = _listed(run, COGTRACE_PLUGINS="")
    missing = _listed(run, COGTRACE_PLUGINS="elsewhere")

    assert {name: chosen[name]["state"] for name in ("acme_hints", "good_hints")} == {
        "acme_hints": "not chosen",
        "good_hints": "loaded",
    }
    assert {none[name]["state"] for name in ("acme_hints", "good_hints")} == {"not chosen"}
    assert none["engines"]["state"] == "loaded"
    assert missing["elsewhere"]["state"] == "not installed"
    assert run("plugins", "info", "good-hint", COGTRACE_PLUGINS="").returncode == 2


def test_info_says_how_a_plugin_is_used(run: Run, tmp_path: Path) -> None:
    lay(tmp_path, "acme_hints", guidance("hint"))

    done = run("plugins", "info", "hint")
    data = json.loads(run("plugins", "info", "hint", "--json").stdout)

    assert done.returncode == 0, done.stderr
    for line in (
        "hint: gives a hint",
        "  from      acme_hints 1.2 (acme_hints:build)",
        "  hooks     cogtrace_scaffolds",
        "  calls     0 per task at most, besides those for the answer",
        "  source    a book",
        "  raises    Verification (verification)",
        "    count: integer, 1 to 9 (default 2)",
        "      How many hints.",
        '    mood: kind or strict (default "kind")',
        "    cogtrace guide @sample --with hint --engine scripted --out guided",
    ):
        assert line in done.stdout.splitlines()
    assert data["calls"] == 0
    assert data["options"][0]["default"] == 2


def test_the_example_of_info_can_be_run_as_it_is(run: Run, tmp_path: Path) -> None:
    lay(tmp_path, "acme_hints", guidance("hint"))
    shown = json.loads(run("plugins", "info", "hint", "--json").stdout)

    program, *arguments = shown["example"].split()
    done = run(*arguments)

    assert program == "cogtrace"
    assert done.returncode == 0, done.stderr


def test_an_unknown_plugin_is_refused_with_those_there_are(run: Run) -> None:
    done = run("plugins", "info", "restat")

    assert done.returncode == 2
    assert "guidance plugin restat: unknown; there is" in done.stderr


def test_check_passes_a_good_plugin(cogtrace: Run, tmp_path: Path) -> None:
    lay(tmp_path, "acme_hints", guidance("hint"))

    done = cogtrace("plugins", "check", "hint:count=3", env=environment(tmp_path), cwd=tmp_path)

    assert done.returncode == 0, done.stdout
    assert "ok      the question stays verbatim" in done.stdout
    assert f"{len(PROPERTIES)} of {len(PROPERTIES)} properties kept" in done.stderr


def test_check_says_what_a_bad_plugin_breaks_and_why(run: Run, tmp_path: Path) -> None:
    body = "run.task.meta['x'] = 1; return f'{run.task.question.encode(\"ascii\")}'"
    lay(tmp_path, "acme_hints", guidance("hint", body))

    done = run("plugins", "check", "hint", "--json")

    assert done.returncode == 1
    failed = {row["name"]: row["reason"] for row in json.loads(done.stdout) if not row["passed"]}
    assert set(failed) == {
        "every_task_ends_with_a_sound_record",
        "it_changes_nothing_that_it_is_given",
    }
    assert "UnicodeEncodeError" in failed["every_task_ends_with_a_sound_record"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("hint:count=0", "option count: 0 is less than the minimum of 1"),
        ("strict-hint", "'mood' is a required property"),
        ("hint:cuont=1", "no option 'cuont'; .*did you mean count"),
        ("hint,restate", "names 2 plugins; check them one by one"),
    ],
)
def test_check_refuses_what_makes_no_sense(
    run: Run, tmp_path: Path, asked: str, message: str
) -> None:
    lay(tmp_path, "acme_hints", guidance("hint"))
    needy = guidance("strict-hint").replace('"type": "object",', '"required": ["mood"],')
    lay(tmp_path, "strict_hints", needy.replace('"default": "kind", ', ""))

    done = run("plugins", "check", asked)

    assert done.returncode == 2
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(done.stderr)


def test_the_calls_of_hooks_can_be_watched(run: Run, tmp_path: Path) -> None:
    lay(tmp_path, "acme_hints", guidance("hint"))
    asked = ("guide", "@sample", "--limit", 2, "--engine", "scripted", "--with", "hint", "--out")

    watched = run(*asked, "out", COGTRACE_TRACE_HOOKS="1")

    lines = [line for line in watched.stderr.splitlines() if line.startswith("hint cogtrace_")]
    assert len(lines) == 2
    assert all("cogtrace_scaffolds(task=" in line for line in lines)
    assert all("-> 'Mind the unit.' [" in line for line in lines)
