"""What every manifest says: where the input was, its order, when and where a job ran."""

from __future__ import annotations

import datetime
import platform
from typing import Literal

import msgspec

Status = Literal["running", "interrupted", "finished"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a manifest share."""


class InputRef(_Part, frozen=True, kw_only=True):
    """An input of a job."""

    path: str
    bytes: int | None
    columns: dict[str, str]


class Order(_Part, frozen=True, kw_only=True):
    """In which order the rows of the input are worked through."""

    kind: Literal["input", "random"] = "input"
    seed: int | None = None


class Platform(_Part, frozen=True, kw_only=True):
    """Where a job ran."""

    python: str
    system: str


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def here() -> Platform:
    """Return where this process runs."""
    return Platform(python=platform.python_version(), system=platform.system())
