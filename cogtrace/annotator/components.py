"""The spaCy components: `trace_sentences` and `cognitive_elements`.

Installed packages find them by name (entry points ``spacy_factories``)::

    nlp = spacy.blank("en")
    nlp.add_pipe("trace_sentences")
    nlp.add_pipe("cognitive_elements")
    doc = nlp("It is 41. Let me double-check: 17 + 24 = 41.")
    doc.spans["cognitive_elements"]

Both give exactly what the bulk path gives: same sentences, same spans, same offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final, cast

import msgspec
import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup, Token
from spacy.util import minibatch

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.cues.page import IntArray
from cogtrace.annotator.sentences import sentence_starts
from cogtrace.records import Annotation, Annotator, Trace
from cogtrace.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from thinc.types import Ints2d

SPANS_KEY: Final = "cognitive_elements"


class TraceSentences:
    """Sets the sentence boundaries of a Doc as `sentence_starts` finds them.

    A boundary inside a token (in text without spaces) splits the token.
    """

    def __call__(self, doc: Doc) -> Doc:
        """Set ``is_sent_start`` of every token."""
        starts = np.array(sentence_starts(doc.text), dtype=np.int64)
        _split_tokens(doc, starts)
        # All at once: setting Token.is_sent_start searches the whole Doc each time.
        flags = np.where(np.isin(_offsets(doc)[0], starts), 1, -1).astype(np.int64)
        doc.from_array(["SENT_START"], cast("Ints2d", flags.astype(np.uint64)[:, None]))
        return doc


class CognitiveElements:
    """Marks the elements of a taxonomy: spans under a key, and the whole annotation.

    ``doc.spans[spans_key]`` holds the spans, their label an element id, their ``id_``
    the score; ``doc.user_data["cogtrace"]`` the annotation (schema "annotation") as plain
    data, so that Docs can be stored and sent between processes.
    """

    def __init__(self, annotator: Annotator, spans_key: str) -> None:
        self.annotator = annotator
        self.spans_key = spans_key

    def __call__(self, doc: Doc) -> Doc:
        """Annotate a Doc; its text is the trace, `doc.user_data["question"]` the question."""
        (annotation,) = self.annotator.annotate([_trace(doc)])
        return self._mark(doc, annotation)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Annotate Docs, several at a time, which is much faster where they are short."""
        for docs in minibatch(stream, size=batch_size):  # type: ignore[no-untyped-call]
            annotations = self.annotator.annotate([_trace(doc) for doc in docs])
            for doc, annotation in zip(docs, annotations, strict=True):
                yield self._mark(doc, annotation)

    def _mark(self, doc: Doc, annotation: Annotation) -> Doc:
        """Put an annotation onto its Doc."""
        found = [(entry, span) for entry in annotation.elements for span in entry.spans]
        begins = np.array([span.start for _, span in found], dtype=np.int64)
        ends = np.array([span.end for _, span in found], dtype=np.int64)
        _split_tokens(doc, np.concatenate([begins, ends]))
        # Looked up here: Doc.char_span searches the whole Doc for each span.
        token_starts, token_ends = _offsets(doc)
        first = np.searchsorted(token_starts, begins).tolist()
        last = np.searchsorted(token_ends, ends).tolist()
        spans = [
            Span(doc, i, j + 1, label=entry.element, span_id=str(entry.score))
            for (entry, _), i, j in zip(found, first, last, strict=True)
        ]
        doc.spans[self.spans_key] = SpanGroup(doc, name=self.spans_key, spans=spans)
        doc.user_data["cogtrace"] = msgspec.to_builtins(annotation)
        return doc


@Language.factory("trace_sentences", assigns=["token.is_sent_start", "doc.sents"])
def trace_sentences(nlp: Language, name: str) -> TraceSentences:
    """Build the component `trace_sentences`."""
    return TraceSentences()


@Language.factory(
    "cognitive_elements",
    assigns=["doc.spans"],
    default_config={"spans_key": SPANS_KEY, "taxonomy": None},
)
def cognitive_elements(
    nlp: Language, name: str, spans_key: str, taxonomy: str | None
) -> CognitiveElements:
    """Build the component `cognitive_elements`; ``taxonomy`` is a file or folder."""
    return CognitiveElements(CueAnnotator(load_taxonomy(taxonomy)), spans_key)


def _trace(doc: Doc) -> Trace:
    return Trace(trace_id="text", text=doc.text, question=doc.user_data.get("question"))


def _offsets(doc: Doc) -> tuple[IntArray, IntArray]:
    """Return where each token begins and ends, in characters."""
    table = doc.to_array(["IDX", "LENGTH"]).astype(np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 0] + table[:, 1]


def _split_tokens(doc: Doc, borders: IntArray) -> None:
    """Split the tokens that one of ``borders`` (character offsets) falls into."""
    starts, ends = _offsets(doc)
    owner = np.searchsorted(starts, borders, side="right") - 1
    inside = (borders > starts[owner]) & (borders < ends[owner]) if len(starts) else owner < -1
    if not inside.any():
        return
    tokens: dict[int, list[int]] = {}
    for number, cut in sorted(
        set(zip(owner[inside].tolist(), borders[inside].tolist(), strict=True))
    ):
        tokens.setdefault(number, []).append(cut)
    with doc.retokenize() as retokenizer:
        for number, cuts in tokens.items():
            _split(retokenizer, doc[number], cuts)


def _split(retokenizer: object, token: Token, cuts: list[int]) -> None:
    edges = [0, *(cut - token.idx for cut in cuts), len(token)]
    pieces = [token.text[a:b] for a, b in pairwise(edges)]
    heads = [(token, number) for number in range(len(pieces))]
    retokenizer.split(token, pieces, heads=heads)  # type: ignore[attr-defined]
