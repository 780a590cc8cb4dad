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

from itertools import pairwise
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup, Token

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.sentences import sentence_starts
from cogtrace.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from thinc.types import Ints2d

    from cogtrace.records import Annotation

SPANS_KEY: Final = "cognitive_elements"


class TraceSentences:
    """Sets the sentence boundaries of a Doc as `sentence_starts` finds them.

    A boundary inside a token (in text without spaces) splits the token.
    """

    def __call__(self, doc: Doc) -> Doc:
        """Set ``is_sent_start`` of every token."""
        starts = set(sentence_starts(doc.text))
        _split_tokens(doc, starts)
        # All at once: setting Token.is_sent_start searches the whole Doc each time.
        flags = np.array([1 if token.idx in starts else -1 for token in doc], dtype=np.int64)
        doc.from_array(["SENT_START"], cast("Ints2d", flags.astype(np.uint64)[:, None]))
        return doc


class CognitiveElements:
    """Marks the elements of a taxonomy: spans under a key, and the whole annotation.

    ``doc.spans[spans_key]`` holds the spans, their label an element id, their ``id_``
    the score; ``doc.user_data["cogtrace"]`` the `Annotation`.
    """

    def __init__(self, annotator: CueAnnotator, spans_key: str) -> None:
        self.annotator = annotator
        self.spans_key = spans_key

    def __call__(self, doc: Doc) -> Doc:
        """Annotate a Doc; its text is the trace, `doc.user_data["question"]` the question."""
        question = doc.user_data.get("question")
        annotation = self.annotator.annotate_text(doc.text, question)
        _split_tokens(doc, _borders(annotation))
        # Looked up here: Doc.char_span searches the whole Doc for each span.
        first = {token.idx: token.i for token in doc}
        last = {token.idx + len(token): token.i + 1 for token in doc}
        spans = [
            Span(doc, first[s.start], last[s.end], label=entry.element, span_id=str(entry.score))
            for entry in annotation.elements
            for s in entry.spans
        ]
        doc.spans[self.spans_key] = SpanGroup(doc, name=self.spans_key, spans=spans)
        doc.user_data["cogtrace"] = annotation
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


def _borders(annotation: Annotation) -> set[int]:
    spans = [span for entry in annotation.elements for span in entry.spans]
    return {span.start for span in spans} | {span.end for span in spans}


def _split_tokens(doc: Doc, borders: set[int]) -> None:
    """Split the tokens that one of ``borders`` (character offsets) falls into."""
    idle = borders - {token.idx for token in doc} - {t.idx + len(t) for t in doc}
    if not idle:
        return
    with doc.retokenize() as retokenizer:
        for token in list(doc):
            cuts = sorted(cut for cut in idle if token.idx < cut < token.idx + len(token))
            if cuts:
                _split(retokenizer, token, cuts)


def _split(retokenizer: object, token: Token, cuts: list[int]) -> None:
    edges = [0, *(cut - token.idx for cut in cuts), len(token)]
    pieces = [token.text[a:b] for a, b in pairwise(edges)]
    heads = [(token, number) for number in range(len(pieces))]
    retokenizer.split(token, pieces, heads=heads)  # type: ignore[attr-defined]
