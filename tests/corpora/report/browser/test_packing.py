"""What is packed into a page is what the traces and annotations say, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browser_jobs import ELEMENTS, Bounds, annotated
from browser_pages import unpacked
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.corpora.report.browser.packing import Packing, encode
from cogtrace.records import Annotation, Trace, Unanswered

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    ["😀 漢字 e\u0301", "</script><!--", "\u202eabc\x1b[31m", "\x00\t\r\n"]
)
maybe = st.none() | texts


@st.composite
def bounds(draw: st.DrawFn, length: int) -> Bounds:
    start = draw(st.integers(0, length - 1))
    return start, draw(st.integers(start + 1, length))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Trace, Annotation]:
    trace = Trace(
        trace_id=draw(texts),
        text=draw(texts.filter(bool)),
        question=draw(maybe),
        model=draw(maybe),
        task=draw(maybe),
        problem_type=draw(maybe),
        correct=draw(st.none() | st.booleans()),
        answer=draw(maybe),
        reference_answer=draw(maybe),
        meta=draw(st.dictionaries(texts, texts, max_size=2)),
    )
    names = draw(st.lists(st.sampled_from(ELEMENTS), unique=True))
    return annotated(
        trace,
        {name: draw(st.lists(bounds(len(trace.text)), max_size=4)) for name in names},
        {name: draw(st.integers(0, 2)) for name in names},
        {name: draw(texts.filter(bool)) for name in names if draw(st.booleans())},
    )


@given(st.lists(st.tuples(st.integers(0, 2), pairs()), max_size=4))
def test_everything_that_was_packed_is_there_again(
    rows: list[tuple[int, tuple[Trace, Annotation]]],
) -> None:
    packing = Packing(ELEMENTS)
    for folder, (trace, annotation) in rows:
        packing.add(folder, trace, annotation)

    found = _rows(unpacked(encode(packing.content())))

    assert found == [_row(folder, *pair) for folder, pair in rows]


@given(pairs())
def test_the_same_traces_give_the_same_bytes(pair: tuple[Trace, Annotation]) -> None:
    contents = []
    for _ in range(2):
        packing = Packing(ELEMENTS)
        packing.add(0, *pair)
        contents.append(encode(packing.content()))

    assert contents[0] == contents[1]


def test_an_element_without_an_answer_differs_from_one_that_is_absent_or_not_asked_about() -> None:
    trace, annotation = annotated(Trace(trace_id="t", text="abc"), {}, {"guessing": 0})
    lost = Unanswered(elements=("turning-back", "unheard-of"), reason="r", message="m")
    kept = tuple(entry for entry in annotation.elements if entry.element == "guessing")
    packing = Packing(ELEMENTS)
    packing.add(0, trace, _changed(annotation, elements=kept, unanswered=(lost,)))

    assert packing.content()["traces"]["scores"] == [".?0"]


def test_half_a_surrogate_pair_which_no_reader_lets_in_is_refused() -> None:
    packing = Packing(ELEMENTS)
    packing.add(0, *annotated(Trace(trace_id="t", text="a\ud800"), {}))

    with pytest.raises(UnicodeEncodeError):
        encode(packing.content())


def _changed(annotation: Annotation, **changes: Any) -> Annotation:
    fields = {name: getattr(annotation, name) for name in annotation.__struct_fields__}
    return Annotation(**(fields | changes))


def _row(folder: int, trace: Trace, annotation: Annotation) -> dict[str, Any]:
    """Return what a page must know of a trace."""
    named = ("question", "model", "task", "problem_type", "correct", "answer", "reference_answer")
    return {
        "id": trace.trace_id,
        "folder": folder,
        "text": trace.text,
        "length": len(trace.text),
        "meta": trace.meta,
        "scores": {entry.element: entry.score for entry in annotation.elements},
        "spans": sorted(
            (span.start, span.end, ELEMENTS.index(entry.element), 0.75, "reader")
            for entry in annotation.elements
            for span in entry.spans
        ),
        "explanations": {e.element: e.explanation for e in annotation.elements if e.explanation},
    } | {name: getattr(trace, name) for name in named}


def _rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the same from the columns of a page."""
    traces, spans, explanations = data["traces"], data["spans"], data["explanations"]
    rows = []
    span = explanation = 0
    for number in range(len(traces["id"])):
        row = {name: traces[name][number] for name in ("id", "folder", "length", "correct")}
        row |= {name: traces[name][number] for name in ("answer", "reference_answer")}
        for name, table in (("text", "texts"), ("question", "questions")):
            row[name] = _named(data[table], traces[name][number])
        for name in ("model", "task", "problem_type"):
            row[name] = _named(data[name], traces[name][number])
        row["meta"] = json.loads(traces["meta"][number] or "{}")
        signs = zip(ELEMENTS, traces["scores"][number], strict=True)
        row["scores"] = {element: int(sign) for element, sign in signs if sign != "."}
        row["spans"] = []
        start = 0
        for at in range(span, span + traces["spans"][number]):
            start += spans["start"][at]
            end = start + spans["length"][at]
            source = data["sources"][spans["source"][at]]
            confidence = spans["confidence"][at] / 1000
            row["spans"].append((start, end, spans["element"][at], confidence, source))
        span += traces["spans"][number]
        given = range(explanation, explanation + traces["explanations"][number])
        row["explanations"] = {
            ELEMENTS[explanations["element"][at]]: explanations["text"][at] for at in given
        }
        explanation += traces["explanations"][number]
        rows.append(row)
    return rows


def _named(values: list[str], number: int) -> str | None:
    return None if number < 0 else values[number]
