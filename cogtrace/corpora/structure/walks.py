"""Greedy walks: from the element that traces begin with, always along the best edge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from cogtrace.corpora.structure.records import EdgeRow, NodeRow, Step, Variant, Walk
from cogtrace.corpora.structure.settings import Settings

T = TypeVar("T")


class Graph:
    """The nodes and edges of one problem type, for walking."""

    def __init__(self, nodes: Iterable[NodeRow], edges: Iterable[EdgeRow]) -> None:
        self._nodes = {row.element: row for row in nodes}
        self._edges: dict[str, list[tuple[EdgeRow, str]]] = {}
        for row in edges:
            self._edges.setdefault(row.source, []).append((row, row.target))

    def also_backwards(self) -> None:
        """Let walks take "parallel" edges in both directions."""
        parallel = [
            row for rows in self._edges.values() for row, _ in rows if row.relation == "parallel"
        ]
        for row in parallel:
            self._edges.setdefault(row.target, []).append((row, row.source))

    def walk(
        self, problem_type: str, variant: Variant, first: dict[str, int], settings: Settings
    ) -> Walk:
        """Return the walk from one of the elements that come first in so many traces.

        "success" follows the NPMI and ends where it is no longer positive; "all" follows
        the counts. Of candidates of equal value the first by name is taken.
        """
        nodes: list[str] = []
        steps: list[Step] = []
        ties: list[tuple[str, ...]] = []
        starts = self._best(
            sorted(name for name, n in first.items() if n and n >= settings.support),
            self._npmi_of_node if variant == "success" else first.__getitem__,
        )
        while starts:
            nodes.append(starts[0])
            ties.append(tuple(starts))
            if len(nodes) >= settings.max_nodes:
                break
            best = self._best_steps(nodes, variant, settings)
            if not best:
                break
            row, target = best[0]
            relation, npmi = row.relation, row.npmi
            steps.append(Step(source=nodes[-1], target=target, relation=relation, npmi=npmi))
            starts = [name for _, name in best]
        return Walk(
            problem_type=problem_type,
            variant=variant,
            nodes=tuple(nodes),
            edges=tuple(steps),
            ties=tuple(ties),
        )

    def _best_steps(
        self, visited: list[str], variant: Variant, settings: Settings
    ) -> list[tuple[EdgeRow, str]]:
        """Return the best edges to elements not visited yet, by name."""
        open_edges = sorted(
            (
                (row, name)
                for row, name in self._edges.get(visited[-1], ())
                if name not in visited and row.count >= settings.support
            ),
            key=lambda edge: (edge[1], edge[0].relation),
        )
        if variant == "all":
            return self._best(open_edges, lambda edge: edge[0].p_edge)
        best = self._best(open_edges, lambda edge: edge[0].npmi)
        return best if best and (best[0][0].npmi or 0) > 0 else []

    def _npmi_of_node(self, element: str) -> float | None:
        return self._nodes[element].npmi

    @staticmethod
    def _best(candidates: list[T], value: Callable[[T], float | None]) -> list[T]:
        """Return the candidates of the highest value, in their order."""
        known = [(found, item) for item in candidates if (found := value(item)) is not None]
        top = max((found for found, _ in known), default=None)
        return [item for found, item in known if found == top]
