"""Reasoning structure in plain Python, one pair of spans at a time: slow, and easy to check.

A second computation for tests of `cogtrace.corpora.structure`, which shares nothing with
it but the rules.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Spanned = tuple[str, float, float]  # element, start, end
Edge = tuple[str, str, str]
Relate = Callable[[float, float, float, float, float, float], str | None]


@dataclass
class Told:
    """A trace as a test tells it. Its spans stand by element, as in a file."""

    spans: list[Spanned]
    type: str | None = None
    correct: bool | None = True

    def __post_init__(self) -> None:
        elements = list(dict.fromkeys(element for element, _, _ in self.spans))
        self.spans = sorted(self.spans, key=lambda span: elements.index(span[0]))


def reference_relation(
    sa: float, ea: float, sb: float, eb: float, overlap: float = 0.8, parallel: float = 20
) -> str | None:
    """Return how b stands to a, as the reference code has it."""
    if ea == sa or eb == sb:
        return None
    if abs(sa - sb) + abs(ea - eb) <= parallel:
        return "parallel"
    if sb > ea:
        return "next"
    if eb >= ea:
        return "contains" if (ea - sb) / (eb - sb) >= overlap else "next"
    return "parallel" if (eb - sb) / (ea - sa) >= overlap else "next"


def corrected_relation(
    sa: float, ea: float, sb: float, eb: float, overlap: float = 0.8, parallel: float = 20
) -> str | None:
    """Return how b stands to a: next, contains, within, parallel."""
    shared = min(ea, eb) - max(sa, sb)
    if shared <= 0:
        return "next"
    longer = max(ea - sa, eb - sb)
    if abs(sa - sb) + abs(ea - eb) <= parallel and shared >= longer / 2:
        return "parallel"
    b_in_a, a_in_b = shared / (eb - sb) >= overlap, shared / (ea - sa) >= overlap
    if a_in_b and b_in_a:
        return "parallel"
    return "contains" if b_in_a else "within" if a_in_b else "next"


def sort(spans: list[Spanned]) -> list[Spanned]:
    """Return spans by start, longer ones first, else as they are."""
    return sorted(spans, key=lambda span: (span[1], -(span[2] - span[1])))


def reference_edges(spans: list[Spanned], overlap: float, parallel: float) -> Iterator[Edge]:
    """Yield the edges of a trace as the reference code finds them."""
    ordered = sort(spans)
    for place, (a, sa, ea) in enumerate(ordered):
        nexts = 0
        for b, sb, eb in ordered[place + 1 :]:
            relation = reference_relation(sa, ea, sb, eb, overlap, parallel)
            nexts += relation == "next"
            if nexts == 2:
                break  # the second one is no edge, and ends the scan
            if relation is not None:
                yield a, b, relation


def corrected_edges(spans: list[Spanned], overlap: float, parallel: float) -> set[Edge]:
    """Return the edges of a trace, each once."""
    ordered = sort([span for span in spans if span[2] > span[1]])
    found: set[Edge] = set()
    for place, (a, sa, ea) in enumerate(ordered):
        following: tuple[float, float] | None = None
        for b, sb, eb in ordered[place + 1 :]:
            relation = corrected_relation(sa, ea, sb, eb, overlap, parallel)
            if relation == "next":
                following = following or (sb, eb)
                if following == (sb, eb):
                    found.add((a, b, "next"))
            elif a != b and relation == "parallel":
                found.add((min(a, b), max(a, b), "parallel"))
            elif a != b:
                found.add((a, b, "contains") if relation == "contains" else (b, a, "contains"))
    return found


def pmi(n: int, both: int, right: int, total: int) -> tuple[float, float]:
    """Return PMI and NPMI in bits, for counts that are all above zero."""
    value = math.log2(both / total) - math.log2(n / total) - math.log2(right / total)
    return value, (value / -math.log2(both / total) if both != total else 0.0)


def counted(
    traces: list[Told], mode: str, overlap: float = 0.8, parallel: float = 20
) -> tuple[dict[tuple[str, str], list[int]], dict[tuple[str, Edge], list[int]]]:
    """Return nodes by (type, element) and edges by (type, edge): all and right ones."""
    nodes: dict[tuple[str, str], list[int]] = {}
    edges: dict[tuple[str, Edge], list[int]] = {}
    graded = any(trace.correct is not None for trace in traces)
    for trace in traces:
        kinds = ["ALL", trace.type] if trace.type else ["ALL"]
        if mode == "reference":
            shown = {element for element, _, _ in trace.spans}
            found = Counter(reference_edges(trace.spans, overlap, parallel))
        elif graded and trace.correct is None:
            continue
        else:
            shown = {element for element, start, end in trace.spans if end > start}
            found = Counter(corrected_edges(trace.spans, overlap, parallel))
        for kind in kinds:
            for element in shown:
                _add(nodes.setdefault((kind, element), [0, 0]), 1, trace.correct)
            for edge, times in found.items():
                _add(edges.setdefault((kind, edge), [0, 0]), times, trace.correct)
    return nodes, edges


def _add(pair: list[int], times: int, correct: bool | None) -> None:
    pair[0] += times
    pair[1] += times if correct else 0
