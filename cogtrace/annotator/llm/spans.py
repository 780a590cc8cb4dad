"""Spans of one element that overlap become one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cogtrace.records import Anchor, Span

# From the widest to the narrowest: the less a place had to be guessed, the better.
PRECISION: Final[dict[Anchor, int]] = {"sentence": 0, "fuzzy": 1, "folded": 2, "exact": 3}


def unite(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in the order of the text, those that share a character made one.

    Spans that only touch stay apart, and so do those of different sources. What is made of
    several keeps the highest confidence. A span that holds all others keeps its anchor (of
    two with the same limits, the more precise one); where limits come from different spans
    the least precise of their anchors is kept.
    """
    groups: list[list[Span]] = []
    end = 0
    for span in sorted(spans, key=lambda s: (s.source, s.start, s.end)):
        if groups and span.source == groups[-1][0].source and span.start < end:
            groups[-1].append(span)
            end = max(end, span.end)
        else:
            groups.append([span])
            end = span.end
    united = [group[0] if len(group) == 1 else _one(text, group) for group in groups]
    united.sort(key=lambda s: (s.start, s.end, s.source))
    return tuple(united)


def _one(text: str, group: list[Span]) -> Span:
    start = min(span.start for span in group)
    end = max(span.end for span in group)
    holders = [span.anchor for span in group if (span.start, span.end) == (start, end)]
    if holders:
        anchor = max(holders, key=PRECISION.__getitem__)
    else:
        anchor = min((span.anchor for span in group), key=PRECISION.__getitem__)
    sure = [span.confidence for span in group if span.confidence is not None]
    return Span(
        start=start,
        end=end,
        quote=text[start:end],
        first_sentence=min(span.first_sentence for span in group),
        last_sentence=max(span.last_sentence for span in group),
        anchor=anchor,
        source=group[0].source,
        confidence=max(sure, default=None),
    )
