"""What goes out in a form of another program and comes back is the same, whatever the text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import spacy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from cogtrace.annotator.components import SPANS_KEY
from cogtrace.annotator.sentences import sentence_starts
from cogtrace.corpora.importing.annotating import annotation_of
from cogtrace.corpora.importing.mapping import given_mapping
from cogtrace.corpora.importing.survey import survey
from cogtrace.corpora.readers.label_studio import label_studio_rows
from cogtrace.corpora.readers.traces import judge
from cogtrace.corpora.utf16 import Utf16
from cogtrace.corpora.writers import find_writer
from cogtrace.corpora.writers.label_studio import task
from cogtrace.plugins import extensions
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    Span,
    TaxonomyRef,
    Trace,
    text_sha256,
)
from cogtrace.taxonomy import Taxonomy, build_taxonomy

ELEMENTS = ("re-reading", "turning-back", "guessing")  # of the taxonomy "tiny"
REF = AnnotatorRef(name="hand", version="1", fingerprint="0" * 16)

# Emoji beyond U+FFFF, joined ones, CJK, combining marks, double blanks, line ends of all kinds.
_PIECES = st.sampled_from(
    [
        *("a", "so", "👩\u200d👧", "漢字", "é", "e\u0301", "😀", "𝛼", ".", '"<&', " ", "  "),
        *("\n", "\r\n", "\t", "\u202e", "\u2028"),
    ]
)
_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_TEXTS = st.lists(st.one_of(_PIECES, _ANY), min_size=1, max_size=25).map("".join).filter(str.strip)

Pair = tuple[Trace, Annotation]


def _entry(draw: st.DrawFn, name: str, text: str) -> ElementAnnotation:
    starts = sentence_starts(text)
    score = draw(st.integers(0, 2))
    places = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 12))
    found = draw(st.lists(places, max_size=3)) if score else []
    spans = [
        Span(
            start=start,
            end=end,
            quote=text[start:end],
            first_sentence=sum(at <= start for at in starts),
            last_sentence=sum(at < end for at in starts),
            anchor="exact",
            source="hand",
            confidence=draw(st.sampled_from([None, 0.25, 0.5])),
        )
        for start, end in sorted({(at, min(len(text), at + size)) for at, size in found})
    ]
    return ElementAnnotation(element=name, score=score, spans=tuple(spans))


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    text = draw(_TEXTS)
    trace = Trace(
        trace_id=draw(st.sampled_from(["t", "a/b c#漢", "😀"])),
        text=text,
        question=draw(st.sampled_from([None, "why?"])),
        correct=draw(st.sampled_from([None, True, False])),
        answer=draw(st.sampled_from([None, "42"])),
        meta=draw(st.sampled_from([{}, {"question_id": 3}, {"meta": {"x": [1, None]}}])),
    )
    return trace, Annotation(
        trace_id=trace.trace_id,
        text_sha256=text_sha256(text),
        sentences=len(sentence_starts(text)),
        taxonomy=TaxonomyRef(id="tiny", version="2.1.0", sha256="0" * 64),
        annotator=REF,
        elements=tuple(_entry(draw, name, text) for name in ELEMENTS),
    )


@pytest.fixture(scope="module")
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    return build_taxonomy(tiny_taxonomy, "tiny")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labelled") / "tasks.json"


def accepted(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return tasks whose predictions somebody looked at and submitted as they were."""
    return [
        {
            "id": number,
            "data": one["data"],
            "annotations": [{"completed_by": 7, "result": one["predictions"][0]["result"]}],
        }
        for number, one in enumerate(tasks, start=1)
    ]


def _simple(annotation: Annotation) -> dict[str, Any]:
    """Return what a scheme of labels and regions can hold of an annotation."""
    return {
        entry.element: (entry.score, [(span.start, span.end, span.quote) for span in entry.spans])
        for entry in annotation.elements
    }


def _read(path: Path, taxonomy: Taxonomy) -> list[Pair]:
    found = survey(extensions().reader("label-studio", "annotations"), [str(path)], {})
    mapping = given_mapping(taxonomy, found.labels)
    (source,) = found.sources
    read = []
    for row in label_studio_rows(str(path)):
        assert row.labels is not None, row.message
        trace = judge(source, row)
        assert isinstance(trace, Trace)
        read.append((trace, annotation_of(trace, row.labels, mapping, REF)))
    return read


@settings(max_examples=80, deadline=None)
@given(st.lists(pairs(), min_size=1, max_size=3))
def test_label_studio_gives_back_what_it_was_given(
    taxonomy: Taxonomy, file: Path, made: list[Pair]
) -> None:
    write = find_writer("label-studio").write
    tasks = json.loads("".join(cast("list[str]", list(write(made, taxonomy)))))
    file.write_text(json.dumps(accepted(tasks), ensure_ascii=False), encoding="utf-8")

    read = _read(file, taxonomy)

    assert [trace for trace, _ in read] == [trace for trace, _ in made]
    for (_, back), (_, out) in zip(read, made, strict=True):
        assert _simple(back) == _simple(out)
        assert back.text_sha256 == out.text_sha256
        assert back.unanswered == ()


@settings(max_examples=60, deadline=None)
@given(_TEXTS)
@example("😀\u0301漢 𝛼")
def test_offsets_are_those_of_utf_16_and_lead_back(text: str) -> None:
    offsets = Utf16(text)

    for point in range(len(text) + 1):
        units = len(text[:point].encode("utf-16-le")) // 2
        assert offsets.units(point) == units
        assert offsets.points(units) == point


def test_an_offset_within_a_character_or_outside_is_refused() -> None:
    offsets = Utf16("a😀b")

    for unit in (2, 5, -1):
        with pytest.raises(ValueError, match=str(unit)):
            offsets.points(unit)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(pairs(), min_size=1, max_size=2))
def test_a_docbin_holds_texts_spans_and_annotations(taxonomy: Taxonomy, made: list[Pair]) -> None:
    content = b"".join(cast("list[bytes]", list(find_writer("docbin").write(made, taxonomy))))

    docs = list(DocBin().from_bytes(content).get_docs(spacy.blank("xx").vocab))

    assert [doc.text for doc in docs] == [trace.text for trace, _ in made]
    for doc, (trace, annotation) in zip(docs, made, strict=True):
        spans = [(s.label_, s.id_, s.start_char, s.end_char) for s in doc.spans[SPANS_KEY]]
        assert spans == [
            (entry.element, str(entry.score), span.start, span.end)
            for entry in annotation.elements
            for span in entry.spans
        ]
        assert [sent.start_char for sent in doc.sents] == list(sentence_starts(trace.text))
        assert doc.user_data["cogtrace"]["text_sha256"] == annotation.text_sha256
        assert doc.user_data["trace"]["trace_id"] == trace.trace_id


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_web_annotations_select_the_same_words_twice(taxonomy: Taxonomy, made: Pair) -> None:
    trace, annotation = made
    lines = "".join(cast("list[str]", list(find_writer("w3c").write([made], taxonomy))))

    found = [json.loads(line) for line in lines.removesuffix("\n").split("\n")]

    back: dict[str, tuple[int, list[tuple[int, int, str]]]] = {}
    for one in found:
        label, score = (body["value"] for body in one["body"])
        entry = back.setdefault(label, (int(score), []))
        assert unquote(one["target"]["source"].rpartition(":")[2]) == trace.trace_id
        if "selector" not in one["target"]:
            continue
        place, words = one["target"]["selector"]
        start, end = place["start"], place["end"]
        assert trace.text[start:end] == words["exact"]
        assert trace.text[:start].endswith(words["prefix"])
        assert trace.text[end:].startswith(words["suffix"])
        entry[1].append((start, end, words["exact"]))
    assert back == _simple(annotation)
    assert len({one["id"] for one in found}) == len(found)


def _task(**changes: Any) -> dict[str, Any]:
    text = "I check it 😀 twice."
    region = {
        "id": "x",
        "type": "labels",
        "from_name": "element",
        "to_name": "text",
        "value": {"start": 0, "end": 13, "text": "I check it 😀", "labels": ["re-reading"]},
    }
    base = {
        "id": 4,
        "data": {"text": text},
        "annotations": [{"completed_by": {"email": "a@b.c"}, "result": [region]}],
    }
    return base | changes


def _rows(path: Path, *tasks: dict[str, Any]) -> list[Any]:
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return list(label_studio_rows(str(path)))


def test_labels_made_there_from_the_start_have_no_strength(file: Path) -> None:
    (row,) = _rows(file, _task())

    assert row.data == {"text": "I check it 😀 twice.", "trace_id": "task-4"}
    assert row.labels.scores is None
    assert [(m.label, m.start, m.end) for m in row.labels.marks] == [("re-reading", 0, 12)]
    assert row.labels.annotator == "a@b.c"


def test_each_person_has_a_row_and_skipped_tasks_have_none(file: Path) -> None:
    two = [{"completed_by": 1, "result": []}, {"completed_by": 2, "result": []}]
    skipped = [{"completed_by": 3, "was_cancelled": True, "result": []}]
    rows = _rows(file, _task(annotations=two), _task(annotations=skipped))

    assert [row.labels.annotator for row in rows[:2]] == ["1", "2"]
    assert [row.line for row in rows] == [1, 2, 3]
    assert rows[2].reason == "not-labelled"


def test_predictions_that_nobody_looked_at_are_no_labels(file: Path, taxonomy: Taxonomy) -> None:
    trace = Trace(trace_id="t", text="So.")
    annotation = Annotation(
        trace_id="t",
        text_sha256="",
        sentences=1,
        taxonomy=TaxonomyRef(id="tiny", version="1", sha256="0" * 64),
        annotator=REF,
        elements=(),
    )
    (row,) = _rows(file, task(trace, annotation) | {"annotations": []})

    assert (row.data, row.reason) == (None, "not-labelled")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"start": 0, "end": 12}, "within a character"),
        ({"start": 0, "end": 99}, "outside a text"),
        ({"start": "0", "end": None}, "no offsets"),
    ],
)
def test_a_region_that_cannot_be_placed_is_a_fault_of_its_label(
    file: Path, value: dict[str, Any], message: str
) -> None:
    found = _task()
    found["annotations"][0]["result"][0]["value"] |= value

    (row,) = _rows(file, found)

    reason, text = row.labels.faults["re-reading"]
    assert (reason, message in text) == ("bad-span", True)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["id", "type", "value", "start", "end", "labels", "choices"]), inner
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(_JSON, _JSON, _JSON)
def test_no_content_of_a_task_ends_the_reading(file: Path, data: Any, region: Any, by: Any) -> None:
    annotations = [{"completed_by": by, "result": [region, {"type": "labels", "value": region}]}]
    tasks = [{"data": data, "annotations": annotations}, {"annotations": data}, _task()]
    tasks.insert(0, _task(annotations=annotations))
    file.write_text(json.dumps(tasks), encoding="utf-8")

    rows = list(label_studio_rows(str(file)))

    assert len(rows) >= 4
    assert rows[-1].data is not None
    assert all(row.data is not None or row.reason for row in rows)


def test_other_words_at_a_region_are_noticed_and_other_blanks_are_not(
    file: Path, taxonomy: Taxonomy
) -> None:
    found = _task()
    value = found["annotations"][0]["result"][0]["value"]
    value["text"] = "I  check\\nit😀"
    (row,) = _rows(file, found)
    assert row.labels.marks[0].quote is None

    value["text"] = "I chuck it 😀"
    (row,) = _rows(file, found)
    assert row.labels.marks[0].quote == "I chuck it 😀"


def test_a_score_without_a_place_comes_back_too(file: Path, taxonomy: Taxonomy) -> None:
    trace = Trace(trace_id="t", text="So it is.")
    annotation = Annotation(
        trace_id="t",
        text_sha256=text_sha256(trace.text),
        sentences=1,
        taxonomy=TaxonomyRef(id="tiny", version="1", sha256="0" * 64),
        annotator=REF,
        elements=(
            ElementAnnotation(element="guessing", score=1),
            ElementAnnotation(element="re-reading", score=0),
        ),
    )
    file.write_text(json.dumps(accepted([task(trace, annotation)])), encoding="utf-8")

    ((_, back),) = _read(file, taxonomy)

    assert _simple(back) == {"guessing": (1, []), "re-reading": (0, [])}


def test_the_interface_names_every_element_and_is_valid_xml(taxonomy: Taxonomy) -> None:
    text = "".join(cast("list[str]", list(find_writer("label-studio-config").write([], taxonomy))))

    root = ElementTree.fromstring(text)
    assert [label.get("value") for label in root.iter("Label")] == list(ELEMENTS)
    assert {tag.get("toName") for tag in root if tag.get("toName")} == {"text"}
