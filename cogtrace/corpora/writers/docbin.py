"""A spaCy DocBin: Docs with the spans that the component `cognitive_elements` would set.

Read it with ``DocBin().from_bytes(content).get_docs(spacy.blank("xx").vocab)``. Tokens are
cut so that every span and sentence begins and ends with one, whatever its offsets.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cogtrace.annotator.sentences import sentence_starts
from cogtrace.records import Annotation, Trace
from cogtrace.taxonomy import Taxonomy

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

_PIECE: Final = re.compile(r"\w+|\s|[^\w\s]")


def to_docbin(pairs: Iterable[tuple[Trace, Annotation]], taxonomy: Taxonomy) -> Iterator[bytes]:
    """Yield the content of a file ``.spacy``; all of it is held in memory, as spaCy does."""
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    vocab = Vocab()
    found = DocBin(attrs=["SENT_START"], store_user_data=True)
    for trace, annotation in pairs:
        found.add(_doc(vocab, trace, annotation))
    yield found.to_bytes()


def _doc(vocab: Vocab, trace: Trace, annotation: Annotation) -> Doc:
    from spacy.tokens import Doc, Span, SpanGroup

    from cogtrace.annotator.components import SPANS_KEY

    spans = [(entry, span) for entry in annotation.elements for span in entry.spans]
    begins = {span.start for _, span in spans}
    ends = {span.end for _, span in spans}
    openings = set(sentence_starts(trace.text))
    edges, words, spaces = _tokens(trace.text, begins | openings, ends)
    doc = Doc(
        vocab, words=words, spaces=spaces, sent_starts=[start in openings for start, _ in edges]
    )
    firsts, lasts = ([edge[side] for edge in edges] for side in (0, 1))
    marked = [
        Span(
            doc,
            bisect_left(firsts, span.start),
            bisect_left(lasts, span.end) + 1,
            label=entry.element,
            span_id=str(entry.score),
        )
        for entry, span in spans
    ]
    doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, spans=marked)
    doc.user_data["cogtrace"] = msgspec.to_builtins(annotation)
    doc.user_data["trace"] = _about(trace)
    doc.user_data["question"] = trace.question
    return doc


def _tokens(
    text: str, begins: set[int], ends: set[int]
) -> tuple[list[tuple[int, int]], list[str], list[bool]]:
    """Return where tokens are, their words, and whether a blank follows that is no token."""
    cuts = begins | ends
    edges: list[tuple[int, int]] = []
    spaces: list[bool] = []
    for piece in _PIECE.finditer(text):
        start, end = piece.span()
        alone = start in begins or end in ends or not edges or spaces[-1]
        if piece.group() == " " and not alone:
            spaces[-1] = True
            continue
        inside = [at for at in range(start + 1, end) if at in cuts]
        for low, high in pairwise([start, *inside, end]):
            edges.append((low, high))
            spaces.append(False)
    return edges, [text[low:high] for low, high in edges], spaces


def _about(trace: Trace) -> dict[str, Any]:
    """Return what is known of a trace beside its text."""
    about: dict[str, Any] = msgspec.to_builtins(trace)
    del about["text"]
    return about
