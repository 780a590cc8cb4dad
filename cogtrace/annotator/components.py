"""The spaCy components: `trace_sentences`, `cognitive_elements` and `trained_elements`.

Installed packages find them by name (entry points ``spacy_factories``)::

    nlp = spacy.blank("en")
    nlp.add_pipe("trace_sentences")
    nlp.add_pipe("cognitive_elements")
    doc = nlp("It is 41. Let me double-check: 17 + 24 = 41.")
    doc.spans["cognitive_elements"]

`trained_elements` goes by a trained model or encoder in the place of cues. It carries
that and its taxonomy with it when the pipeline is saved, so that `spacy.load` needs nothing
but the pipeline's folder::

    nlp.add_pipe("trained_elements").from_disk("my-model")

All give exactly what the bulk path gives with the same annotator: same sentences, same
spans, same offsets. `cognitive_elements` goes by cues, or with the setting
``annotator="merged"`` by cues and the bundled model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import msgspec
import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup, Token
from spacy.util import minibatch

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.cues.page import IntArray
from cogtrace.annotator.encoder.annotator import EncoderAnnotator, require_torch
from cogtrace.annotator.encoder.files import CONFIG as ENCODER
from cogtrace.annotator.encoder.reading import load_encoder
from cogtrace.annotator.encoder.saving import save_encoder
from cogtrace.annotator.merged import MergedAnnotator
from cogtrace.annotator.model.annotator import ModelAnnotator
from cogtrace.annotator.model.files import load_model
from cogtrace.annotator.model.saving import TAXONOMY, save_with_taxonomy
from cogtrace.annotator.sentences import sentence_starts
from cogtrace.errors import ModelError, OptionError
from cogtrace.records import Annotation, Annotator, Trace
from cogtrace.taxonomy import Taxonomy, load_taxonomy

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


class TrainedElements:
    """Marks elements as `CognitiveElements` does, by a trained model or encoder.

    It has none at first; using it then raises ModelError.
    """

    def __init__(self, spans_key: str) -> None:
        self._spans_key = spans_key
        self._loaded: _Trained | None = None

    def __call__(self, doc: Doc) -> Doc:
        """Annotate a Doc."""
        return self._marker(doc)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Annotate Docs, several at a time."""
        yield from self._marker.pipe(stream, batch_size=batch_size)

    def to_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> None:
        """Write the model and its taxonomy; called by `Language.to_disk`."""
        self._model.save(Path(path))

    def from_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> TrainedElements:
        """Read a model and its taxonomy; called by `spacy.load`.

        Raises:
            ModelError: there is no usable model in the folder.
            TaxonomyError: its taxonomy cannot be read.
            OptionError: it is an encoder, and torch or transformers is not installed.
        """
        self._loaded = _load_trained(Path(path))
        return self

    @property
    def taxonomy(self) -> Taxonomy:
        """What the model marks."""
        return self._model.taxonomy

    @property
    def _marker(self) -> CognitiveElements:
        return CognitiveElements(self._model.annotator, self._spans_key)

    @property
    def _model(self) -> _Trained:
        if self._loaded is None:
            raise ModelError(
                "trained_elements has no model yet; give it the folder of one: "
                'nlp.add_pipe("trained_elements").from_disk(FOLDER)'
            )
        return self._loaded


@dataclass(frozen=True, slots=True)
class _Trained:
    """A trained model or encoder at work, and what writes it into a folder."""

    annotator: Annotator
    taxonomy: Taxonomy
    save: Callable[[Path], object]


def _load_trained(folder: Path) -> _Trained:
    if (folder / ENCODER).is_file():
        require_torch()
        encoder = load_encoder(folder)
        taxonomy = load_taxonomy(folder / TAXONOMY)
        save = partial(save_encoder, encoder, taxonomy)
        return _Trained(EncoderAnnotator(encoder, taxonomy), taxonomy, save)
    model = load_model(folder)
    taxonomy = load_taxonomy(folder / TAXONOMY)
    return _Trained(
        ModelAnnotator(model, taxonomy), taxonomy, partial(save_with_taxonomy, model, taxonomy)
    )


@Language.factory("trace_sentences", assigns=["token.is_sent_start", "doc.sents"])
def trace_sentences(nlp: Language, name: str) -> TraceSentences:
    """Build the component `trace_sentences`."""
    return TraceSentences()


@Language.factory(
    "cognitive_elements",
    assigns=["doc.spans"],
    default_config={"spans_key": SPANS_KEY, "taxonomy": None, "annotator": CueAnnotator.name},
)
def cognitive_elements(
    nlp: Language, name: str, spans_key: str, taxonomy: str | None, annotator: str
) -> CognitiveElements:
    """Build the component `cognitive_elements`.

    ``taxonomy`` is a file or folder, ``annotator`` "cue" or "merged".

    Raises:
        OptionError: it is neither.
        ModelError: the model of "merged" was trained for another taxonomy.
    """
    kinds = {kind.name: kind for kind in (CueAnnotator, MergedAnnotator)}
    if annotator not in kinds:
        raise OptionError(f"annotator {annotator}: cognitive_elements goes by {' or '.join(kinds)}")
    return CognitiveElements(kinds[annotator](load_taxonomy(taxonomy)), spans_key)


@Language.factory(
    "trained_elements", assigns=["doc.spans"], default_config={"spans_key": SPANS_KEY}
)
def trained_elements(nlp: Language, name: str, spans_key: str) -> TrainedElements:
    """Build the component `trained_elements`, without a model yet."""
    return TrainedElements(spans_key)


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
