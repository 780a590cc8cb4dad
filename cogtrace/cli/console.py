"""Writing to a terminal without letting a trace take it over."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

import msgspec

from cogtrace.printable import json_printable, printable

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")


def err(message: str) -> None:
    """Print a message for people, apart from any output."""
    print(printable(message), file=sys.stderr)  # noqa: T201 - this is the place that prints


def out(text: str) -> None:
    """Print a line of output."""
    print(text)  # noqa: T201 - this is the place that prints


def out_json(value: Any) -> None:
    """Print a value as JSON, for scripts; what a terminal might obey is escaped."""
    out(json_printable(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()))


def console(stderr: bool = False) -> Console:
    """Return a rich console; colours follow the terminal and NO_COLOR."""
    from rich.console import Console

    class Screen(Console):
        """A console that leaves a reader that went away to `until_read`."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Screen(stderr=stderr, highlight=False)


def until_read(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that it ends quietly when its reader goes away ("| head")."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is left in the buffer must not be an error at the end of the program.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return wrapped
