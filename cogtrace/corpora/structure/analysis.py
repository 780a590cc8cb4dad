"""From a corpus to nodes, edges and walks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from cogtrace.corpora.structure.association import (
    Figures,
    corrected_figures,
    reference_figures,
)
from cogtrace.corpora.structure.corpus import Array, Corpus
from cogtrace.corpora.structure.counting import Counts, count
from cogtrace.corpora.structure.records import (
    ALL,
    EdgeRow,
    NodeRow,
    Structure,
    Variant,
    Walk,
)
from cogtrace.corpora.structure.relations import RELATIONS
from cogtrace.corpora.structure.settings import Settings
from cogtrace.corpora.structure.walks import Graph

_VARIANTS: tuple[Variant, ...] = ("success", "all")


def analyse(corpus: Corpus, settings: Settings | None = None) -> Structure:
    """Return the structure of a corpus.

    Rows are in order of problem type ("ALL" first), then of names. Walks are made for
    each problem type, and in corrected mode for "ALL" too.
    """
    settings = settings or Settings()
    counts = count(corpus, settings)
    nodes: list[NodeRow] = []
    edges: list[EdgeRow] = []
    walks: list[Walk] = []
    for name, rows in _types(counts):
        table = _Table(counts, name, rows, settings)
        of_type, edges_of_type = list(table.nodes()), list(table.edges())
        nodes += of_type
        edges += edges_of_type
        if name != ALL or settings.mode == "corrected":
            walks += table.walks(of_type, edges_of_type)
    return Structure(
        mode=settings.mode,
        parameters=_parameters(corpus, counts, settings),
        nodes=tuple(nodes),
        edges=tuple(edges),
        walks=tuple(walks),
    )


def _types(counts: Counts) -> Iterator[tuple[str, slice]]:
    """Yield each problem type with its rows in the counts; all of them first."""
    yield ALL, slice(None)
    for number, name in enumerate(counts.types):
        if counts.traces[number].any():
            yield name if name != ALL else f"{ALL} (type)", slice(number, number + 1)


def _parameters(corpus: Corpus, counts: Counts, settings: Settings) -> dict[str, Any]:
    return {
        "max_nodes": settings.max_nodes,
        "overlap": settings.overlap,
        "parallel": settings.parallel,
        "min_support": settings.support,
        "min_score": corpus.min_score,
        "traces": int(counts.traces.sum()),
        "correct_traces": int(counts.traces[:, 1].sum()) if counts.graded else None,
        "traces_left_out": counts.left_out,
        "spans": len(corpus.owner),
    }


class _Table:
    """The counts of one problem type, and the rows made of them."""

    def __init__(self, counts: Counts, name: str, rows: slice, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._graded = counts.graded
        self._elements = counts.elements
        self._keys = counts.edge_keys.tolist()
        self._traces = _both(counts.traces[rows])
        self._asked = _both(counts.asked[rows])
        self._nodes = _both(counts.nodes[rows])
        self._first = _both(counts.first[rows])
        self._edges = _both(counts.edges[rows])
        self._together = _both(counts.together[rows])

    def nodes(self) -> Iterator[NodeRow]:
        """Yield a row for every element."""
        for element, n, right, asked, asked_right in zip(
            self._elements, *self._nodes, *self._asked, strict=True
        ):
            figures = self._figures(n, right, asked, asked_right)
            yield NodeRow(
                problem_type=self._name,
                element=element,
                traces=n,
                correct_traces=right,
                p_element=figures.p,
                p_both=figures.p_both,
                p_success=figures.p_success,
                pmi=figures.pmi,
                npmi=figures.npmi,
            )

    def edges(self) -> Iterator[EdgeRow]:
        """Yield a row for every edge that occurs in the type."""
        for (source, target, relation), n, right, asked, asked_right in zip(
            self._keys, *self._edges, *self._together, strict=True
        ):
            if not n:
                continue
            figures = self._figures(n, right, asked, asked_right)
            yield EdgeRow(
                problem_type=self._name,
                source=self._elements[source],
                target=self._elements[target],
                relation=RELATIONS[relation],
                count=n,
                count_correct=right,
                p_edge=figures.p,
                p_both=figures.p_both,
                pmi=figures.pmi,
                npmi=figures.npmi,
            )

    def walks(self, nodes: list[NodeRow], edges: list[EdgeRow]) -> Iterator[Walk]:
        """Yield the two walks of the type."""
        graph = Graph(nodes, edges)
        if self._settings.mode == "corrected":
            graph.also_backwards()
        everywhere, right = self._first
        for variant in _VARIANTS:
            counts = right if variant == "success" else everywhere
            first = dict(zip(self._elements, counts, strict=True))
            yield graph.walk(self._name, variant, first, self._settings)

    def _figures(self, n: int, right: int, asked: int, asked_right: int) -> Figures:
        if self._settings.mode == "reference":
            traces, success = cast("tuple[int, int]", self._traces)
            return reference_figures(n, right, success, traces)
        return corrected_figures(n, right, asked_right, asked, self._graded)


def _both(counts: Array) -> tuple[Any, Any]:
    """Return counts of all traces and of the right ones, over all rows, as Python numbers."""
    total = counts.sum(axis=0)
    return total.sum(axis=0).tolist(), total[1].tolist()
