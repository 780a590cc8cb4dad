"""A file of solved problems, and what is taken from it for a question."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

import msgspec

from cogtrace.errors import OptionError
from cogtrace.plugins.builtin.analogy.parts import Analogue
from cogtrace.plugins.builtin.analogy.similarity import Index

# A problem whose words, numbers included, agree with the question's to this share is held to
# be the question itself in other clothes; so is one that contains it or is part of it.
SAME_SHARE: Final = 0.9
_PART_WORDS: Final = 6  # what is shorter may be part of anything


class BankRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a bank; further fields are passed over."""

    problem: str
    solution: str = ""
    type: str | None = None
    method: str | None = None

    @property
    def kind(self) -> str:
        """Type and method, as far as they are there."""
        return ". ".join(text.strip().rstrip(".") for text in (self.type, self.method) if text)


class Bank:
    """Solved problems, ready to be looked up."""

    def __init__(self, rows: list[BankRow]) -> None:
        self.rows = rows

    @classmethod
    def read(cls, path: str, needs: str) -> Bank:
        """Return the bank in a file; ``needs`` says what each row must have.

        Raises:
            OptionError: it cannot be read, or a row lacks what it must have; names the line.
        """
        rows = []
        try:
            with Path(path).open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        rows.append(_row(line, f"bank {path}, line {number}", needs))
        except OSError as error:
            raise OptionError(f"bank {path}: cannot be read ({error.strerror})") from error
        if not rows:
            raise OptionError(f"bank {path}: holds no problems")
        return cls(rows)

    def like(self, question: str, count: int, least: float, context: str = "") -> list[Analogue]:
        """Return the problems most like a question, never the question itself."""
        own = _fold(question), _fold(f"{context} {question}")
        found: list[Analogue] = []
        # More than asked for, since some may be the question itself.
        extra = count
        while len(found) < count:
            near = self._index.nearest(question, count + extra, least)
            found = [
                Analogue(problem=row.problem, solution=row.solution, method=row.kind)
                for row in (self.rows[place] for place, _ in near)
                if not any(_same(_fold(row.problem), text) for text in own)
            ][:count]
            if len(near) < count + extra:
                break
            extra *= 4
        return found

    @functools.cached_property
    def _index(self) -> Index:
        return Index([row.problem for row in self.rows])


def _row(line: bytes, place: str, needs: str) -> BankRow:
    try:
        row = msgspec.json.decode(line, type=BankRow)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise OptionError(f"{place}: {error}; write problem and solution in each line") from error
    if not row.problem.strip():
        raise OptionError(f"{place}: the problem is empty")
    if needs == "solution" and not row.solution.strip():
        raise OptionError(f"{place}: has no solution, which the variant 'full' shows")
    if needs == "method" and not row.kind:
        raise OptionError(f"{place}: has neither type nor method, which 'shortcut' shows")
    return row


def _fold(text: str) -> list[str]:
    """Return the words and numbers of a text in order, without case and marks."""
    return re.findall(r"[^\W\d_]+|\d+(?:[.,]\d+)*", text.casefold())


def _same(one: list[str], other: list[str]) -> bool:
    """Say whether two texts are the same problem for all that words can tell."""
    first, second = set(one), set(other)
    if len(first & second) >= SAME_SHARE * len(first | second):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= _PART_WORDS and f" {' '.join(short)} " in f" {' '.join(long)} "
