"""The letter of a choice: "(B)", "b.", "Option B: Paris"."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WORD = (
    r"(?:(?:the\s+)?(?:(?:correct|right|best|final)\s+)?(?:option|choice|answer|letter)"
    r"\s*(?:is\s*)?:?\s*)?"
)
# A letter alone, in brackets, or set apart from its text by a bracket, full stop or colon.
_BARE: Final = re.compile(rf"{_WORD}[(\[]?\s*([a-z])\s*[)\]]?\s*[.:]?", re.IGNORECASE)
_LED: Final = re.compile(
    rf"{_WORD}(?:[(\[]\s*([a-z])\s*[)\]]\s*[.:]?|([a-z])\s*[).:\]])\s+\S.*",
    re.IGNORECASE | re.DOTALL,
)
_FOUND: Final = re.compile(
    r"\(([A-Za-z])\)|\*\*\(?([A-Za-z])[).:]?\*\*|(?<![\w'’.])([A-Z])(?=[).:]?\s*$)"
)
_MARKS: Final = " \t\r\n*_`$\"'“”"


def letter(answer: str) -> str | None:
    """Return the letter of an answer that is a choice, upper case; None if it is none.

    >>> letter("(b)"), letter("**Option B.**"), letter("B) 12 apples"), letter("Berlin")
    ('B', 'B', 'B', None)
    """
    text = _plain(answer)
    found = _BARE.fullmatch(text) or _LED.fullmatch(text)
    return next((group.upper() for group in found.groups() if group), None) if found else None


def is_bare(answer: str) -> bool:
    """Say whether an answer is a letter and nothing else."""
    return _BARE.fullmatch(_plain(answer)) is not None


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
