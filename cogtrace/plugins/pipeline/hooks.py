"""The hooks that a plugin has, found by pluggy's rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pluggy

from cogtrace.errors import PluginError
from cogtrace.extensions import GROUP
from cogtrace.plugins import hookspecs
from cogtrace.plugins.pipeline.tracing import traced

STAGES: Final = (
    "cogtrace_clarify",
    "cogtrace_scaffolds",
    "cogtrace_solve",
    "cogtrace_judge",
    "cogtrace_choose",
    "cogtrace_observe",
)
# Hooks whose first result counts, so that one plugin of a run may have them.
FIRST_RESULT: Final = ("cogtrace_clarify", "cogtrace_solve", "cogtrace_choose")


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook as a plugin implements it."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]  # those of the specification that it takes
    is_async: bool

    def call(self, values: dict[str, Any]) -> Any:
        """Call it with those of the values that it takes."""
        return self.function(*[values[name] for name in self.arguments])


def hooks_of(plugin: object, name: str) -> dict[str, Hook]:
    """Return the guidance hooks of what a plugin built, by their names.

    Raises:
        PluginError: it has none, or one that pluggy refuses.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except Exception as error:  # an object may resist being looked at in any way
        reason = " ".join(str(error).split())
        raise PluginError(f"guidance plugin {name!r}: {reason}") from error
    found = {}
    for stage in STAGES:
        for implementation in getattr(manager.hook, stage).get_hookimpls():
            if implementation.hookwrapper or implementation.wrapper:
                raise PluginError(f"guidance plugin {name!r}: {stage} is a wrapper of others")
            function = implementation.function
            hook = Hook(stage, function, tuple(implementation.argnames), _is_async(function))
            found[stage] = traced(hook, name)
    if not found:
        raise PluginError(
            f"guidance plugin {name!r}: what it built ({type(plugin).__name__}) has no guidance "
            "hook; are its functions marked with @hookimpl?"
        )
    return found


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(inspect.unwrap(function))
