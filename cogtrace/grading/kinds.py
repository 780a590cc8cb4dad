"""The kinds of short answers."""

from __future__ import annotations

from typing import Final, Literal

AnswerKind = Literal["exact", "choice", "numeric", "maths", "json"]
KINDS: Final[tuple[AnswerKind, ...]] = ("exact", "choice", "numeric", "maths", "json")
