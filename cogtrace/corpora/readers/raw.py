"""A row as a file format gives it, before anybody asks what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


def clean(text: str) -> str:
    """Return text that can be stored, half surrogates shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row: its data, or why there is none."""

    line: int  # from 1
    data: dict[str, Any] | None
    reason: str = ""  # a short code, where data is None
    message: str = ""
    raw: str | None = None  # the row as read, where data is None
