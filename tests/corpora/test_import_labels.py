"""Texts that people labelled become jobs whose spans are what was labelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labelled_rows import reasoningflow_row, schoenfeld_row

from cogtrace.annotator.job import JobFolder, JobReader, verify_job
from cogtrace.corpora.importing import ImportPlan, run_import
from cogtrace.errors import InputError, JobError, OptionError
from cogtrace.plugins import extensions
from cogtrace.records import Annotation, Trace
from cogtrace.taxonomy import load_taxonomy

Write = Callable[..., Path]


def _import(form: str, path: Path, out: Path, **more: Any) -> JobReader:
    folder = JobFolder(out)
    kind = extensions().reader(form, "annotations")
    run_import(
        ImportPlan(kind=kind, paths=(str(path),), folder=folder, taxonomy=load_taxonomy(), **more)
    )
    report = verify_job(folder)
    assert (report.problems, report.status) == ([], "finished")
    return JobReader(folder)


def _quotes(annotation: Annotation) -> dict[str, list[str]]:
    return {e.element: [span.quote for span in e.spans] for e in annotation.elements}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_sentence_labels_and_paragraph_labels_become_elements_of_their_own_taxonomy(
    write_jsonl: Write, out: Path
) -> None:
    job = _import("schoenfeld", write_jsonl([schoenfeld_row()]), out)

    ((trace, annotation),) = job.pairs()
    assert (trace.trace_id, trace.correct, trace.reference_answer) == ("schoenfeld-7", True, "9")
    assert trace.text == schoenfeld_row()["response"]
    assert "sentences" not in trace.meta
    assert _quotes(annotation) == {
        "implement": ["The area is 3 times 3.", "So it is 9."],
        "paragraph-general": [
            "We need the area of a square of side 3.\nThe area is 3 times 3.\nHmm.",
            "So it is 9.",
        ],
        "paragraph-verify": ["Check: 9 is 3 squared 🙂."],
        "read": ["We need the area of a square of side 3."],
        "verify": ["Check: 9 is 3 squared 🙂."],
    }
    assert {e.score for e in annotation.elements} == {2}
    assert job.taxonomy().id == "schoenfeld-labels"
    assert job.taxonomy().element("paragraph Verify").id == "paragraph-verify"
    assert job.manifest.tally == {"left-out-boundary": 1, "left-out-fragment": 1}


def test_a_label_of_one_text_is_absent_from_another_that_lacks_it(
    write_jsonl: Write, out: Path
) -> None:
    bare = schoenfeld_row(8)
    bare["sentences"] = bare["sentences"][:1]

    job = _import("schoenfeld", write_jsonl([schoenfeld_row(), bare]), out)

    _, (_, second) = job.pairs()
    assert {e.element: e.score for e in second.elements} == {
        "implement": 0,
        "paragraph-general": 2,
        "paragraph-verify": 0,
        "read": 2,
        "verify": 0,
    }


def test_labels_of_nodes_and_of_edges_into_them_mark_the_text_of_the_node(
    write_jsonl: Write, out: Path
) -> None:
    job = _import("reasoningflow", write_jsonl([reasoningflow_row()]), out)

    ((trace, annotation),) = job.pairs()
    assert (trace.trace_id, trace.model) == ("sum_0", "some-model")
    assert _quotes(annotation) == {
        "plan-verify": ["Let me verify that."],  # once, though two edges lead there
        "planning": ["I will add 2 and 3.", "Let me verify that."],
        "reason-execute": ["The sum is 5.", "5 minus 3 is 2, fine."],
        "reasoning": ["The sum is 5.", "5 minus 3 is 2, fine."],
    }
    verify = annotation.of("plan-verify")
    assert verify is not None
    assert (verify.spans[0].first_sentence, verify.spans[0].last_sentence) == (3, 3)
    assert job.manifest.tally == {"left-out-context": 2}


def test_pieces_without_offsets_are_found_in_their_order(write_jsonl: Write, out: Path) -> None:
    row = schoenfeld_row()
    row["response"] = "Hmm. So it is 9. " + row["response"]
    row["sentences"] = [
        {"text": "So it is 9.", "sentence_label": "Implement"},
        {"text": "The area is 3 times 3.", "sentence_label": "Implement"},
        {"text": "So it is 9.", "sentence_label": "Verify"},
    ]

    ((_, annotation),) = _import("schoenfeld", write_jsonl([row]), out).pairs()

    places = {e.element: [span.start for span in e.spans] for e in annotation.elements}
    first = row["response"].index("So it is 9.")
    assert places == {
        "implement": [first, row["response"].index("The area")],
        "verify": [row["response"].rindex("So it is 9.")],
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start": 1, "end": 5}, "not-its-quote"),
        ({"start": 40, "end": 5000}, "bad-span"),
        ({"start": 9, "end": 9}, "bad-span"),
        ({"start": -4, "end": -1}, "bad-span"),
        ({"start": "0", "end": "39"}, "bad-span"),
        ({"start": None}, "bad-span"),
        ({"start": True, "end": 39}, "bad-span"),
        ({"start": 10**30, "end": 10**31}, "bad-span"),
        ({"start": None, "end": None, "text": "never said"}, "quote-not-found"),
        ({"text": 5}, "bad-span"),
    ],
)
def test_a_bad_span_costs_its_label_in_that_text_and_nothing_else(
    write_jsonl: Write, out: Path, change: dict[str, Any], reason: str
) -> None:
    row = schoenfeld_row()
    row["sentences"][0] |= change
    for sentence in row["sentences"]:
        del sentence["paragraph_label"]

    job = _import("schoenfeld", write_jsonl([row, schoenfeld_row(8)]), out)

    ((_, first), (_, second)) = job.pairs()
    assert [e.element for e in first.elements if e.element == "read"] == []
    assert [(lost.elements, lost.reason) for lost in first.unanswered] == [(("read",), reason)]
    assert first.of("verify") is not None
    assert second.unanswered == ()
    (kept,) = job.quarantined()
    assert (kept.line, kept.trace_id, kept.elements) == (1, "schoenfeld-7", ("read",))


@pytest.mark.parametrize(
    ("form", "change", "reason"),
    [
        ("schoenfeld", {"sentences": None}, "bad-record"),
        ("schoenfeld", {"sentences": ["x"]}, "bad-record"),
        ("schoenfeld", {"sentences": [{"sentence_label": 3}]}, "bad-label"),
        ("schoenfeld", {"sentences": [{"sentence_label": "x" * 65}]}, "bad-label"),
        ("schoenfeld", {"sentences": [{"sentence_label": "a\x1b[2Jb"}]}, "bad-label"),
        ("schoenfeld", {"response": None}, "no-text"),
        ("schoenfeld", {"response": "  "}, "empty-text"),
        ("reasoningflow", {"edges": {}}, "bad-record"),
        ("reasoningflow", {"nodes": 2 * [{"id": "a", "label": "b"}]}, "bad-record"),
    ],
)
def test_a_bad_row_is_quarantined_and_the_others_are_imported(
    write_jsonl: Write, out: Path, form: str, change: dict[str, Any], reason: str
) -> None:
    good = schoenfeld_row() if form == "schoenfeld" else reasoningflow_row()
    rows = [good, good | {"trace_id": "bad", "id": 0} | change, "{not json"]

    job = _import(form, write_jsonl(rows), out)

    assert job.manifest.counts.traces == 1
    assert [(row.line, row.reason) for row in job.quarantined()] == [(2, reason), (3, "bad-json")]


def test_an_edge_that_leads_nowhere_costs_its_label_only(write_jsonl: Write, out: Path) -> None:
    row = reasoningflow_row()
    row["edges"].append({"source": "resp0", "dest": "resp99", "label": "plan:verify"})

    ((_, annotation),) = _import("reasoningflow", write_jsonl([row]), out).pairs()

    assert [lost.elements for lost in annotation.unanswered] == [("plan-verify",)]
    assert annotation.unanswered[0].reason == "unknown-node"


def test_the_same_text_again_is_a_duplicate_or_a_contradiction(
    write_jsonl: Write, out: Path
) -> None:
    other = schoenfeld_row()
    other["sentences"][1]["sentence_label"] = "Explore"

    job = _import("schoenfeld", write_jsonl([schoenfeld_row(), schoenfeld_row(), other]), out)

    assert (job.manifest.counts.traces, job.manifest.counts.duplicates) == (1, 1)
    assert [(row.line, row.reason) for row in job.quarantined()] == [(3, "duplicate-id")]


@pytest.mark.parametrize(
    "labels",
    [
        ["Verify", "verify", "VERIFY!"],
        ["检查", "再读", "2nd look"],
        ["a b", "a-b", "a_b"],
        ["x ... ", "...", "{0}", "<b>"],
    ],
)
def test_whatever_labels_are_called_each_gets_an_element_of_its_own(
    write_jsonl: Write, out: Path, labels: list[str]
) -> None:
    text = "One two three four five."
    words = text.split()
    sentences = [
        {"text": word, "sentence_label": label} for word, label in zip(words, labels, strict=False)
    ]
    rows = [{"id": 1, "response": text, "sentences": sentences}]

    job = _import("schoenfeld", write_jsonl(rows), out)

    ((_, annotation),) = job.pairs()
    names = {e.name: e.id for e in job.taxonomy().elements}
    assert set(names) == set(labels)
    for word, label in zip(words, labels, strict=False):
        entry = annotation.of(names[label])
        assert entry is not None
        assert [span.quote for span in entry.spans] == [word]


def test_an_import_that_cannot_begin_leaves_nothing_behind(write_jsonl: Write, out: Path) -> None:
    good = write_jsonl([schoenfeld_row()])
    bare = write_jsonl([{"id": 1, "response": "a", "sentences": []}], "bare.jsonl")
    for path, error, says in (
        (bare, InputError, "no label in any of the inputs"),
        (out.parent / "none.jsonl", InputError, "no such file"),
    ):
        with pytest.raises(error, match=says):
            _import("schoenfeld", path, out)
    with pytest.raises(OptionError, match="leave out --traces"):
        _import("schoenfeld", good, out, texts=(str(good),))

    assert not out.exists()


def test_a_job_that_is_there_is_not_written_over(write_jsonl: Write, out: Path) -> None:
    path = write_jsonl([schoenfeld_row()])
    _import("schoenfeld", path, out)
    before = (out / "ledger.jsonl").read_bytes()

    with pytest.raises(JobError, match="holds a job already"):
        _import("schoenfeld", path, out)
    _import("schoenfeld", path, out, resume=True)

    assert (out / "ledger.jsonl").read_bytes() == before


def test_changed_labels_are_another_annotator(write_jsonl: Write, tmp_path: Path) -> None:
    def fingerprint(label: str, out: str) -> str:
        row = schoenfeld_row()
        row["sentences"][0]["sentence_label"] = label
        path = write_jsonl([row])
        return _import("schoenfeld", path, tmp_path / out).manifest.annotator.fingerprint

    assert fingerprint("Read", "a") == fingerprint("Read", "b")
    assert fingerprint("Read", "c") != fingerprint("Verify", "d")


def test_an_array_in_a_json_file_is_read_as_lines_are(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "labelled.json"
    path.write_text(json.dumps([schoenfeld_row(), schoenfeld_row(8)]), encoding="utf-8")

    found: list[tuple[Trace, Annotation]] = list(_import("schoenfeld", path, out).pairs())

    assert [trace.trace_id for trace, _ in found] == ["schoenfeld-7", "schoenfeld-8"]
