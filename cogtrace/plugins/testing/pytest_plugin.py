"""Fixtures for the tests of plugins; found by pytest wherever cogtrace is installed.

Nothing happens unless a test asks for one, and nothing heavy is imported before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cogtrace.engines.scripted import ScriptedEngine
    from cogtrace.plugins.guidance import Task
    from cogtrace.plugins.pipeline import GuidanceRun


@pytest.fixture
def run_plugin() -> Callable[..., list[GuidanceRun]]:
    """Return a function that runs a plugin on tasks: `cogtrace.plugins.testing.run_plugin`."""
    from cogtrace.plugins.testing import run_plugin

    return run_plugin


@pytest.fixture
def sample_tasks() -> list[Task]:
    """Return tasks of all sorts: plain, Unicode, empty, very long, hostile."""
    from cogtrace.plugins.testing import sample_tasks

    return sample_tasks()


@pytest.fixture
def scripted_engine() -> Callable[..., ScriptedEngine]:
    """Return a maker of engines that answer by rules: see `cogtrace.engines.rules`."""
    from cogtrace.engines.scripted import ScriptedEngine

    def make(*rules: dict[str, Any], **arguments: Any) -> ScriptedEngine:
        return ScriptedEngine.from_rules(rules, **arguments)

    return make
