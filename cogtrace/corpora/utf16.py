"""Offsets in UTF-16, as browsers and the programs that run in them count.

A code point beyond U+FFFF, such as most emoji, takes two units there and one here.
"""

from __future__ import annotations

from bisect import bisect_left

_LAST = "\uffff"  # the last code point of one unit


class Utf16:
    """The offsets of one text, both ways."""

    def __init__(self, text: str) -> None:
        wide = [] if text.isascii() else [at for at, sign in enumerate(text) if sign > _LAST]
        self._points = wide
        self._units = [at + before for before, at in enumerate(wide)]
        self._size = len(text) + len(wide)

    def units(self, point: int) -> int:
        """Return the offset in units of an offset in code points.

        >>> Utf16("😀a").units(1)
        2
        """
        return point + bisect_left(self._points, point)

    def points(self, unit: int) -> int:
        """Return the offset in code points of an offset in units.

        Raises:
            ValueError: it lies outside the text, or within a code point.

        >>> Utf16("😀a").points(2)
        1
        """
        before = bisect_left(self._units, unit)
        if not 0 <= unit <= self._size:
            raise ValueError(f"{unit} is outside a text of {self._size} UTF-16 units")
        if before and self._units[before - 1] + 1 == unit:
            raise ValueError(f"{unit} is within a character of two UTF-16 units")
        return unit - before
