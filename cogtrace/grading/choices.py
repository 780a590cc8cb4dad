"""The letter of a choice: "(B)", "b.", "Option B: Paris"."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_WORD = (
    r"(?:(?:the\s+)?(?:(?:correct|right|best|final)\s+)?(?:option|choice|answer|letter)"
    r"\s*(?:is\s*)?:?\s*)?"
)
# A letter alone, in brackets, or set apart from its text by a bracket, full stop or colon.
_BARE: Final = re.compile(rf"{_WORD}[(\[]?\s*([a-z])\s*[)\]]?\s*[.:]?", re.IGNORECASE)
_LED: Final = re.compile(
    rf"{_WORD}(?:[(\[]\s*([a-z])\s*[)\]]\s*[.:]?|([a-z])\s*[).:\]])\s+(\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_FOUND: Final = re.compile(
    r"\(([A-Za-z])\)|\*\*\(?([A-Za-z])[).:]?\*\*|(?<![\w'’.])([A-Z])(?=[).:]?\s*$)"
)
_MARKS: Final = " \t\r\n*_`$\"'“”"


@dataclass(frozen=True, slots=True)
class Lettered:
    """A choice: its letter, upper case, and the text after it, if any."""

    letter: str
    text: str = ""


def lettered(answer: str) -> Lettered | None:
    """Return an answer as a choice, or None if it is none.

    >>> lettered("(b)"), lettered("**Option B.**"), lettered("Berlin")
    (Lettered(letter='B', text=''), Lettered(letter='B', text=''), None)
    >>> lettered("B) 12 apples")
    Lettered(letter='B', text='12 apples')
    """
    text = _plain(answer)
    bare = _BARE.fullmatch(text)
    if bare is not None:
        return Lettered(bare[1].upper())
    led = _LED.fullmatch(text)
    return Lettered((led[1] or led[2]).upper(), led[3]) if led is not None else None


def letter(answer: str) -> str | None:
    """Return the letter of an answer that is a choice, upper case; None if it is none."""
    found = lettered(answer)
    return found.letter if found is not None else None


def last_letter(text: str) -> str | None:
    """Return the last letter of a choice in a text: in brackets, bold, or at a line's end."""
    last = None
    for line in text.splitlines():
        for found in _FOUND.finditer(line.rstrip()):
            last = next(group for group in found.groups() if group)
    return last.upper() if last else None


def _plain(answer: str) -> str:
    text = unicodedata.normalize("NFKC", answer[:2_000]).strip(_MARKS)
    text = re.sub(r"\\(?:text|mathrm|textbf|mathbf|boxed)\s*\{([^{}]*)\}", r"\1", text)
    return text.strip(_MARKS)
