r"""One form for answers that differ in dressing only: case, blanks, LaTeX, Markdown."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MOST_CHARS: Final = 20_000  # of an answer; what stands after them is not looked at

# What LaTeX writes for looks only.
_LOOKS: Final = re.compile(
    r"\\(?:left|right|big|Big|bigg|Bigg|displaystyle|textstyle|limits)(?![A-Za-z])"
    r"|\\[,!;:> ]|(?<!\\)~|\\(?:q?quad)(?![A-Za-z])"
)
_FRACTION: Final = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_SHORT_FRACTION: Final = re.compile(r"\\frac\s*(\d)\s*(\d)")  # \frac12
_DRESS: Final = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname|boxed|fbox)"
    r"\s*\{([^{}]*)\}"
)
_DEGREES: Final = re.compile(r"\^?\s*\{?\s*\\(?:circ|degree)\s*\}?")
_ESCAPED: Final = re.compile(r"\\([%$#&_])")
_BLANKS: Final = re.compile(r"\s+")
_MARKS: Final = ("**", "__", "$$", "$", "`", '"', "'", "*")
_PAIRS: Final = (("\\(", "\\)"), ("\\[", "\\]"), ("“", "”"), ("‘", "’"), ("«", "»"))
_FROM: Final = (
    "\u2212\u2010\u2011\u2012\u2013\u00d7\u22c5\u00b7\u00f7\u2044\u2215\u2018\u2019\u201c\u201d"
)
_LIKE: Final = str.maketrans(_FROM, "-----***" + "///" + "''" + '""')
_ENDS: Final = ".,;: \t\n"
_ROUNDS: Final = 8  # of undressing; deeper nesting is no honest dressing


def normalise(answer: str) -> str:
    r"""Return the form in which answers of the kind "exact" are compared.

    Blanks, case, Markdown emphasis, quotation marks and dollar signs around the whole, a
    full stop at the end, LaTeX that only changes looks, and other forms of a character do
    not count.

    >>> normalise(r" $\dfrac{1}{2}$. ") == normalise(r"\frac{1}{2}")
    True
    """
    text = unicodedata.normalize("NFKC", answer[:MOST_CHARS]).translate(_LIKE)
    for _ in range(_ROUNDS):
        before = text
        text = bare(_undressed(text))
        if text == before:
            break
    return _BLANKS.sub(" ", text).strip().casefold()


def bare(text: str) -> str:
    """Return a text without what stands around the whole of it: marks, blanks, full stop."""
    while True:
        before = text
        text = text.strip()
        text = text.rstrip(_ENDS) if not text.endswith("...") else text
        for mark in _MARKS:
            inner = text[len(mark) : -len(mark)]
            if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
                text = inner if mark not in inner else text
        for opening, closing in _PAIRS:
            inner = text[len(opening) : -len(closing)]
            if text.startswith(opening) and text.endswith(closing) and opening not in inner:
                text = inner
        if text == before:
            return text


def _undressed(text: str) -> str:
    text = _LOOKS.sub(" ", text)
    text = _FRACTION.sub(r"\\frac", text)
    text = _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", text)
    text = _DRESS.sub(r"\1", text)
    text = _DEGREES.sub("°", text)
    text = _ESCAPED.sub(r"\1", text)
    text = text.replace("{,}", ",").replace("\\cdot", "*").replace("\\times", "*")
    return _BLANKS.sub(" ", text)
