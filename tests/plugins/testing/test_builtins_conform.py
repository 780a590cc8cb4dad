"""The guidance plugins that come with cogtrace keep what every plugin must keep."""

from __future__ import annotations

import pytest

from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.manager import load
from cogtrace.plugins.testing import PROPERTIES, Property, Subject, statement

KINDS = load([]).guidance_plugins()


def test_there_are_built_in_plugins() -> None:
    assert len(KINDS) > 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("holds", PROPERTIES, ids=statement)
def test_a_built_in_plugin_keeps_what_every_plugin_must_keep(
    kind: GuidanceKind, holds: Property
) -> None:
    holds(Subject(kind))
