"""The conformance kit: what every guidance plugin must keep, for tests and `plugins check`.

In the tests of a package, each property of a plugin is one test::

    import pytest
    from cogtrace.plugins.testing import PROPERTIES, Property, Subject, statement
    from acme_cogtrace.plugin import KIND

    @pytest.mark.parametrize("holds", PROPERTIES, ids=statement)
    def test_it_keeps_what_every_plugin_must_keep(holds: Property) -> None:
        holds(Subject(KIND))

`run_plugin` runs one on tasks of your own; as fixtures of pytest there are also
``run_plugin``, ``sample_tasks`` and ``scripted_engine``.
"""

from cogtrace.plugins.testing.conformance import (
    PROPERTIES,
    Finding,
    Property,
    check_plugin,
    statement,
)
from cogtrace.plugins.testing.engines import BAD_REPLIES, WatchedEngine, answering
from cogtrace.plugins.testing.running import PropertyBroken, Subject, run_plugin
from cogtrace.plugins.testing.tasks import GROUPS, numbered_tasks, sample_tasks

__all__ = [
    "BAD_REPLIES",
    "GROUPS",
    "PROPERTIES",
    "Finding",
    "Property",
    "PropertyBroken",
    "Subject",
    "WatchedEngine",
    "answering",
    "check_plugin",
    "numbered_tasks",
    "run_plugin",
    "sample_tasks",
    "statement",
]
