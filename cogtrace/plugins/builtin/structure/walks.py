"""Walks through elements, as `cogtrace structure --json` writes them.

The bundled ones, ``walks.json``, are made of the 46 traces of the sample corpus, which were
written to vary in what they show: they demonstrate the form and say nothing of how success
comes about. They are made again by::

    cogtrace annotate @sample --out sample --annotator cue
    cogtrace structure sample --min-score 1 --min-support 2 --json structure.json
    python -m cogtrace.plugins.builtin.structure.walks structure.json walks.json
"""

from __future__ import annotations

import functools
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from cogtrace.errors import OptionError

ALL: Final = "ALL"  # the problem type of the walk over all traces


class Edge(msgspec.Struct, frozen=True):
    """How an element of a walk follows from the one before."""

    source: str
    target: str
    relation: str


class Walk(msgspec.Struct, frozen=True):
    """A walk; fields that are not needed here are passed over."""

    problem_type: str
    variant: str
    nodes: tuple[str, ...]
    edges: tuple[Edge, ...] = ()


class _File(msgspec.Struct, frozen=True):
    walks: list[Walk]


def read_walks(path: str, variant: str) -> dict[str, Walk]:
    """Return the walks in a file by problem type.

    Raises:
        OptionError: it cannot be read, or holds no walk of this variant with an element.
    """
    try:
        found = msgspec.json.decode(Path(path).read_bytes(), type=_File).walks
    except OSError as error:
        raise OptionError(f"walks {path}: cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise OptionError(
            f"walks {path}: {error}; give what `cogtrace structure --json FILE` writes"
        ) from error
    walks = _by_type(found, variant)
    if not walks:
        raise OptionError(
            f"walks {path}: no walk of the variant {variant!r} has an element; "
            "see --min-support of `cogtrace structure`"
        )
    return walks


def bundled_walks(variant: str) -> dict[str, Walk]:
    """Return the walks of the sample corpus by problem type."""
    return _by_type(_bundled(), variant)


@functools.cache
def _bundled() -> list[Walk]:
    content = files(__package__).joinpath("walks.json").read_bytes()
    return msgspec.json.decode(content, type=_File).walks


def _by_type(walks: list[Walk], variant: str) -> dict[str, Walk]:
    return {walk.problem_type: walk for walk in walks if walk.variant == variant and walk.nodes}


def trimmed(structure: bytes) -> bytes:
    """Return of what `cogtrace structure --json` wrote what is bundled: parameters and walks."""
    data: dict[str, Any] = msgspec.json.decode(structure)
    kept = {
        "origin": "46 traces written for cogtrace (corpora/sample): they show the form only",
        "parameters": data["parameters"],
        "walks": [
            {name: walk[name] for name in ("problem_type", "variant", "nodes", "edges")}
            for walk in data["walks"]
            if walk["nodes"]
        ],
    }
    for walk in kept["walks"]:
        for edge in walk["edges"]:
            edge.pop("npmi", None)
    return msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(trimmed(Path(sys.argv[1]).read_bytes()))
