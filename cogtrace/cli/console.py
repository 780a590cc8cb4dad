"""Writing to a terminal without letting a trace take it over."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec

from cogtrace.printable import printable

if TYPE_CHECKING:
    from rich.console import Console


def err(message: str) -> None:
    """Print a message for people, apart from any output."""
    print(printable(message), file=sys.stderr)  # noqa: T201 - this is the place that prints


def out(text: str) -> None:
    """Print a line of output."""
    print(text)  # noqa: T201 - this is the place that prints


def out_json(value: Any) -> None:
    """Print a value as JSON, for scripts."""
    out(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def console(stderr: bool = False) -> Console:
    """Return a rich console; colours follow the terminal and NO_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)
