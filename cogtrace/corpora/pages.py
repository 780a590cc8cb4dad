"""An annotated trace as an HTML page, drawn by displaCy."""

from __future__ import annotations

import html
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.printable import printable
from cogtrace.records import Annotation, Trace
from cogtrace.taxonomy import Taxonomy

# One colour per dimension, in taxonomy order; dark text is readable on all of them.
_COLOURS: Final = ("#9ecae9", "#f2cf5b", "#d8b5e0", "#a8d8a0", "#a6d9d9", "#f3b0a6")


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

    words = _words(trace.text, annotation)
    data = {
        "text": printable(trace.text),
        "spans": _token_spans(annotation, words, wanted),
        "tokens": [printable(trace.text[start:end]) for start, end in words],
    }
    order = {d.id: number for number, d in enumerate(taxonomy.dimensions)}
    colours = {
        e.id.upper(): _COLOURS[order[e.dimension] % len(_COLOURS)] for e in taxonomy.elements
    }
    body = render(data, style="span", manual=True, jupyter=False, options={"colors": colours})
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


def _words(text: str, annotation: Annotation) -> list[tuple[int, int]]:
    """Return words with their offsets, cut where a sentence or a span begins or ends."""
    spans = [span for entry in annotation.elements for span in entry.spans]
    cuts = {start for start, _ in sentence_ranges(text)}
    cuts |= {span.start for span in spans} | {span.end for span in spans}
    words: list[tuple[int, int]] = []
    for word in re.finditer(r"\S+", text):
        inside = [cut for cut in range(word.start() + 1, word.end()) if cut in cuts]
        words += pairwise([word.start(), *inside, word.end()])
    return words


def _token_spans(
    annotation: Annotation, words: list[tuple[int, int]], wanted: set[str] | None
) -> list[dict[str, Any]]:
    starts = {start: number for number, (start, _) in enumerate(words)}
    ends = {end: number for number, (_, end) in enumerate(words, start=1)}
    spans = []
    for entry in annotation.elements:
        for span in entry.spans:
            if wanted is None or entry.element in wanted:
                spans.append(
                    {
                        "label": entry.element.upper(),
                        "start": span.start,
                        "end": span.end,
                        "start_token": starts[span.start],
                        "end_token": ends[span.end],
                    }
                )
    return spans
