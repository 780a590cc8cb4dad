"""Text that can be shown: on a terminal or a page, nothing from a trace may take over."""

from __future__ import annotations

import json
import unicodedata
from typing import Final

# Control characters become their pictures (U+2400…); marks that reorder or hide text
# become escapes.
_PICTURES: Final = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {
    127: 0x2421
}
_HIDDEN: Final = ("Cf", "Cc", "Cs")


def printable(text: str) -> str:
    """Return text that is safe to show; line breaks and tabs stay."""
    text = text.translate(_PICTURES)
    if text.isascii():
        return text
    return "".join(
        f"\\u{ord(char):04x}"
        if unicodedata.category(char) in _HIDDEN and char not in "\n\t"
        else char
        for char in text
    )


def one_line(text: str, longest: int = 48) -> str:
    """Return text on one line that is safe to show, of so many characters at most.

    >>> one_line("two\\nlines"), one_line("a long one", 7)
    ('two lines', 'a long…')
    """
    line = printable(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def json_printable(text: str) -> str:
    """Return JSON that means the same and is safe to show."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        json.dumps(char)[1:-1] if unicodedata.category(char) in _HIDDEN and char != "\n" else char
        for char in text
    )
