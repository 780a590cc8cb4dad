"""Counts over a corpus: traces with an element, edges, and elements that come first.

All counts are split by the cell of a trace: its problem type, and whether it is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.corpora.structure.corpus import UNKNOWN, Array, Corpus
from cogtrace.corpora.structure.edges import SCANS, ordered
from cogtrace.corpora.structure.relations import NEXT, PARALLEL, RELATIONS
from cogtrace.corpora.structure.settings import Settings

# Spans looked at together: enough to make array operations worth their price, few enough
# for their intermediate results to stay in the processor's cache.
_WINDOW: Final = 1 << 15
_DENSE: Final = 1 << 20  # kinds of things up to which they are counted in one array
_MARKED: Final = 1 << 18  # the same, of things that are marked as seen

_KINDS: Final = len(RELATIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted. The last type is that of traces without one."""

    elements: tuple[str, ...]
    types: tuple[str, ...]
    asked: Array  # (types, 2, elements): traces asked about it, wrong and right ones
    nodes: Array  # (types, 2, elements): traces that show it
    first: Array  # (types, 2, elements): traces in which it comes first
    traces: Array  # (types, 2)
    edge_keys: Array  # (edges, 3): source, target, relation
    edges: Array  # (types, 2, edges)
    together: Array  # (types, 2, edges): traces asked about both ends
    left_out: int  # traces that nobody graded, beside graded ones
    graded: bool  # whether it is known which traces are right


def count(corpus: Corpus, settings: Settings) -> Counts:
    """Count a corpus.

    In reference mode traces without a span do not count, and edges are counted as often
    as they occur. In corrected mode ungraded traces do not count beside graded ones, and
    edges are counted once per trace.
    """
    kept, graded = _kept(corpus, settings)
    cell = _cells(corpus)
    cells = 2 * (len(corpus.types) + 1)
    wide = len(corpus.elements)
    nodes, first = np.zeros((cells, wide), np.int64), np.zeros((cells, wide), np.int64)
    found = Histogram(cells * wide * wide * _KINDS)
    for traces, spans in corpus.windows(_WINDOW):
        window = _Window(corpus, settings, traces, spans, kept)
        here = cell[traces]
        nodes += window.showing(here, cells)
        first += window.first(here, cells)
        found.add(window.edges(here))
    edge_keys, edges = _by_cell(*found.result(), cells, wide)
    asked, together = _asked(corpus, cell[kept], corpus.pattern[kept], cells, edge_keys)
    shape = (len(corpus.types) + 1, 2, -1)
    return Counts(
        elements=corpus.elements,
        types=corpus.types,
        asked=asked.reshape(shape),
        nodes=nodes.reshape(shape),
        first=first.reshape(shape),
        traces=np.bincount(cell[kept], minlength=cells).reshape(shape[:2]),
        edge_keys=edge_keys,
        edges=edges.reshape(shape),
        together=together.reshape(shape),
        left_out=int((~kept).sum()) if settings.mode == "corrected" else 0,
        graded=graded,
    )


def _kept(corpus: Corpus, settings: Settings) -> tuple[Array, bool]:
    """Return which traces count, and whether anything is known about success."""
    if settings.mode == "reference":
        return np.bincount(corpus.owner, minlength=corpus.traces) > 0, True
    known = corpus.correct != UNKNOWN
    return (known, True) if known.any() else (np.ones(corpus.traces, bool), False)


def _cells(corpus: Corpus) -> Array:
    """Return the cell of each trace: twice its type, plus one if it is right."""
    kind = np.where(corpus.trace_type == UNKNOWN, len(corpus.types), corpus.trace_type)
    cells: Array = 2 * kind.astype(np.int64) + (corpus.correct == 1)
    return cells


class _Window:
    """Some traces of a corpus with their spans, in order."""

    def __init__(
        self, corpus: Corpus, settings: Settings, traces: slice, spans: slice, kept: Array
    ) -> None:
        owner = corpus.owner[spans] - traces.start
        start, end = corpus.start[spans], corpus.end[spans]
        usable = kept[traces][owner]
        if settings.mode == "corrected":
            usable &= end > start
        if not usable.all():
            owner, start, end = owner[usable], start[usable], end[usable]
        order = ordered(owner, start, end)
        self._owner, self._start, self._end = owner[order], start[order], end[order]
        self._element = corpus.element[spans][usable][order]
        self._settings = settings
        self._wide = len(corpus.elements)
        self._traces = traces.stop - traces.start

    def showing(self, cell: Array, cells: int) -> Array:
        """Return by cell and element how many traces show it."""
        return self._traces_with(self._owner, self._element, cell, cells)

    def first(self, cell: Array, cells: int) -> Array:
        """Return by cell and element in how many traces it comes first.

        In corrected mode several may: what covers the same text has no order.
        """
        begins = np.ones(len(self._owner), bool)
        begins[1:] = self._owner[1:] != self._owner[:-1]
        if self._settings.mode == "corrected":
            head = np.flatnonzero(begins)[np.cumsum(begins) - 1]
            begins = (self._start == self._start[head]) & (self._end == self._end[head])
        return self._traces_with(self._owner[begins], self._element[begins], cell, cells)

    def edges(self, cell: Array) -> Array:
        """Return a code for each edge: its cell, source, target and relation."""
        solid = self._end != self._start
        owner, element = self._owner[solid], self._element[solid]
        scan = SCANS[self._settings.mode]
        i, j, relation = scan(owner, self._start[solid], self._end[solid], self._settings)
        source, target = element[i].astype(np.int64), element[j].astype(np.int64)
        kinds = self._wide * self._wide * _KINDS
        codes: Array
        if self._settings.mode == "reference":
            codes = cell[owner[i]] * kinds + self._kind(source, target, relation)
            return codes
        swap = (relation == PARALLEL) & (source > target)
        source, target = np.where(swap, target, source), np.where(swap, source, target)
        kind = self._kind(source, target, relation)
        # That an element's span lies in another one of the same element says nothing.
        told = (source != target) | (relation == NEXT)
        once = distinct(owner[i][told] * np.int64(kinds) + kind[told], self._traces * kinds)
        codes = cell[once // kinds] * kinds + once % kinds
        return codes

    def _kind(self, source: Array, target: Array, relation: Array) -> Array:
        kind: Array = (source * self._wide + target) * _KINDS + relation
        return kind

    def _traces_with(self, owner: Array, element: Array, cell: Array, cells: int) -> Array:
        once = distinct(owner * np.int64(self._wide) + element, self._traces * self._wide)
        codes = cell[once // self._wide] * self._wide + once % self._wide
        counted: Array = np.bincount(codes, minlength=cells * self._wide)
        return counted.reshape(cells, self._wide)


def distinct(codes: Array, limit: int) -> Array:
    """Return the different ones of codes below a limit, in order."""
    if limit <= _MARKED:
        seen = np.zeros(limit, bool)
        seen[codes] = True
        return np.flatnonzero(seen)
    codes = np.sort(codes)
    new = np.ones(len(codes), bool)
    np.not_equal(codes[1:], codes[:-1], out=new[1:])
    return codes[new]


class Histogram:
    """Counts of codes from 0 up to a limit, in little memory however high the limit."""

    def __init__(self, limit: int) -> None:
        self._dense = np.zeros(limit, np.int64) if limit <= _DENSE else None
        self._sparse: list[tuple[Array, Array]] = []

    def add(self, codes: Array) -> None:
        """Count some codes."""
        if self._dense is not None:
            self._dense += np.bincount(codes, minlength=len(self._dense))
        else:
            self._sparse.append(np.unique(codes, return_counts=True))

    def result(self) -> tuple[Array, Array]:
        """Return the codes that were seen, in order, and how often each was."""
        if self._dense is not None:
            codes = np.flatnonzero(self._dense)
            return codes, self._dense[codes]
        if not self._sparse:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        codes, place = np.unique(np.concatenate([c for c, _ in self._sparse]), return_inverse=True)
        amounts = np.concatenate([n for _, n in self._sparse])
        return codes, np.bincount(place, weights=amounts, minlength=len(codes)).astype(np.int64)


def _by_cell(codes: Array, amounts: Array, cells: int, wide: int) -> tuple[Array, Array]:
    """Return the edges there are, and how often each is in each cell."""
    kinds = max(1, wide * wide * _KINDS)
    edges, place = np.unique(codes % kinds, return_inverse=True)
    table = np.zeros((cells, len(edges)), np.int64)
    table[codes // kinds, place] = amounts
    pair, relation = np.divmod(edges, _KINDS)
    source, target = np.divmod(pair, max(1, wide))
    return np.stack([source, target, relation], axis=1), table


def _asked(
    corpus: Corpus, cell: Array, pattern: Array, cells: int, edge_keys: Array
) -> tuple[Array, Array]:
    """Return by cell the traces asked about each element, and about both ends of each edge."""
    wide = len(corpus.elements)
    asked = np.zeros((cells, wide), np.int64)
    together = np.zeros((cells, len(edge_keys)), np.int64)
    for here in range(cells):
        used, amounts = np.unique(pattern[cell == here], return_counts=True)
        sets = corpus.patterns[used].astype(np.float64)
        both = (sets * amounts[:, None]).T @ sets
        asked[here] = both.diagonal()
        together[here] = both[edge_keys[:, 0], edge_keys[:, 1]]
    return asked, together
