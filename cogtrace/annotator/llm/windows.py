"""Cutting a long trace into windows of sentences that fit a prompt.

Nothing is left out: every character of every sentence is shown in some window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cogtrace.annotator.llm.estimating import estimate_tokens
from cogtrace.annotator.llm.model import Line, Ranges, Window

# What "[123] " and the line's end cost beside the text; the most that was seen with four
# digits, whatever the tokenizer.
LABEL_TOKENS: Final = 7

__all__ = ["estimate_tokens", "halve", "plan_windows"]

_Cost = tuple[Line, int]  # with its label, in tokens


def plan_windows(
    text: str, ranges: Ranges, size: int, overlap: int, count: Callable[[str], int]
) -> list[Window]:
    """Return windows over all sentences, each of at most ``size`` tokens by ``count``.

    A window begins with the last ``overlap`` sentences of the one before, so that what
    lies across a border is seen whole by one of them; with fewer where they would take
    more than half of the window, or leave no room for anything new. A sentence that is
    longer than a window goes through several in pieces. A single character is shown even
    if it alone exceeds ``size``. ``count`` is called once for a text that fits as a whole,
    and otherwise once more per line.
    """
    if not ranges:
        return []
    whole = [Line(number, *at) for number, at in enumerate(ranges, 1)]
    labels = LABEL_TOKENS * len(whole)
    if labels < size and count(text[ranges[0][0] : ranges[-1][1]]) + labels <= size:
        return [Window(tuple(whole))]
    room = max(size - LABEL_TOKENS, 1)
    lines: list[_Cost] = []
    for line in whole:
        lines += _pieces(text, line, room, count)
    windows: list[Window] = []
    begin = end = 0
    while end < len(lines):
        end = _fill(lines, begin, end, size)
        windows.append(_window(lines[begin:end]))
        if end < len(lines):
            begin = _step_back(lines, begin, end, size, overlap)
    return windows


def halve(window: Window) -> tuple[Window, Window] | None:
    """Return the two halves of a window, or None if it shows a single character.

    For a server that finds a prompt too long. The border lies between lines, as near to
    the middle as it can, or within the only line.
    """
    lines = window.lines
    if len(lines) == 1:
        (line,) = lines
        if line.end - line.start < 2:
            return None
        middle = (line.start + line.end) // 2
        first = Line(line.sentence, line.start, middle)
        second = Line(line.sentence, middle, line.end)
        return Window((first,)), Window((second,))
    half = sum(line.end - line.start for line in lines) / 2
    seen, at = 0, 0
    while at < len(lines) - 1 and (at == 0 or seen < half):
        seen += lines[at].end - lines[at].start
        at += 1
    return Window(lines[:at]), Window(lines[at:])


def _pieces(text: str, line: Line, room: int, count: Callable[[str], int]) -> list[_Cost]:
    """Return a line with its cost, or pieces of it that have room."""
    tokens = count(text[line.start : line.end])
    length = line.end - line.start
    if tokens <= room or length < 2:
        return [(line, tokens + LABEL_TOKENS)]
    pieces = []
    wanted = min(-(-tokens // room), length)
    start = line.start
    for number in range(1, wanted + 1):
        end = line.start + length * number // wanted
        if number < wanted:
            end = _at_blank(text, start, end)
        pieces += _pieces(text, Line(line.sentence, start, end), room, count)
        start = end
    return pieces


def _at_blank(text: str, start: int, end: int) -> int:
    """Return the place after the last blank in the second half of a stretch, or its end."""
    middle = (start + end) // 2
    blank = max(text.rfind(" ", middle, end), text.rfind("\n", middle, end))
    return blank + 1 if blank > start else end


def _fill(lines: list[_Cost], begin: int, first_new: int, size: int) -> int:
    """Return the end of the window from ``begin``, which shows at least one new line."""
    total = 0
    end = begin
    while end < len(lines) and (end <= first_new or total + lines[end][1] <= size):
        total += lines[end][1]
        end += 1
    return end


def _step_back(lines: list[_Cost], begin: int, end: int, size: int, overlap: int) -> int:
    """Return where the window after lines ``begin`` to ``end`` begins."""
    free = min(size // 2, size - lines[end][1])
    at = end
    sentences: set[int] = set()
    while at - 1 > begin:
        line, cost = lines[at - 1]
        sentences.add(line.sentence)
        if cost > free or len(sentences) > overlap:
            break
        free -= cost
        at -= 1
    return at


def _window(lines: list[_Cost]) -> Window:
    """Return a window; pieces of a sentence that follow each other become one line."""
    joined: list[Line] = []
    for line, _ in lines:
        if joined and joined[-1].sentence == line.sentence:
            line = Line(line.sentence, joined.pop().start, line.end)
        joined.append(line)
    return Window(tuple(joined))
