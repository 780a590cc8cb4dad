"""The spaCy components give what the bulk path gives, under their public names."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
import spacy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spacy import displacy
from spacy.language import Language
from spacy.tokens import Doc

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.sentences import sentence_starts
from cogtrace.errors import TaxonomyError
from cogtrace.records import Annotation
from cogtrace.taxonomy import Scoring, Taxonomy

Make = Callable[..., Taxonomy]
Spans = list[tuple[int, int, str, str, str]]

_PIECES = [
    *("Let me check", "let me check. ", "I'm not sure. ", "First ", "the plan is ", "wait", "done"),
    *("</think>Okay", "<think>", "。", "让我看看。", "好", "？", "It rained. ", "x=3.14", "```\na\n```"),
    *(" ", "  ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\x1f", "e\u0301", "😀"),
    *(".", "!", '"', "”", "$a. B$", "\\[ y \\]", "- ", "# ", "don't", "(c)", "|", "&", "<b>"),
]
TEXTS = st.one_of(
    st.text(max_size=30), st.lists(st.sampled_from(_PIECES), max_size=20).map("".join)
)


def _pipeline(*names: str, **config: Any) -> Language:
    nlp = spacy.blank("en")
    for name in names:
        nlp.add_pipe(name, config=config if name == "cognitive_elements" else {})
    return nlp


def _spans_of_doc(doc: Doc, key: str = "cognitive_elements") -> Spans:
    return [(s.start_char, s.end_char, s.text, s.label_, s.id_) for s in doc.spans[key]]


def _spans_of_records(annotation: Annotation) -> Spans:
    return [
        (span.start, span.end, span.quote, entry.element, str(entry.score))
        for entry in annotation.elements
        for span in entry.spans
    ]


@pytest.fixture(scope="session")
def taxonomy(make_taxonomy: Make) -> Taxonomy:
    return make_taxonomy(
        {"check": ["let me check", "okay"], "plan": ["the plan is", "first"], "doubt": ["not sure"]},
        scoring=Scoring(partial=0.1, present=1.5, after=1, before=1),
        signals={"opening": "weak", "closing": "weak"},
    )


@pytest.fixture(scope="session")
def taxonomy_file(taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = msgspec.to_builtins(taxonomy)
    for element in data["elements"]:
        element["examples"] = [{"text": "Nothing of it stands here.", "score": 0, "quotes": []}]
        del element["group"], element["marr_level"]
    del data["description"]
    path = tmp_path_factory.mktemp("taxonomy") / "small.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def both(taxonomy_file: Path) -> Language:
    return _pipeline("trace_sentences", "cognitive_elements", taxonomy=str(taxonomy_file))


@pytest.fixture(scope="session")
def elements_only(taxonomy_file: Path) -> Language:
    return _pipeline("cognitive_elements", taxonomy=str(taxonomy_file))


@given(TEXTS)
@example("It is 5.</think>Okay, let me check.让我看看。Let me check。好")
@example("\n\nIt rained. Let me check.")
@example(" ")
@example("")
@settings(max_examples=200, deadline=None)
def test_spans_and_sentences_are_those_of_the_bulk_path(
    both: Language, elements_only: Language, taxonomy: Taxonomy, text: str
) -> None:
    expected = CueAnnotator(taxonomy).annotate_text(text)

    for nlp in (both, elements_only):
        doc = nlp(text)
        assert doc.text == text
        assert _spans_of_doc(doc) == _spans_of_records(expected)
        assert doc.user_data["cogtrace"].elements == expected.elements
    starts = [sentence.start_char for sentence in both(text).sents]
    assert starts == sentence_starts(text)
