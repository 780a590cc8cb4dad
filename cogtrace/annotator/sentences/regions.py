"""Stretches of a trace inside which no sentence ends: code and mathematics."""

from __future__ import annotations

import re
from typing import Final

# A delimiter without its partner is ordinary text. These bounds, in characters, say
# how far away a partner may be; more is a stray delimiter, not a formula.
_INLINE_REACH: Final = 1_000
_DISPLAY_REACH: Final = 20_000

_BLANK_LINE: Final = re.compile(r"\n[ \t\r]*\n")


class RegionFinder:
    """Finds where a protected region of one text ends.

    Looking for the partner of each delimiter anew would take quadratic time on a text
    full of stray ones, so the next place of each closing mark is remembered.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._next: dict[str, int] = {}

    def end_of(self, match: re.Match[str]) -> tuple[int, bool]:
        """Return where to go on after an opening mark, and whether it was a block.

        ``match`` stands on the mark: back ticks, tildes, dollars or a backslash. A
        block (fenced code) is a sentence by itself; a formula is part of one. Where
        the mark opens nothing, the place is just after it.
        """
        mark = match.group()
        if mark[0] in "`~":
            return self._code(match.start(), mark)
        if mark[0] == "$":
            return self._dollars(match.start(), mark), False
        if mark == "\\[":
            return self._closed_by("\\]", match.end(), _DISPLAY_REACH), False
        if mark == "\\(":
            return self._closed_by("\\)", match.end(), _INLINE_REACH), False
        if environment := match["environment"]:
            closing = f"\\end{{{environment}}}"
            return self._closed_by(closing, match.end(), _DISPLAY_REACH), False
        return match.end(), False

    def _code(self, at: int, mark: str) -> tuple[int, bool]:
        after = at + len(mark)
        if len(mark) >= 3 and self._opens_line(at):
            line_end = self._find("\n", after)
            if line_end == after and _BLANK_LINE.match(self._text, after):
                # A bare fence before an empty line is the end of a block whose
                # beginning the model forgot; taken for an opening, it would turn
                # the rest of the trace inside out.
                return after, False
            closing = self._find("\n" + mark[0] * 3, max(after, line_end))
            if line_end < 0 or closing < 0:
                # An open fence runs to the end of the document (CommonMark 4.5).
                return len(self._text), True
            end = self._find("\n", closing + 1)
            return (len(self._text) if end < 0 else end), True
        if mark[0] == "~":
            return after, False
        closing = self._find(mark, after)
        line_end = self._find("\n", after)
        if closing < 0 or 0 <= line_end < closing or closing - after > _INLINE_REACH:
            return after, False
        return closing + len(mark), False

    def _dollars(self, at: int, mark: str) -> int:
        text = self._text
        after = at + len(mark)
        if mark == "$$":
            return self._closed_by("$$", after, _DISPLAY_REACH)
        # As Pandoc has it: no space inside the marks, no digit after the closing one,
        # so that "$5 and $10" is money.
        if after >= len(text) or text[after].isspace():
            return after
        closing = self._find("$", after)
        while closing > 0 and text[closing - 1] == "\\":
            closing = self._find("$", closing + 1)
        if closing < 0 or closing - after > _INLINE_REACH or text[closing - 1].isspace():
            return after
        if text[closing + 1 : closing + 2].isdigit() or self._has_blank(after, closing):
            return after
        return closing + 1

    def _closed_by(self, closing: str, after: int, reach: int) -> int:
        found = self._find(closing, after)
        if found < 0 or found - after > reach:
            return after
        if reach == _INLINE_REACH and self._has_blank(after, found):
            return after
        return found + len(closing)

    def _find(self, mark: str, start: int) -> int:
        """Like ``text.find(mark, start)`` for rising starts, in linear time overall."""
        known = self._next.get(mark, -2)
        if known == -1 or known >= start:
            return known
        found = self._text.find(mark, start)
        self._next[mark] = found
        return found

    def _has_blank(self, start: int, end: int) -> bool:
        return _BLANK_LINE.search(self._text, start, end) is not None

    def _opens_line(self, at: int) -> bool:
        line_from = self._text.rfind("\n", max(0, at - 4), at) + 1
        if line_from == 0 and at > 3:
            return False
        return not self._text[line_from:at].strip(" \t")
