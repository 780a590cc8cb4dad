"""The spaCy components give what the bulk path gives, under their public names."""

from __future__ import annotations

import json
import time
from importlib.metadata import entry_points
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
from cogtrace.annotator.merged import MergedAnnotator
from cogtrace.annotator.sentences import sentence_starts
from cogtrace.errors import OptionError, TaxonomyError
from cogtrace.records import Annotation, Trace
from cogtrace.taxonomy import load_taxonomy

MERGED = MergedAnnotator(load_taxonomy())

Spans = list[tuple[int, int, str, str, str]]

_PIECES = [
    *("Let me check", "let me check. ", "I'm not sure. ", "First ", "the plan is ", "wait", "done"),
    *(
        "</think>Okay",
        "<think>",
        "。",
        "让我看看。",
        "好",
        "？",
        "It rained. ",
        "x=3.14",
        "```\na\n```",
    ),
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
def taxonomy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a taxonomy of three elements, one strong cue each or two."""
    small = Path(__file__).parents[1] / "taxonomy" / "small.json"
    data = json.loads(small.read_text(encoding="utf-8"))
    changes = {
        "aliases": [],
        "signals": {"question": "weak", "heading": "medium"},
        "scoring": {"partial": 0.1, "present": 1.5, "before": 1, "after": 1},
    }
    data["elements"] = [
        data["elements"][1]
        | {"id": name, "aliases": [], "cues": [{"text": cue, "strength": "strong"} for cue in cues]}
        | changes
        for name, cues in {
            "check": ["let me check", "okay"],
            "plan": ["the plan is", "first"],
            "doubt": ["not sure"],
        }.items()
    ]
    path = tmp_path_factory.mktemp("taxonomy") / "three.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def annotator(taxonomy_file: Path) -> CueAnnotator:
    return CueAnnotator(load_taxonomy(taxonomy_file))


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
    both: Language, elements_only: Language, annotator: CueAnnotator, text: str
) -> None:
    expected = annotator.annotate_text(text)

    for nlp in (both, elements_only):
        doc = nlp(text)
        assert doc.text == text
        assert _spans_of_doc(doc) == _spans_of_records(expected)
        found = msgspec.convert(doc.user_data["cogtrace"], Annotation)
        assert found.elements == expected.elements
    starts = [sentence.start_char for sentence in both(text).sents]
    assert starts == sentence_starts(text)


def test_an_annotated_doc_can_be_stored_and_sent_between_processes(both: Language) -> None:
    text = "Okay, let me check. The plan is good."

    kept = Doc(both.vocab).from_bytes(both(text).to_bytes())
    (sent,) = both.pipe([text], n_process=2)

    assert kept.user_data["cogtrace"] == sent.user_data["cogtrace"]
    assert _spans_of_doc(kept) == _spans_of_doc(sent) != []


def test_the_components_are_found_by_name_wherever_the_package_is_installed() -> None:
    found = {entry.name: entry.value for entry in entry_points(group="spacy_factories")}

    for name in ("trace_sentences", "cognitive_elements"):
        assert found[name] == f"cogtrace.annotator.components:{name}"
        assert spacy.blank("en").add_pipe(name) is not None


def test_the_bundled_taxonomy_is_the_default() -> None:
    text = "It is 41. Let me double-check: 17 + 24 = 41."
    doc = _pipeline("cognitive_elements")(text)

    assert _spans_of_doc(doc) == _spans_of_records(CueAnnotator().annotate_text(text))
    assert "verification" in {span.label_ for span in doc.spans["cognitive_elements"]}


@given(TEXTS)
@settings(max_examples=30, deadline=None)
def test_the_component_can_go_by_cues_and_model_together(text: str) -> None:
    pipeline = _pipeline("cognitive_elements", annotator="merged")

    (found,) = MERGED.annotate([Trace(trace_id="text", text=text)])

    assert _spans_of_doc(pipeline(text)) == _spans_of_records(found)


def test_another_annotator_is_an_error_that_says_which_there_are() -> None:
    with pytest.raises(OptionError, match="cue or merged"):
        _pipeline("cognitive_elements", annotator="llm")


def test_a_missing_taxonomy_is_an_error_that_names_it() -> None:
    with pytest.raises(TaxonomyError, match=r"no/such\.json"):
        _pipeline("cognitive_elements", taxonomy="no/such.json")


def test_spans_go_under_the_key_of_the_config(taxonomy_file: Path) -> None:
    nlp = _pipeline("cognitive_elements", taxonomy=str(taxonomy_file), spans_key="mine")
    doc = nlp("Let me check.")

    assert [span[2:4] for span in _spans_of_doc(doc, "mine")] == [("Let me check.", "check")]
    assert "cognitive_elements" not in doc.spans


def test_the_question_of_a_doc_is_used(elements_only: Language) -> None:
    text = "First add all of the numbers in the list."
    docs = [elements_only.make_doc(text) for _ in range(3)]
    for doc in docs[:2]:
        doc.user_data["question"] = text

    assert _spans_of_doc(elements_only(docs[0])) == []
    restated, own = elements_only.pipe(docs[1:])
    assert _spans_of_doc(restated) == []
    assert _spans_of_doc(own) != []


def test_a_stream_gives_what_single_texts_give(both: Language) -> None:
    texts = [
        "Let me check.",
        "",
        "让我看看。Let me check。",
        "I'm not sure.</think>Okay",
        "x " * 9,
    ]

    docs = list(both.pipe(texts, n_process=1, batch_size=2))
    assert [doc.text for doc in docs] == texts
    assert [_spans_of_doc(doc) for doc in docs] == [_spans_of_doc(both(text)) for text in texts]
    assert [len(list(doc.sents)) for doc in docs] == [1, 0, 2, 3, 1]


def test_a_pipeline_comes_back_from_disk(both: Language, tmp_path: Path) -> None:
    both.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    text = "It rained.</think>Okay, let me check.让我看看。"

    assert _spans_of_doc(again(text)) == _spans_of_doc(both(text)) != []
    assert again.pipe_names == both.pipe_names


def test_displacy_shows_the_spans_and_escapes_the_text(both: Language) -> None:
    doc = both('<script>alert(1)</script> & "x". Okay, so <b>be</b> it.')

    page = displacy.render(
        doc, style="span", jupyter=False, options={"spans_key": "cognitive_elements"}
    )
    assert "check" in page, "the label"
    for mark in ("<script", "<b>", "</b>", " & "):
        assert mark not in page
    for mark in ("&lt;", "&amp;"):
        assert mark in page


@pytest.mark.parametrize("unit", ["Let me check. ", "word ", "好。"])
def test_a_long_text_takes_no_longer_than_it_must(unit: str, both: Language) -> None:
    for count in (500, 5_000):
        text = unit * count
        begun = time.perf_counter()
        both(text)
        assert time.perf_counter() - begun < 0.25 + 300e-6 * count, count


@pytest.mark.slow
def test_real_traces_give_the_spans_of_the_bulk_path(dev_data: Path) -> None:
    texts = pl.read_ndjson(dev_data / "traces_dev.jsonl.gz")["response"].to_list()
    annotator = CueAnnotator()
    nlp = _pipeline("trace_sentences", "cognitive_elements")

    assert texts
    for text, doc in zip(texts, nlp.pipe(texts), strict=True):
        assert _spans_of_doc(doc) == _spans_of_records(annotator.annotate_text(text))
        assert [sentence.start_char for sentence in doc.sents] == sentence_starts(text)
