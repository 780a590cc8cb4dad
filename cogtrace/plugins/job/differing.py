"""In what two settings of a job differ, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cogtrace.plugins.pipeline.records import PlanStep

_MOST = 80  # characters of a value


def difference(before: object, now: object) -> str:
    """Return where two settings differ first, e.g. ``samples 1, not 5``."""
    one, other = (msgspec.json.decode(msgspec.json.encode(value)) for value in (before, now))
    return _first(one, other, "")


def edited_files(before: Sequence[PlanStep], now: Sequence[PlanStep]) -> list[str]:
    """Return the files of a plan that are no longer what they were, each with its option."""
    held = {(s.plugin, f.option, f.path): f.sha256 for s in before for f in s.files}
    return [
        f"{file.path} (option {file.option} of {step.plugin})"
        for step in now
        for file in step.files
        if held.get((step.plugin, file.option, file.path), file.sha256) != file.sha256
    ]


def _first(before: Any, now: Any, place: str) -> str:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in [*before, *(name for name in now if name not in before)]:
            if before.get(name) != now.get(name):
                return _first(before.get(name), now.get(name), f"{place} {name}")
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (one, other) in enumerate(zip(before, now, strict=True)):
            if one != other:
                return _first(one, other, f"{place} {_name(one, number)}")
    return f"{place.strip()} {_shown(before)}, not {_shown(now)}".strip()


def _name(value: Any, number: int) -> str:
    """Return what an entry of a list is called: a plugin by its name."""
    named = value.get("plugin") if isinstance(value, Mapping) else None
    return str(named or number + 1)


def _shown(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
        value = [v.get("plugin", v) for v in value]  # a plan of other plugins
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
