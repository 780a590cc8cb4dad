"""The guidance plugins that come with cogtrace keep what every plugin must keep."""

from __future__ import annotations

import pytest

from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.manager import load
from cogtrace.plugins.testing import PROPERTIES, Property, Subject, statement
from cogtrace.plugins.testing.behaviour import every_task_ends_with_a_sound_record

KINDS = load([]).guidance_plugins()
OPTIONS = {"budget": {"most_samples": 6}}  # rather than 64, the same many times over
CASES = [
    # A process of its own for each costs more than all the rest; one plugin is enough for all
    # days, and the others are tried where slow tests are.
    pytest.param(
        kind,
        holds,
        id=f"{statement(holds)}-{kind.name}",
        marks=[pytest.mark.slow] if "process" in holds.__name__ and kind is not KINDS[0] else [],
    )
    for holds in PROPERTIES
    for kind in KINDS
]


def test_there_are_built_in_plugins() -> None:
    assert len(KINDS) > 1


@pytest.mark.parametrize(("kind", "holds"), CASES)
def test_a_built_in_plugin_keeps_what_every_plugin_must_keep(
    kind: GuidanceKind, holds: Property
) -> None:
    holds(Subject(kind, OPTIONS.get(kind.name, {})))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_built_in_plugin_works_with_its_defaults(kind: GuidanceKind) -> None:
    every_task_ends_with_a_sound_record(Subject(kind))
