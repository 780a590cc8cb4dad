"""Web Annotations (W3C Recommendation, 2017), one a line.

Each span is an annotation whose target is selected twice: by position, in code points,
and by its words with a little of what stands around them. An element without a span is an
annotation of the whole trace. What the vocabulary has no word for is under ``cogtrace``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

import msgspec

from cogtrace.records import Annotation, ElementAnnotation, Span, Trace
from cogtrace.taxonomy import Taxonomy

CONTEXT: Final = (
    "http://www.w3.org/ns/anno.jsonld",
    {"cogtrace": "https://cogtrace.example/ns#"},
)
_AROUND: Final = 32  # characters before and after a quote
_OURS: Final = ("first_sentence", "last_sentence", "anchor", "source", "confidence")


def to_web_annotations(
    pairs: Iterable[tuple[Trace, Annotation]], taxonomy: Taxonomy
) -> Iterator[str]:
    """Yield one annotation a line: per span, or per element that has none."""
    for trace, annotation in pairs:
        for entry in annotation.elements:
            for number, span in enumerate(entry.spans or (None,)):
                found = _annotation(trace, annotation, entry, span, number)
                yield msgspec.json.encode(found).decode() + "\n"


def _annotation(
    trace: Trace,
    annotation: Annotation,
    entry: ElementAnnotation,
    span: Span | None,
    number: int,
) -> dict[str, Any]:
    source = f"urn:cogtrace:trace:{quote(trace.trace_id, safe='')}"
    target: dict[str, Any] = {"source": source}
    ours: dict[str, Any] = {"trace_id": trace.trace_id, "score": entry.score}
    if span is not None:
        target["selector"] = _selectors(trace.text, span)
        ours |= {name: getattr(span, name) for name in _OURS}
    if entry.explanation is not None:
        ours["explanation"] = entry.explanation
    return {
        "@context": CONTEXT,
        "id": f"{source}:{entry.element}:{number}",
        "type": "Annotation",
        "motivation": "classifying",
        "creator": {
            "type": "Software",
            "name": f"{annotation.annotator.name} {annotation.annotator.version}",
            "id": f"urn:cogtrace:annotator:{quote(annotation.annotator.fingerprint, safe='')}",
        },
        "body": [
            {"type": "TextualBody", "purpose": "classifying", "value": entry.element},
            {"type": "TextualBody", "purpose": "assessing", "value": str(entry.score)},
        ],
        "target": target,
        "cogtrace": ours,
    }


def _selectors(text: str, span: Span) -> list[dict[str, Any]]:
    return [
        {"type": "TextPositionSelector", "start": span.start, "end": span.end},
        {
            "type": "TextQuoteSelector",
            "exact": span.quote,
            "prefix": text[max(0, span.start - _AROUND) : span.start],
            "suffix": text[span.end : span.end + _AROUND],
        },
    ]
