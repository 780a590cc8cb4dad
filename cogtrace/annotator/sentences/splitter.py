"""Where the sentences of a reasoning trace begin.

Traces mix prose with mathematics, lists, headings, code and think tags, where an
ordinary splitter cuts in the wrong places. One pass over the text looks at the few
characters that can end a sentence or open a protected region; a region (code,
mathematics) is jumped over whole. Time is linear in the text, whatever it holds.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from cogtrace.annotator.sentences.regions import RegionFinder

# A character that may end a sentence or open a region, and just enough after it to
# drop the hopeless cases (the point of a decimal, say) without leaving the matcher. The
# plainest end of all, a word and a dot before a capital, is told apart right here. A run
# of marks is looked at from its first one only, or a long one would take quadratic time.
_STOP: Final = re.compile(
    r"""[.!?…。！？\n`~$\\<]
    (?: (?P<plain>(?<=[a-z]{5}\.)(?<!\bapprox\.)\ (?=[A-Z]))
      | (?<=[.!?…]) (?<![.!?…]{2}) [.!?…]*+ (?P<closers>["')\]}*_”’»]*+) \s++
      | (?<=[。！？]) [。！？]* [”’」』）"')]* \s*
      | (?<=\n) \s*
      | (?<=`) `*
      | (?<=~) ~~+
      | (?<=\$) \$?
      | (?<=\\) (?: [\[(\\$`] | begin\{(?P<environment>[A-Za-z]{1,20}\*?)\} )
      | (?<=<) (?: /?(?i:think|thinking|thought|reasoning|reflection|answer|solution)>
                 | \|[^|<>\n]{1,40}\|> ) \s*
    )""",
    re.VERBOSE,
)

# What a new line may open with so that it is a sentence of its own.
_LINE_OPENER: Final = re.compile(
    r"\#{1,6}[ \t]|(?:\\?[-*+]|[•–—‣◦])[ \t]|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})[.)][ \t]"
    r"|\*\*\S|>|```|~~~|<|\|"
)

# The start of a sentence that is only a label, so that the dot after it ends nothing:
# "2.", "**3.", "(b).", "Step 4."
_LABEL: Final = re.compile(
    r"[^\w]*(?:(?:step|case|part|option|problem|question|claim|lemma|phase|point)\s+)?"
    r"(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})",
    re.IGNORECASE,
)

_LAST_WORD: Final = re.compile(r"[^\s(\[{\"'“‘*_]*\Z")

_ABBREVIATIONS: Final = frozenset(
    "mr mrs ms dr prof st jr sr vs e.g i.e eg ie cf viz al ca approx resp ed eds inc"
    " ltd dept gov gen col lt sgt rev hon u.k u.n e.u w.r.t s.t a.k.a".split()
)
# These may end a sentence too; they do when a capital follows: "at 5 p.m. Then".
_CLOSING_ABBREVIATIONS: Final = frozenset("a.m p.m etc u.s co corp".split())
# Abbreviations only before a number: "No. 5", but "Wait, no. If".
_NUMBERED: Final = frozenset(
    "no nos fig figs eq eqs sec ch vol p pp art jan feb mar apr jun jul aug sep sept"
    " oct nov dec".split()
)
_LONGEST_LABEL: Final = 4  # "viii."
_LONG_ABBREVIATIONS: Final = frozenset(
    word
    for word in _ABBREVIATIONS | _CLOSING_ABBREVIATIONS | _NUMBERED
    if len(word) > _LONGEST_LABEL
)
# A capital letter after one of these is a label and no initial: "Option B. So".
_LABELLED: Final = frozenset(
    "option options choice answer point points angle line case set group part plan team"
    " vertex node type class section appendix statement so thus hence is".split()
)

# A line this long that stops without punctuation was probably wrapped by an editor.
_WRAPPED_AT: Final = 60


def sentence_starts(text: str) -> list[int]:
    """Return the offset at which each sentence of ``text`` begins.

    The sentences tile the text: sentence i runs to the start of sentence i + 1, its
    trailing white space included, and the last one to the end of the text. The first
    start is 0; an empty text has no sentence. Offsets are code points.
    """
    if not text:
        return []
    starts = [0]
    regions = RegionFinder(text)
    search = _STOP.search
    size = len(text)
    position = begin = _skip_space(text, 0)
    while (match := search(text, position)) is not None:
        position = match.end()
        at = match.start()
        kind = text[at]
        if match.lastgroup == "plain":
            starts.append(position)
        elif kind in ".!?…":
            if position < size and _ender_breaks(text, match, starts[-1]):
                starts.append(position)
        elif kind == "\n":
            if 0 < position < size and _newline_breaks(text, at, position, starts[-1]):
                _append(starts, position)
        elif kind in "。！？":
            if position < size:
                _append(starts, position)
        elif kind == "<":
            if at > begin:
                _append(starts, at)
            if position < size:
                _append(starts, position)
        else:
            position, is_block = regions.end_of(match)
            if is_block:
                if at > begin:
                    _append(starts, at)
                position = _skip_space(text, position)
                if position < size:
                    _append(starts, position)
    return starts


def sentence_ranges(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence without the white space around it.

    Sentences of white space alone give an empty range at their start.
    """
    starts = sentence_starts(text)
    ranges = [
        (start, start + len(text[start:stop].rstrip()))
        for start, stop in pairwise([*starts, len(text)])
    ]
    if ranges:
        first, last = ranges[0]
        ranges[0] = (min(last, _skip_space(text, first)), last)
    return ranges


def _append(starts: list[int], position: int) -> None:
    if position > starts[-1]:
        starts.append(position)


def _skip_space(text: str, position: int) -> int:
    size = len(text)
    while position < size and text[position].isspace():
        position += 1
    return position


def _ender_breaks(text: str, match: re.Match[str], start: int) -> bool:
    """Say whether the punctuation of ``match`` ends the sentence begun at ``start``."""
    at, resumes = match.span()
    closers_from, space_from = match.span("closers")
    if resumes - space_from > 1 and text.count("\n", space_from, resumes) > 1:
        return True
    following = text[resumes]
    if closers_from - at > 1 or text[at] != ".":
        opens_low = following.islower()
        if text[at] in "!?":
            # A mark on its own stands for something unknown: "Total time: ? minutes".
            alone = at == start or text[at - 1].isspace()
            return not (opens_low and (closers_from < space_from or alone))
        return not opens_low
    return _dot_breaks(text, at, start, following, closers_from < space_from)


def _dot_breaks(text: str, at: int, start: int, following: str, closed: bool) -> bool:
    """Say whether a single dot ends a sentence; ``closed``: a bracket or quote follows it."""
    word = text[max(text.rfind(" ", start, at) + 1, start, at - 24) : at]
    if len(word) > _LONGEST_LABEL and word.isalpha() and word.lower() not in _LONG_ABBREVIATIONS:
        # Nearly every sentence ends here: a plain word that is no abbreviation.
        return not (closed and following.islower())
    if at - start <= 24 and _LABEL.fullmatch(text, start, at):
        return False
    found = _LAST_WORD.search(word)
    before = found.group().casefold() if found else ""
    if before in _ABBREVIATIONS:
        return False
    if before in _CLOSING_ABBREVIATIONS:
        return following.isupper()
    if before in _NUMBERED and (following.isdigit() or following in "$\\("):
        return False
    if len(before) == 1 and following.isupper() and _is_initial(text, at - 1, start):
        return False
    if following.islower():
        return not closed and (len(before) > 1 or before.isdigit())
    return True


def _is_initial(text: str, at: int, start: int) -> bool:
    """Say whether the letter at ``at`` abbreviates a name: "John F. Kennedy"."""
    if not text[at].isupper():
        return False
    words = text[max(start, at - 24) : at].split()
    if not words:
        return at == start
    name = words[-1]
    if text[at + 3 : at + 5] == ". " and text[at + 2 : at + 4].strip().endswith("."):
        return True  # another initial follows: "J. F. Smith"
    if len(name) == 2 and name[1] == ".":
        return name[0].isupper()
    return name.isalpha() and name[0].isupper() and name.casefold() not in _LABELLED


def _newline_breaks(text: str, at: int, position: int, start: int) -> bool:
    """Say whether the white space from ``at`` to ``position`` ends a sentence."""
    if text.count("\n", at, position) > 1:
        return True
    line_from = text.rfind("\n", start, at) + 1 or start
    line = text[line_from:at].strip()
    if not line:
        return False
    if _LINE_OPENER.match(text, position):
        return not (line[0] == "|" and text[position] == "|")
    if line[0] == "#" or line.endswith("**"):
        return True
    following = text[position]
    if following.islower():
        return False
    if line[-1] in ",=+-&\\(":
        return False
    if following in "\\$" and line[-1] != ".":
        return False
    return not (len(line) >= _WRAPPED_AT and line[-1].isalnum())
