"""One text form for matching, with every character where it was."""

from __future__ import annotations

from typing import Final

_SAME: Final = (("\n", " "), ("\t", " "), ("\u00a0", " "), ("\u2019", "'"), ("\u2018", "'"))


def fold(text: str) -> str:
    """Return ``text`` in lower case with plain spaces and apostrophes, same offsets."""
    folded = text.lower()
    if len(folded) != len(text):
        # A few capitals grow when lowered ("İ"); they stay, so that offsets hold.
        folded = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    for char, plain in _SAME:
        folded = folded.replace(char, plain)
    return folded
