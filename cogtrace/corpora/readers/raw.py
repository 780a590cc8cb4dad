"""A row as a file format gives it, before anybody asks what it means."""

from __future__ import annotations

import json
from typing import Any

from cogtrace.extensions import RawRow

__all__ = ["RawRow", "clean", "shown"]


def clean(text: str) -> str:
    """Return text that can be stored, half surrogates shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def shown(data: dict[str, Any]) -> str | None:
    """Return a row as it can be kept; None for one that is nested too deeply."""
    try:
        return json.dumps(data, default=repr)
    except RecursionError:
        return None
