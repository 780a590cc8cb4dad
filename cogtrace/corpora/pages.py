"""An annotated trace as an HTML page, drawn by displaCy."""

from __future__ import annotations

import html
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from cogtrace.printable import printable
from cogtrace.records import Annotation, Trace
from cogtrace.taxonomy import Taxonomy

# One colour per dimension, in taxonomy order; dark text is readable on all of them.
_COLOURS: Final = ("#9ecae9", "#f2cf5b", "#d8b5e0", "#a8d8a0", "#a6d9d9", "#f3b0a6")
_BLANK: Final = re.compile(r"\n\s*\n")
_WORD: Final = re.compile(r"\S+")


def write_page(
    path: Path,
    trace: Trace,
    annotation: Annotation,
    taxonomy: Taxonomy,
    wanted: set[str] | None = None,
) -> None:
    """Write a page with the trace and its spans; ``wanted`` cuts the elements down.

    The page stands alone: no script, nothing loaded, all text escaped.
    """
    path.write_text(_page(trace, annotation, taxonomy, wanted), encoding="utf-8")


def _page(trace: Trace, annotation: Annotation, taxonomy: Taxonomy, wanted: set[str] | None) -> str:
    from spacy.displacy import render

    paragraphs = [
        _paragraph(trace.text, start, end, annotation, wanted)
        for start, end in _paragraphs(trace.text)
    ]
    colours = {
        element.id.upper(): _COLOURS[taxonomy.dimension_number(element) % len(_COLOURS)]
        for element in taxonomy.elements
    }
    options = {"colors": colours, "top_offset_step": 16, "template": _templates()}
    body = render(paragraphs, style="span", manual=True, jupyter=False, options=options)
    title = html.escape(printable(trace.trace_id))
    question = f"<p><em>{html.escape(printable(trace.question))}</em></p>" if trace.question else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{title}</title></head>\n"
        '<body style="font-family: sans-serif; max-width: 60em; margin: 2em auto">'
        f"<h1>{title}</h1>{question}{body}</body></html>\n"
    )


def _templates() -> dict[str, str]:
    """Return displaCy's own templates, labels kept on one line so that rows do not overlap."""
    from spacy.displacy.templates import TPL_SPAN, TPL_SPAN_SLICE, TPL_SPAN_START

    label = TPL_SPAN_START.replace("line-height: 1;", "line-height: 1; white-space: nowrap;")
    return {"span": TPL_SPAN, "slice": TPL_SPAN_SLICE, "start": label}


def _paragraphs(text: str) -> list[tuple[int, int]]:
    """Return the stretches between blank lines."""
    edges = [0, *(edge for match in _BLANK.finditer(text) for edge in match.span()), len(text)]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(start, end) for start, end in pairs if text[start:end].strip()]


def _paragraph(
    text: str, start: int, end: int, annotation: Annotation, wanted: set[str] | None
) -> dict[str, Any]:
    """Return a stretch of the text and the parts of spans in it, as displaCy takes them."""
    pieces = [
        (entry.element, max(start, span.start), min(end, span.end))
        for entry in annotation.elements
        if wanted is None or entry.element in wanted
        for span in entry.spans
        if span.start < end and span.end > start
    ]
    cuts = {begin for _, begin, _ in pieces} | {stop for _, _, stop in pieces}
    words = _words(text, start, end, cuts)
    return {
        "text": printable(text[start:end]),
        "tokens": [printable(text[a:b]) for a, b in words],
        "spans": [
            {
                "label": element.upper(),
                "start": begin - start,
                "end": stop - start,
                "start_token": sum(b <= begin for _, b in words),
                "end_token": sum(a < stop for a, _ in words),
            }
            for element, begin, stop in pieces
        ],
    }


def _words(text: str, start: int, end: int, cuts: set[int]) -> list[tuple[int, int]]:
    """Return the words of a stretch with their offsets, cut at ``cuts`` too."""
    words: list[tuple[int, int]] = []
    for word in _WORD.finditer(text, start, end):
        inside = [cut for cut in range(word.start() + 1, word.end()) if cut in cuts]
        words += pairwise([word.start(), *inside, word.end()])
    return words
