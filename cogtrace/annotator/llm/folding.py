"""Text without what gets lost when it is shown and copied: blanks, case, typography."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"\S+")
# Signs that are typed, printed or shown in different ways; prompts show some brackets as
# others. Compatibility forms (full-width signs, ligatures, the ellipsis) need no mention:
# normalisation resolves them.
_SIGNS: Final = {
    ord(char): plain
    for plain, chars in {
        "": "*∗•`",  # emphasis, code and lists: models leave their marks out
        "'": "‘’‚‛′´ʼ",
        '"': "“”„‟″«»",
        "-": "‐‑‒–—―−⁃",
        "|": "¦∣│┃❘ǀ⏐",
        "<": "‹〈⟨❮",
        ">": "›〉⟩❯",
        "(": "[⟦【〔❲⟬",
        ")": "]⟧】〕❳⟭",
        "/": "⁄∕",
        "_": "▁",
    }.items()
    for char in chars
}
# Control characters are shown as their pictures, half a surrogate pair as U+FFFD; all of
# them count as nothing.
_PICTURES: Final = frozenset((*range(0x2400, 0x2422), 0xFFFD))
_NOTHING: Final = frozenset(("Cc", "Cf", "Cs", "Mn", "Me"))


def fold(text: str) -> str:
    """Return text with one blank for white space, small plain letters and plain signs."""
    return fold_with_offsets(text)[0]


def fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """Return text folded, and for each character of the result where it comes from."""
    parts: list[str] = []
    offsets: list[int] = []
    for word in _WORD.finditer(text):
        start, end = word.span()
        shown = word.group()
        if shown.isascii() and shown.isprintable() and "*" not in shown and "`" not in shown:
            origins: list[int] | range = range(start, end)
            folded = shown.translate(_SIGNS).lower()
        else:
            pieces = [_fold_char(char) for char in shown]
            folded = "".join(pieces)
            origins = [start + n for n, piece in enumerate(pieces) for _ in piece]
        if not folded:
            continue
        if parts:
            parts.append(" ")
            offsets.append(start - 1)
        parts.append(folded)
        offsets.extend(origins)
    return "".join(parts), offsets


@lru_cache(maxsize=4096)
def _fold_char(char: str) -> str:
    if ord(char) in _PICTURES:
        return ""
    plain = unicodedata.normalize("NFKD", char.translate(_SIGNS)).casefold().translate(_SIGNS)
    return "".join(c for c in plain if not c.isspace() and unicodedata.category(c) not in _NOTHING)
