"""Arms of an experiment: what ``--arms`` says.

Arms stand between commas, the plugins of one arm between plus signs, options as with
``--with``: ``plain,restate,analogy:k=2+abduce``. ``plain`` has no plugin. What follows a
comma continues the options of the plugin before if it reads ``OPTION=``; a plus sign ends
a plugin where a letter follows it, outside quotation marks and brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cogtrace.errors import OptionError
from cogtrace.plugins.pipeline.parsing import cut
from cogtrace.plugins.pipeline.plan import Plan, make_plan

PLAIN: Final = "plain"
CONTROL: Final = "control"

_OPTION: Final = re.compile(r"\s*[A-Za-z_][\w-]*\s*=")


@dataclass(frozen=True, slots=True)
class ArmSpec:
    """An arm that is asked for."""

    name: str  # unique in the experiment
    folder: str  # a word for a path, unique as well
    plan: Plan


def parse_arms(texts: Iterable[str]) -> tuple[ArmSpec, ...]:
    """Return the arms that values of ``--arms`` name, in order.

    Raises:
        OptionError: fewer than two, the same twice, an unknown plugin or option.
        PluginError: a plugin that is broken.
    """
    written = [arm for text in texts for arm in _split(text)]
    if len(written) < 2:
        raise OptionError("--arms: name two or more, e.g. --arms plain,restate")
    names = _names(written)
    for name in names:
        if name.partition("-vs-")[0] == CONTROL:
            raise OptionError(f"--arms {name}: that is what the control arm is called")
        if names.count(name) > 1:
            raise OptionError(f"--arms: {name} is named twice")
    folders = folder_names(names)
    return tuple(
        ArmSpec(name, folder, _plan(text))
        for name, folder, text in zip(names, folders, written, strict=True)
    )


def folder_names(names: Sequence[str]) -> list[str]:
    """Return words for paths, no two alike, in small letters: not all disks tell capitals apart."""
    found: dict[str, None] = {}
    for name in names:
        word = re.sub(r"[^a-z0-9+_.]+", "-", name.lower()).strip("-.")[:60] or "arm"
        number, unique = 1, word
        while unique in found:
            number += 1
            unique = f"{word}-{number}"
        found[unique] = None
    return list(found)


def _plan(text: str) -> Plan:
    if text == PLAIN:
        return make_plan()
    return make_plan([",".join(cut(text, "+")[0])])


def _names(written: Sequence[str]) -> list[str]:
    """Return the names of the plugins of each arm; with options where these tell arms apart."""
    short = ["+".join(part.partition(":")[0].strip() for part in cut(a, "+")[0]) for a in written]
    return [
        text if short.count(name) > 1 else name for text, name in zip(written, short, strict=True)
    ]


def _split(text: str) -> Iterator[str]:
    """Yield the arms that stand between commas; options stay with their plugin."""
    arm = ""
    for piece in cut(text, ",")[0]:
        if arm and _OPTION.match(piece):
            arm += f",{piece}"
            continue
        if arm:
            yield arm
        arm = piece.strip()
        if not arm:
            raise OptionError(f"--arms {text}: an arm has no name; `plain` is no plugin at all")
    if arm:
        yield arm
