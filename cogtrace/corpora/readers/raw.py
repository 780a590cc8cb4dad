"""A row as a file format gives it, before anybody asks what it means."""

from __future__ import annotations

from cogtrace.extensions import RawRow

__all__ = ["RawRow", "clean"]


def clean(text: str) -> str:
    """Return text that can be stored, half surrogates shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
