"""The list of verbs: complete, quick, and in one voice with each verb's own help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import cogtrace.cli
from cogtrace.cli.verbs import VERBS, Verb, load

FOLDER = Path(cogtrace.cli.__file__).parent


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_can_be_loaded_and_its_line_fits_the_screen(verb: Verb) -> None:
    command = load(verb.name)

    assert command.name == verb.name
    assert command.help
    assert verb.summary.endswith(".")
    assert len(verb.summary) <= 68


def test_every_module_with_a_function_of_its_own_name_is_a_verb() -> None:
    modules = {
        path.stem.rstrip("_").replace("_", "-")
        for path in FOLDER.glob("*.py")
        if f"\ndef {path.stem}(" in path.read_text(encoding="utf-8")
    }

    assert modules - {"main", "console"} <= {verb.name for verb in VERBS}
    assert {"annotate", "import", "report"} <= modules


def test_listing_the_verbs_loads_none_of_them() -> None:
    code = """
import sys
from cogtrace.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *sorted(name for name in sys.modules if name.startswith("cogtrace.cli.")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    )

    shown, _, loaded = done.stdout.partition("LOADED ")
    for verb in VERBS:
        assert f" {verb.name} " in shown
        assert verb.module not in loaded.split()


def test_verbs_that_belong_together_stand_together() -> None:
    panels = [verb.panel for verb in VERBS]

    assert sorted(set(panels), key=panels.index) == [
        panel for panel, before in zip(panels, [None, *panels[:-1]], strict=True) if panel != before
    ]


def test_an_unknown_verb_is_answered_with_those_that_are_near() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cogtrace", "stat"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "Did you mean 'stats', 'status'?" in done.stderr
