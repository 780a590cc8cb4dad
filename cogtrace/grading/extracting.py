r"""Finding the short answer in what a model wrote.

The first of these rules that finds something decides; of several places, the last counts:

1. (kind "json") the last JSON object or array
2. the ``final_answer`` or ``answer`` field of a JSON object at the end of the text
3. ``\boxed{…}``
4. "answer is …", "**Answer:** …", "#### …", each to the end of its sentence or line
5. (kind "choice") the last letter in brackets, in bold, or at the end of a line
6. the last line, if it is no longer than 200 characters

What stands before ``</think>`` is not looked at unless nothing follows. For the kind "choice"
what was found is cut down to its letter.

A text that was cut off ends anywhere, so its last line says nothing: only what it states whole
counts (rules 1 to 4), which is a box or block of JSON that is closed, or a statement after which
the text goes on. "The answer is 4" may have been meant to become 42.
"""

from __future__ import annotations

import re
from typing import Final

from cogtrace.grading.choices import last_letter, letter
from cogtrace.grading.kinds import AnswerKind
from cogtrace.grading.normalising import bare, normalise
from cogtrace.grading.structured import answer_field, last_json

LAST_LINE_CHARS: Final = 200
MOST_CHARS: Final = 400_000  # from the end of a text
_ANSWER_CHARS: Final = 2_000

_BOXED: Final = re.compile(r"\\f?boxed\s*\{")
_MARK = r"[*_`#> \t]{0,8}"
_IS = (
    r"(?:(?:is|was|must be|should be|would be|will be|equals)(?![\w'])"
    r"(?:\s+(?:therefore|thus|then))?[ \t]*:?|[:=：])"
)
# The word comes first, before what must not stand before it, so that it is searched for quickly.
_STATED: Final = re.compile(
    rf"answer(?<![\w\"]answer)(?: choice| to [^.:\n]{{1,80}}?)?{_MARK}{_IS}{_MARK}"
    r"(?=(?P<said>[^\n]{0,500}))",
    re.IGNORECASE,
)
_HASHES: Final = re.compile(r"####(?<![^ \t\n]####)[ \t]*(?=(?P<said>[^#\n][^\n]{0,500}))")
# Where what was said ends and another sentence or a reason begins.
_END: Final = re.compile(
    r"(?<![A-Z])(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bvs)[.!?][*_]{0,2}"
    r"(?=\s+[\"“(]?[A-Z*])|,?\s+(?:because|since|as shown|which means)\b"
)


def extract_answer(text: str, kind: AnswerKind | None = None, *, cut: bool = False) -> str | None:
    r"""Return the short answer that a text gives, or None if there is none.

    ``cut`` says that the text was cut off, by a limit of tokens or a filter.

    >>> extract_answer("We get 6 * 7 = 42. So the answer is **42**. Done!")
    '42'
    >>> extract_answer("Hence \\boxed{\\frac{1}{2}}.")
    '\\frac{1}{2}'
    >>> extract_answer("It cannot be (A), so (C).", "choice")
    'C'
    >>> extract_answer("The answer is 42. Let me make su", cut=True)
    '42'
    >>> extract_answer("Let me add them: 17 + 2", cut=True)
    """
    text = text[-MOST_CHARS:]
    if cut:
        return _whole(_after_thoughts(text), kind)
    text = _without_thoughts(text)
    if kind == "json":
        return last_json(text) or _plain(text)
    found = answer_field(text) or _boxed(text) or _stated(text)
    if kind == "choice":
        return (letter(found) if found else None) or last_letter(text) or found or _plain(text)
    return found or _plain(text)


def _whole(text: str, kind: AnswerKind | None) -> str | None:
    """Return the answer that a text states whole before it is cut off."""
    if kind == "json":
        return last_json(text, cut=True)
    found = answer_field(text) or _boxed(text) or _stated(text, cut=True)
    return (letter(found) if found and kind == "choice" else None) or found


def _after_thoughts(text: str) -> str:
    """Return what follows the thoughts; nothing, if they were cut off."""
    _, closed, rest = text.rpartition("</think>")
    return "" if not closed and text.lstrip().startswith("<think") else rest


def _without_thoughts(text: str) -> str:
    thoughts, mark, rest = text.rpartition("</think>")
    return rest if rest.strip() or not mark else thoughts


def _boxed(text: str) -> str | None:
    """Return what the last box that is closed and not empty holds."""
    for found in list(_BOXED.finditer(text))[:-17:-1]:
        inner = _braced(text[found.end() : found.end() + _ANSWER_CHARS])
        if inner is not None and inner.strip():
            return inner.strip()
    return None


def _braced(text: str) -> str | None:
    depth, escaped = 1, False
    for place, sign in enumerate(text):
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign in "{}":
            depth += 1 if sign == "{" else -1
            if not depth:
                return text[:place]
    return None


def _stated(text: str, *, cut: bool = False) -> str | None:
    found = [match for pattern in (_STATED, _HASHES) for match in pattern.finditer(text)]
    for match in sorted(found, key=lambda m: m.start())[:-9:-1]:
        said, end = match["said"], match.end("said")
        if not bare(said):
            said = next((line for line in text[match.end() :].splitlines() if bare(line)), "")
            end = text.index(said, match.end()) + len(said)
        first, *more = _END.split(said[:_ANSWER_CHARS], maxsplit=1)
        if cut and not more and end == len(text):
            continue  # nothing tells that this is all of it
        if answer := _shown(first):
            return answer
    return None


def _plain(text: str) -> str | None:
    """Return the last line, without what marks it as a heading or item."""
    last = text.strip().rsplit("\n", 1)[-1]
    if len(last) > LAST_LINE_CHARS:
        return None
    return _shown(last)


def _shown(text: str) -> str | None:
    text = bare(re.sub(r"^\s*(?:[-*+>]\s+|#{1,6}\s+)", "", text))
    for mark in ("**", "__", "*", "`"):
        if text.endswith(mark) and mark not in text[: -len(mark)]:
            text = bare(text.removesuffix(mark))  # it was opened before the answer
    return text if normalise(text).strip("*_`#$ ") else None
