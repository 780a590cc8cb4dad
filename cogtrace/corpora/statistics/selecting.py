"""Columns of traces by name, and conditions on them.

A column is one of the traces table, a key of its ``meta`` (dots lead into nested
values; ``meta.NAME`` where a column of the table has the same name), or one of
``folder``, ``annotator`` and ``length`` (of the text, in code points). All values are
compared as text: true and false for booleans.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec
import numpy as np

from cogtrace.annotator.job.tables import TRACE_COLUMNS
from cogtrace.corpora.statistics.arrays import Array
from cogtrace.errors import OptionError
from cogtrace.printable import one_line

FOLDER: Final = "folder"
ANNOTATOR: Final = "annotator"
LENGTH: Final = "length"
DERIVED: Final = (FOLDER, ANNOTATOR, LENGTH)
NULL: Final = "null"  # how a condition names a missing value

_TABLE: Final = tuple(name for name in TRACE_COLUMNS if name not in ("meta", "text"))
_META: Final = "meta."
_CONDITION: Final = re.compile(r"([^=!<>]+?)(!=|<=|>=|=|<|>)(.*)", re.DOTALL)
_NEXT: Final = re.compile(r",(?=[\w.\-]+(?:!=|<=|>=|=|<|>))")
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column of a trace must be."""

    column: str
    sign: str  # one of = != < <= > >=
    value: str

    def holds(self, value: str | None) -> bool:
        """Say whether a value meets the condition; what is no number is not less or more."""
        if self.sign == "=":
            return matches(self.value, value)
        if self.sign == "!=":
            return not matches(self.value, value)
        try:
            return _COMPARE[self.sign](float(value or "nan"), float(self.value))
        except ValueError:
            return False


class Codes:
    """Values numbered in the order in which they first come."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def numbers(self, values: Iterable[Hashable]) -> Array:
        """Return the number of each value."""
        known = self._numbers
        return np.array([known.setdefault(value, len(known)) for value in values], dtype=np.int32)

    def values(self) -> list[Any]:
        """Return the values in the order of their numbers."""
        return list(self._numbers)


def matches(pattern: str, value: str | None) -> bool:
    """Say whether a value is meant: the same text, or one that fits a shell pattern.

    >>> matches("human_*", "human_1"), matches("null", None), matches("*", None)
    (True, True, False)
    """
    if value is None:
        return pattern == NULL
    return value == pattern or fnmatchcase(value, pattern)


def parse_where(options: Iterable[str]) -> list[Condition]:
    """Return the conditions in options such as ``task=aime,length>=500``.

    Raises:
        OptionError: an option is not of that form.
    """
    conditions = []
    for option in options:
        for part in _NEXT.split(option):
            found = _CONDITION.fullmatch(part.strip())
            if found is None:
                raise OptionError(
                    f"--where {option}: write COLUMN=VALUE (or != < <= > >=), e.g. correct=true"
                )
            column, sign, value = (piece.strip() for piece in found.groups())
            if sign in _COMPARE and not _is_number(value):
                raise OptionError(f"--where {option}: {value!r} is not a number")
            conditions.append(Condition(column=column, sign=sign, value=value))
    return conditions


def in_table(name: str) -> bool:
    """Say whether a name is a column of the traces table."""
    return name in _TABLE


def meta_text(meta: dict[str, Any], name: str) -> str | None:
    """Return a value of ``meta`` as text; None where there is none."""
    path = name.removeprefix(_META)
    value: Any = meta
    if path in meta:
        value = meta[path]
    else:
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def require_known(names: Iterable[str], found: dict[str, bool], keys: set[str]) -> None:
    """Check that each name was found in some trace; ``keys`` are those of ``meta``.

    Raises:
        OptionError: a name is neither a column nor a key of meta.
    """
    for name in names:
        if not found.get(name, False):
            there = [*_TABLE, *DERIVED, *map(one_line, sorted(keys)[:20])]
            raise OptionError(f"no column {name!r} in these traces; there is {', '.join(there)}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
