"""The spaCy component `trained_elements`: a trained model in a pipeline.

It carries the model and its taxonomy with it when the pipeline is saved, so that
`spacy.load` needs nothing but the pipeline's folder::

    nlp = spacy.blank("en")
    nlp.add_pipe("trace_sentences")
    nlp.add_pipe("trained_elements").from_disk("my-model")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from cogtrace.annotator.components import SPANS_KEY, CognitiveElements
from cogtrace.annotator.model.annotator import ModelAnnotator
from cogtrace.annotator.model.files import Model, load_model
from cogtrace.annotator.model.saving import TAXONOMY, save_with_taxonomy
from cogtrace.errors import ModelError
from cogtrace.taxonomy import Taxonomy, load_taxonomy


class TrainedElements:
    """Marks elements as `CognitiveElements` does, by a model.

    It has none at first; using it then raises ModelError.
    """

    def __init__(self, spans_key: str) -> None:
        self._spans_key = spans_key
        self._loaded: tuple[Model, Taxonomy, CognitiveElements] | None = None

    def __call__(self, doc: Doc) -> Doc:
        """Annotate a Doc."""
        return self._parts[2](doc)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Annotate Docs, several at a time."""
        yield from self._parts[2].pipe(stream, batch_size=batch_size)

    def to_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> None:
        """Write the model and its taxonomy; called by `Language.to_disk`."""
        model, taxonomy, _ = self._parts
        save_with_taxonomy(model, taxonomy, Path(path))

    def from_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> TrainedElements:
        """Read a model and its taxonomy; called by `spacy.load`.

        Raises:
            ModelError: there is no usable model in the folder.
            TaxonomyError: its taxonomy cannot be read.
        """
        model = load_model(Path(path))
        taxonomy = load_taxonomy(Path(path) / TAXONOMY)
        marker = CognitiveElements(ModelAnnotator(model, taxonomy), self._spans_key)
        self._loaded = model, taxonomy, marker
        return self

    @property
    def _parts(self) -> tuple[Model, Taxonomy, CognitiveElements]:
        if self._loaded is None:
            raise ModelError(
                "trained_elements has no model yet; give it the folder of one: "
                'nlp.add_pipe("trained_elements").from_disk(FOLDER)'
            )
        return self._loaded


@Language.factory(
    "trained_elements", assigns=["doc.spans"], default_config={"spans_key": SPANS_KEY}
)
def trained_elements(nlp: Language, name: str, spans_key: str) -> TrainedElements:
    """Build the component `trained_elements`, without a model yet."""
    return TrainedElements(spans_key)
