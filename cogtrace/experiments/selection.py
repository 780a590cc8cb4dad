"""Were the tasks chosen by how they came out before?

Tasks that a model got wrong once are, on average, easier than that looks, and those it got
right harder: asked again, both move to the middle with no guidance at all (regression to
the mean). Such tasks are told of; the arms, run on the same ones, stand for what would
have happened anyway, the earlier outcome does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from cogtrace.corpora.readers.choosing import reader_of
from cogtrace.corpora.readers.columns import USUAL_NAMES
from cogtrace.corpora.readers.traces import Input

_EARLIER: Final = re.compile(
    r"(previous|prior|before|baseline|base|earlier|first|was|initial|original)[\w.]*"
    r"(correct|right|wrong|passed|solved|score|accuracy|outcome)",
    re.IGNORECASE,
)
_USUAL: Final = frozenset(name.lower() for name in USUAL_NAMES["correct"])
_ROWS: Final = 20  # looked at for columns


def earlier_outcomes(columns: Iterable[str]) -> list[str]:
    """Return the columns that seem to say how a task came out before."""
    return [name for name in columns if name.lower() in _USUAL or _EARLIER.search(name)]


def columns_of(source: Input) -> list[str]:
    """Return the columns that an input begins with; none of one that can be read only once."""
    if source.path == "-":
        return []
    found: dict[str, None] = {}
    for row in islice(reader_of(source.format).read(source.path), _ROWS):
        data: Mapping[str, Any] = row.data or {}
        found |= dict.fromkeys(data)
        inner = data.get("meta")
        if isinstance(inner, dict):
            found |= dict.fromkeys(str(name) for name in inner)
    return list(found)


def selection_note(columns: Sequence[str], said: bool, plain: bool) -> str:
    """Return the warning about tasks that say how they came out before.

    ``said``: whether somebody said that they were chosen by that; ``plain``: whether an arm
    asks the questions as they are.
    """
    names = ", ".join(columns)
    begin = (
        f"The tasks were chosen by their earlier outcome ({names})."
        if said
        else f"The tasks say how they came out before ({names}); if they were chosen by that:"
    )
    end = (
        "compare the arms with each other only, never with the earlier outcome."
        if plain
        else "add an arm `plain`, which shows how far they move without guidance."
    )
    return (
        f"{begin} Whatever was wrong once comes out better when asked again, and whatever was "
        f"right worse, with no guidance at all (regression to the mean); {end}"
    )
