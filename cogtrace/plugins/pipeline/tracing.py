"""Showing every call of a guidance hook: COGTRACE_TRACE_HOOKS=1, for authors of plugins.

Each call is one line on standard error: plugin, hook, task, arguments, result, seconds. Texts
are shortened, and nothing in them can take over a terminal.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from cogtrace.printable import printable

if TYPE_CHECKING:
    from cogtrace.plugins.pipeline.hooks import Hook

VARIABLE: Final = "COGTRACE_TRACE_HOOKS"
_MOST: Final = 160  # characters of one value


def traced(hook: Hook, plugin: str) -> Hook:
    """Return a hook that shows its calls, if the environment asks for it; else the same."""
    if os.environ.get(VARIABLE, "") in ("", "0"):
        return hook
    function = hook.function

    @functools.wraps(function)
    def plain(*values: Any) -> Any:
        tell = _begun(hook, plugin, values)
        try:
            result = function(*values)
        except BaseException as error:
            tell(error)
            raise
        if inspect.isawaitable(result):
            return _awaited(result, tell)
        tell(result)
        return result

    @functools.wraps(function)
    async def waiting(*values: Any) -> Any:
        return await _awaited(function(*values), _begun(hook, plugin, values))

    return dataclasses.replace(hook, function=waiting if hook.is_async else plain)


async def _awaited(result: Any, tell: Callable[[object], None]) -> Any:
    try:
        value = await result
    except BaseException as error:
        tell(error)
        raise
    tell(value)
    return value


def _begun(hook: Hook, plugin: str, values: tuple[Any, ...]) -> Callable[[object], None]:
    """Return a function that tells what came of the call that begins now."""
    began = time.perf_counter()
    given = [
        f"task={_short(value.task.task_id)}" if name == "run" else f"{name}={_short(value)}"
        for name, value in zip(hook.arguments, values, strict=True)
    ]

    def tell(result: object) -> None:
        did = "raised" if isinstance(result, BaseException) else "->"
        seconds = time.perf_counter() - began
        line = f"{plugin} {hook.name}({', '.join(given)}) {did} {_short(result)} [{seconds:.3f} s]"
        sys.stderr.write(f"{' '.join(printable(line).splitlines())}\n")

    return tell


def _short(value: object) -> str:
    """Return a value in a few characters; its own repr may do anything."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"({type(value).__name__} whose repr raises {type(error).__name__})"
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
