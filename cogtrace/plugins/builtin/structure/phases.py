"""A walk as guidance: one phase per element, in words that tell what to do."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import msgspec

from cogtrace.errors import OptionError
from cogtrace.plugins.builtin.structure.walks import Walk
from cogtrace.plugins.prompting import Prompts


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it means to show an element, for somebody who is to do it."""

    goal: str
    do: tuple[str, ...]
    done: str  # when to go on


def read_moves(path: str | None) -> dict[str, Move]:
    """Return the wording of elements by id: the bundled one, and over it that of a file.

    Raises:
        OptionError: the file cannot be used.
    """
    content = files(__package__).joinpath("moves.json").read_bytes()
    moves = msgspec.json.decode(content, type=dict[str, Move])
    if path is None:
        return moves
    try:
        return moves | msgspec.json.decode(Path(path).read_bytes(), type=dict[str, Move])
    except OSError as error:
        raise OptionError(f"moves {path}: cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise OptionError(
            f"moves {path}: {error}; write {{id: {{goal, do: [...], done}}}}"
        ) from error


def require_wording(walks: Mapping[str, Walk], moves: Mapping[str, Move]) -> None:
    """Raise OptionError if an element of a walk has no wording."""
    unknown = sorted({name for walk in walks.values() for name in walk.nodes} - moves.keys())
    if unknown:
        raise OptionError(
            f"walks: there is no wording for {', '.join(unknown)}; give it with moves=FILE"
        )


def phases(walk: Walk, moves: Mapping[str, Move], prompts: Prompts, most: int) -> str:
    """Return the phases of a walk in words."""
    relations = {edge.target: edge.relation for edge in walk.edges}
    shown = []
    for number, name in enumerate(walk.nodes[:most], start=1):
        move = moves[name]
        relation = relations.get(name, "next")
        beside = relation in ("contains", "parallel") and number > 1
        shown.append(
            prompts.fill(
                "phase",
                number=number,
                goal=move.goal,
                relation=" " + prompts.fill(relation, earlier=number - 1) if beside else "",
                moves="\n".join(prompts.fill("move", text=text) for text in move.do),
                done=move.done,
            )
        )
    return "\n\n".join(shown)
