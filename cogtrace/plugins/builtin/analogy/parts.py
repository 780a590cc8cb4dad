"""Finding the parts of an analogue in what a model wrote, however it wrote the headings.

A heading is a line that begins with one of the names below, in any case, numbered or not,
as a Markdown heading, in bold, in a list or plain, with or without a colon. Text may follow
the colon on the same line. Plain names in the middle of a sentence are no headings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Part = Literal["method", "problem", "solution", "original"]

_LIKE: Final = r"(?:similar|analogous|analogical|analog(?:ue)?|related|new)"
_NAMES: Final[dict[Part, str]] = {
    "method": r"(?:problem )?types? ?(?:and|&|/) ?(?:solution |solving )?methods?"
    r"|(?:problem )?type|(?:solution |solving )?methods?",
    "problem": rf"(?:(?:an?|the|its) )?(?:{_LIKE} )?(?:problem|question)"
    rf"|{_LIKE} (?:task|example)|analog(?:ue|y)",
    "solution": r"(?:(?:its|the|a) )?(?:step[- ]by[- ]step )?solutions?"
    rf"(?: (?:of|to|for) (?:(?:the|that|this) )?(?:{_LIKE} )?(?:problem|question|one))?"
    rf"|{_LIKE} (?:problem|question)(?:['’]s)? solution|its answer",
    "original": r"(?:(?:the|your) )?(?:original|given) (?:problem|question)(?: restated)?"
    r"|solution (?:of|to|for) the (?:original|given)(?: problem| question)?",
}
# Longest names first, so that "solution to the original" is not taken for "solution".
_ORDER: Final[tuple[Part, ...]] = ("original", "solution", "problem", "method")
_ANY: Final = "|".join(f"(?P<{part}>{_NAMES[part]})" for part in _ORDER)
_LEAD: Final = (
    r"[ \t>]{0,8}(?:[-*+•][ \t]+)?(?:#{1,6}[ \t]*)?[*_]{0,3}"
    r"(?:\(?[\divx]{1,4}[.):][ \t]*)?[*_]{0,3}[ \t]*"
)
_NUMBER: Final = r"(?:[ \t]*(?:#|no\.?|nr\.?)?[ \t]*\(?\d{1,2}\)?)?"
# After the name: the end of the line, or a colon or dash and text; in bold, text may follow.
_TAIL: Final = (
    r"[*_]{0,3}[ \t]*(?:[:：][*_]{0,3}[ \t]*(?P<rest>[^\n]*)|[-–—][ \t]+(?P<rest2>[^\n]*))?$"
)
_HEADING: Final = re.compile(rf"^{_LEAD}(?:{_ANY}){_NUMBER}{_TAIL}", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Analogue:
    """A solved problem; type and method may be missing."""

    problem: str
    solution: str
    method: str = ""


def sections(text: str) -> Iterator[tuple[Part, str]]:
    """Yield the parts of a text that have a heading, in order, each with what stands under it."""
    found = list(_HEADING.finditer(text))
    for number, heading in enumerate(found):
        part = next(name for name in _ORDER if heading[name] is not None)
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        first = heading["rest"] or heading["rest2"] or ""
        yield part, _clean(f"{first}\n{text[heading.end() : end]}")


def method_of(text: str) -> str | None:
    """Return type and method from a text, and nothing from an analogous problem on.

    A text without any heading is taken as a whole.
    """
    parts = list(sections(text))
    if not parts:
        return _clean(text) or None
    before = []
    for part, content in parts:
        if part != "method":
            break
        before.append(content)
    return "\n".join(filter(None, before)) or None


def analogues_of(text: str) -> list[Analogue]:
    """Return the analogues of a text that are whole: a problem, then its solution.

    Reading stops where the text goes on to the original problem, as models like to.
    """
    found: list[Analogue] = []
    method = problem = ""
    for part, content in sections(text):
        if part == "original" and found:
            break
        if part == "method":
            # "Type" and "Method" as two headings belong together.
            method = "\n".join(filter(None, [method, content]))
        elif part == "problem":
            problem = content
        elif problem and content:
            found.append(Analogue(problem=problem, solution=content, method=method))
            method = problem = ""
    return found


def _clean(text: str) -> str:
    text = re.sub(
        r"^[ \t]*(?:-{3,}|\*{3,}|_{3,}|={3,}|`{3,}\w*)[ \t]*$", "", text, flags=re.MULTILINE
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip()
