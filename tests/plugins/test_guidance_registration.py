"""Guidance plugins come in through the same door as all extensions, checked at it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from cogtrace.errors import PluginError
from cogtrace.plugins.manager import load
from cogtrace.plugins.pipeline import make_plan

SOURCE = """
from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import GuidanceKind

class Care:
    @hookimpl
    def cogtrace_scaffolds(self):
        return "Take care."

def build(options):
    return Care()

@hookimpl
def cogtrace_guidance():
    return [GuidanceKind(name={name!r}, summary="", build={build}, api_version={version})]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., EntryPoint]]:
    """Return a maker of an installed plugin."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str = "care", build: str = "build", version: int = 1) -> EntryPoint:
        source = SOURCE.format(name=name, build=build, version=version)
        (tmp_path / "plugin_care.py").write_text(source, encoding="utf-8")
        return EntryPoint("care", "plugin_care", "cogtrace")

    yield make
    sys.modules.pop("plugin_care", None)


def test_an_installed_plugin_can_be_named_in_a_plan(module: Callable[..., EntryPoint]) -> None:
    found = load([module()])

    assert found.problems == ()
    assert found.guidance_plugins()[-1].name == "care"
    assert str(make_plan("care:max_calls=0", found)) == "care"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"version": 2}, "was written for version 2 of the guidance hooks, this is version 1"),
        ({"version": 0}, "does not say for which version .*; write api_version=1 in its"),
        ({"name": "take care"}, "a name is a word"),
        ({"name": "a:b"}, "a name is a word"),
        ({"build": "lambda options: Care()"}, "imported by name"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_reported_and_named_to_who_asks_for_it(
    module: Callable[..., EntryPoint], arguments: dict[str, object], problem: str
) -> None:
    found = load([module(**arguments)])

    (reported,) = found.problems
    assert re.search(problem, reported.error)
    with pytest.raises(PluginError, match="care"):
        make_plan("care", found)
    assert {kind.name for kind in found.guidance_plugins()} >= {"restate"}
