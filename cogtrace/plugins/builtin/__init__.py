"""The guidance plugins that come with cogtrace, registered as anybody's are.

Each is a folder with the same files: ``plugin.py`` with what is registered, ``options.json``
with the schema of its options, and ``prompts/`` where a model is told something.
docs/plugins/ has a page for each.
"""

from __future__ import annotations

from cogtrace.extensions import hookimpl
from cogtrace.plugins.builtin.abduce.plugin import KIND as ABDUCE
from cogtrace.plugins.builtin.analogy.plugin import KIND as ANALOGY
from cogtrace.plugins.builtin.budget.plugin import KIND as BUDGET
from cogtrace.plugins.builtin.clarify.plugin import KIND as CLARIFY
from cogtrace.plugins.builtin.restate.plugin import KIND as RESTATE
from cogtrace.plugins.builtin.structure.plugin import KIND as STRUCTURE
from cogtrace.plugins.builtin.vote.plugin import KIND as VOTE
from cogtrace.plugins.guidance import GuidanceKind


@hookimpl
def cogtrace_guidance() -> list[GuidanceKind]:
    """Register the guidance plugins, in the order in which they make sense together."""
    return [CLARIFY, RESTATE, ANALOGY, STRUCTURE, ABDUCE, VOTE, BUDGET]
