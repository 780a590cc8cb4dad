"""The result as records; `structure.schema.json` is their public contract."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from cogtrace.corpora.structure.settings import Mode

Relation = Literal["next", "contains", "parallel"]
Variant = Literal["success", "all"]

ALL = "ALL"  # the problem type of rows over all traces


class _Row(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What all rows share: immutable, built by keyword."""


class NodeRow(_Row, frozen=True, gc=False, kw_only=True):
    """An element in the traces of a problem type."""

    problem_type: str
    element: str
    traces: int
    correct_traces: int
    p_element: float | None
    p_both: float | None
    p_success: float | None
    pmi: float | None
    npmi: float | None


class EdgeRow(_Row, frozen=True, gc=False, kw_only=True):
    """How often one element stands in a relation to another."""

    problem_type: str
    source: str
    target: str
    relation: Relation
    count: int
    count_correct: int
    p_edge: float | None
    p_both: float | None
    pmi: float | None
    npmi: float | None


class Step(_Row, frozen=True, gc=False, kw_only=True):
    """A step of a walk, in the direction in which the walk takes it."""

    source: str
    target: str
    relation: Relation
    npmi: float | None


class Walk(_Row, frozen=True, kw_only=True):
    """A greedy path through the graph of a problem type.

    ``ties`` holds, for each node, the targets of all candidates of the same, best value,
    the one taken included; an element is there twice if two relations lead to it.
    """

    problem_type: str
    variant: Variant
    nodes: tuple[str, ...]
    edges: tuple[Step, ...]
    ties: tuple[tuple[str, ...], ...]


class Structure(_Row, frozen=True, kw_only=True):
    """Nodes, edges and walks of a corpus."""

    mode: Mode
    parameters: dict[str, Any]
    nodes: tuple[NodeRow, ...]
    edges: tuple[EdgeRow, ...]
    walks: tuple[Walk, ...]

    def json(self) -> bytes:
        """Return the result as JSON; what is infinite or undefined is null."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"
