"""Writing to a terminal without letting a trace take it over."""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from rich.console import Console

# Control characters become their pictures (U+2400…); marks that reorder text, and the
# like, become escapes: nothing from a trace may move the cursor or hide what it says.
_PICTURES: Final = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {
    127: 0x2421
}


def printable(text: str) -> str:
    """Return text that is safe to print on a terminal."""
    text = text.translate(_PICTURES)
    if text.isascii():
        return text
    return "".join(
        f"\\u{ord(char):04x}" if unicodedata.category(char) in ("Cf", "Cc", "Cs") else char
        for char in text
    )


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
