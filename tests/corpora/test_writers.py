"""Each export holds all annotations, in the form it promises."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.job import JobFolder, JobPlan, JobReader, run_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.corpora.writers import WRITERS, write_export
from cogtrace.errors import OptionError
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    SourceRow,
    Span,
    TaxonomyRef,
    Trace,
    text_sha256,
)
from cogtrace.schemas import problems
from cogtrace.taxonomy import Taxonomy, build_taxonomy

_HOSTILE = 'He said "so; what", <b>\x1b[31m\u202e\u2028\0. Let me reread: "a,b"\n=1+1.\tDone.'
TRACES = [
    Trace(
        trace_id="t1",
        text="Back to square one. The rain stopped. Let me reread the first line.",
        model="m1",
        task="weather",
        problem_type="riddle",
        correct=True,
        meta={"question_id": 17},
    ),
    Trace(trace_id="t2", text=_HOSTILE, model="m1", problem_type="sum", meta={"question_id": 17}),
    Trace(trace_id="t3", text="Nothing of note here.", problem_type="unheard-of", correct=False),
]


@pytest.fixture(scope="module")
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    return build_taxonomy(tiny_taxonomy, "tiny")


@pytest.fixture(scope="module")
def pairs(taxonomy: Taxonomy) -> list[tuple[Trace, Annotation]]:
    return list(zip(TRACES, CueAnnotator(taxonomy).annotate(TRACES), strict=True))


@pytest.fixture(scope="module")
def reader(taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> JobReader:
    """Return a job of the traces, in parts of two."""
    folder = JobFolder(tmp_path_factory.mktemp("job") / "out")
    rows = (SourceRow(file="f", line=n, value=trace) for n, trace in enumerate(TRACES, start=1))
    run_job(JobPlan(folder=folder, spec=AnnotatorSpec.cue(taxonomy), part_traces=2), rows)
    return JobReader(folder)


def _export(reader: JobReader, form: str) -> str:
    return "".join(write_export(reader, form))


def test_json_lines_are_the_annotations_and_fit_their_schema(
    reader: JobReader, pairs: list[tuple[Trace, Annotation]]
) -> None:
    text = _export(reader, "jsonl")

    assert text.endswith("\n")
    lines = [json.loads(line) for line in text.removesuffix("\n").split("\n")]
    assert [line["trace_id"] for line in lines] == ["t1", "t2", "t3"]
    for line, (trace, annotation) in zip(lines, pairs, strict=True):
        assert problems("annotation", line) == []
        assert [e["element"] for e in line["elements"]] == [
            "re-reading",
            "turning-back",
            "guessing",
        ]
        assert [e["score"] for e in line["elements"]] == [e.score for e in annotation.elements]
        for entry in line["elements"]:
            for span in entry["spans"]:
                assert trace.text[span["start"] : span["end"]] == span["quote"]
    assert {e["score"] > 0 for line in lines for e in line["elements"]} == {True, False}


def test_a_table_has_one_row_per_span_and_one_per_element_without(reader: JobReader) -> None:
    rows = list(csv.DictReader(io.StringIO(_export(reader, "csv"), newline="")))

    assert [(row["trace_id"], row["element"], row["score"]) for row in rows[:3]] == [
        ("t1", "re-reading", "1"),
        ("t1", "turning-back", "1"),
        ("t1", "guessing", "0"),
    ]
    assert [row["trace_id"] for row in rows] == 3 * ["t1"] + 3 * ["t2"] + 3 * ["t3"]
    for row in rows:
        text = next(trace.text for trace in TRACES if trace.trace_id == row["trace_id"])
        if row["score"] == "0":
            assert (row["start"], row["end"], row["quote"], row["confidence"]) == ("", "", "", "")
        else:
            assert text[int(row["start"]) : int(row["end"])] == row["quote"]
            assert 0 < float(row["confidence"]) <= 1
            assert (row["anchor"], row["source"]) == ("sentence", "cue")


def _annotation(trace_id: str, quotes: list[str]) -> tuple[Trace, Annotation]:
    """Return a trace made of quotes, and an annotation that marks each of them."""
    text = "".join(quotes)
    spans, start = [], 0
    for number, quote in enumerate(quotes, start=1):
        spans.append(
            Span(
                start=start,
                end=start + len(quote),
                quote=quote,
                first_sentence=number,
                last_sentence=number,
                anchor="exact",
                source="hand",
            )
        )
        start += len(quote)
    annotation = Annotation(
        trace_id=trace_id,
        text_sha256=text_sha256(text),
        sentences=len(quotes),
        taxonomy=TaxonomyRef(id="tiny", version="1.0.0", sha256="0" * 64),
        annotator=AnnotatorRef(name="hand", version="1", fingerprint="0" * 16),
        elements=(ElementAnnotation(element="guessing", score=2, spans=tuple(spans)),),
    )
    return Trace(trace_id=trace_id, text=text), annotation


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=150, deadline=None)
@given(_TEXT, st.lists(_TEXT, min_size=1, max_size=4))
@example("t", ["one\rtwo", "three\r\nfour", "five\nsix"])
@example("a,b", ['"', "'", "\0", "\u2028", "\x1b[0m", ";", "\t"])
def test_a_table_reads_back_as_it_was_written_whatever_the_text(
    taxonomy: Taxonomy, trace_id: str, quotes: list[str]
) -> None:
    trace, annotation = _annotation(trace_id, quotes)

    text = "".join(WRITERS["csv"]([(trace, annotation)], taxonomy))

    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert [row["quote"] for row in rows] == quotes
    assert {row["trace_id"] for row in rows} == {trace_id}
    for row in rows:
        assert trace.text[int(row["start"]) : int(row["end"])] == row["quote"]


@settings(max_examples=100, deadline=None)
@given(_TEXT, st.lists(_TEXT, min_size=1, max_size=4))
def test_json_lines_hold_any_text_in_one_line(
    taxonomy: Taxonomy, trace_id: str, quotes: list[str]
) -> None:
    pair = _annotation(trace_id, quotes)

    (line,) = WRITERS["jsonl"]([pair], taxonomy)

    assert line.count("\n") == 1
    found = json.loads(line)
    assert found["trace_id"] == trace_id
    assert [span["quote"] for span in found["elements"][0]["spans"]] == quotes


def test_the_reference_layout_has_the_labels_of_the_reference_and_plain_spans(
    reader: JobReader, pairs: list[tuple[Trace, Annotation]]
) -> None:
    found = json.loads(_export(reader, "reference"))

    back, again = (
        next(e for e in pairs[0][1].elements if e.element == name).spans
        for name in ("turning-back", "re-reading")
    )
    assert [span.quote for span in back + again] == [
        "Back to square one.",
        "Let me reread the first line.",
    ]
    assert found["17_m1"] == {
        "sample_id": "t1",
        "question_id": "17",
        "task": "weather",
        "model_name": "m1",
        "problem_type": "Riddle/Puzzle",
        "correctness": True,
        "element_annotation": {
            "Reading Again": {"score": 1, "spans": [[again[0].start, again[0].end]]},
            "u-turn": {"score": 1, "spans": [[0, 19]]},
            "guessing": {"score": 0, "spans": []},
        },
    }


def test_the_reference_layout_keeps_two_traces_of_one_question_and_model(
    reader: JobReader,
) -> None:
    found = json.loads(_export(reader, "reference"))

    assert sorted(record["sample_id"] for record in found.values()) == ["t1", "t2", "t3"]
    assert [key for key, record in found.items() if record["sample_id"] == "t2"] == ["17_m1_t2"]


def test_the_reference_layout_copes_with_what_is_not_known(reader: JobReader) -> None:
    found = json.loads(_export(reader, "reference"))

    by_id = {record["sample_id"]: record for record in found.values()}
    assert by_id["t2"]["problem_type"] == "Plain sum"
    assert by_id["t2"]["correctness"] is None
    assert by_id["t3"]["problem_type"] == "unheard-of"
    assert (by_id["t3"]["question_id"], by_id["t3"]["model_name"]) == ("t3", None)
    assert by_id["t3"]["correctness"] is False


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(_TEXT, st.sampled_from(["q", "q_m", None]), st.sampled_from(["m", "m_q", None])),
        unique_by=lambda item: item[0],
        max_size=6,
    )
)
def test_the_reference_layout_loses_no_trace(
    taxonomy: Taxonomy, names: list[tuple[str, str | None, str | None]]
) -> None:
    made = []
    for trace_id, question, model in names:
        _, annotation = _annotation(trace_id, ["x"])
        meta = {"question_id": question} if question else {}
        made.append((Trace(trace_id=trace_id, text="x", model=model, meta=meta), annotation))

    found = json.loads("".join(WRITERS["reference"](made, taxonomy)))

    assert sorted(r["sample_id"] for r in found.values()) == sorted(name for name, _, _ in names)


@pytest.mark.parametrize(
    ("form", "expected"), [("jsonl", ""), ("reference", {}), ("csv", "trace_id,element,score,")]
)
def test_a_job_without_traces_exports_an_empty_form(
    taxonomy: Taxonomy, form: str, expected: object
) -> None:
    text = "".join(WRITERS[form]([], taxonomy))

    if form == "reference":
        assert json.loads(text) == expected
    else:
        assert text.startswith(str(expected))
        assert text.count("\n") == (form == "csv")


def test_an_unknown_form_is_refused_with_those_there_are(reader: JobReader) -> None:
    with pytest.raises(OptionError, match=r"--to xlsx: unknown; there is jsonl, csv, reference"):
        write_export(reader, "xlsx")


def test_a_table_begins_with_the_names_of_its_columns(reader: JobReader) -> None:
    header = _export(reader, "csv").splitlines()[0]

    assert header == (
        "trace_id,element,score,start,end,quote,first_sentence,last_sentence,anchor,source,"
        "confidence"
    )
