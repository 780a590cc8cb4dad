"""The reference layout becomes a job: texts are joined, and every span is checked."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labelled_rows import REFERENCE_TEXT, reference_record

from cogtrace.annotator.job import JobFolder, JobPlan, JobReader, run_job, verify_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.corpora.importing import ImportPlan, run_import
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.corpora.sample import sample_path
from cogtrace.corpora.writers import write_export
from cogtrace.errors import InputError, JobError, OptionError
from cogtrace.plugins import extensions
from cogtrace.records import Annotation
from cogtrace.taxonomy import Taxonomy, build_taxonomy, load_taxonomy

TRACE = {"trace_id": "t1", "text": REFERENCE_TEXT, "model": "m1", "question_id": "q1"}


def _import(
    path: Path, texts: list[Path], out: Path, taxonomy: Taxonomy | None = None
) -> JobReader:
    folder = JobFolder(out)
    run_import(
        ImportPlan(
            kind=extensions().reader("reference", "annotations"),
            paths=(str(path),),
            folder=folder,
            taxonomy=taxonomy or load_taxonomy(),
            texts=tuple(map(str, texts)),
        )
    )
    report = verify_job(folder)
    assert (report.problems, report.status) == ([], "finished")
    return JobReader(folder)


@pytest.fixture
def make(tmp_path: Path, write_jsonl: Callable[..., Path]) -> Callable[..., JobReader]:
    """Return a function that imports records, joined with traces."""

    def run(records: dict[str, Any] | str, traces: list[dict[str, Any]] | None = None) -> JobReader:
        path = tmp_path / "m1.json"
        text = records if isinstance(records, str) else json.dumps(records)
        path.write_text(text, encoding="utf-8")
        texts = write_jsonl([TRACE] if traces is None else traces)
        return _import(path, [texts], tmp_path / "out")

    return run


def _entries(annotation: Annotation) -> dict[str, tuple[int, list[str]]]:
    return {e.element: (e.score, [span.quote for span in e.spans]) for e in annotation.elements}


def test_scores_and_spans_are_taken_over_and_aliases_are_known(
    make: Callable[..., JobReader],
) -> None:
    record = reference_record()
    record["element_annotation"]["conceptual-level-processing"] = {"score": 1, "spans": [[0, 11]]}

    ((trace, annotation),) = make({"k": record}).pairs()

    processing = load_taxonomy().element("conceptual-level-processing").id
    evaluation = load_taxonomy().element("self-evaluation").id
    assert _entries(annotation) == {
        processing: (1, ["It is nine."]),
        evaluation: (0, []),
        "verification": (2, ["It is nine", " Let me check it"]),
    }
    assert (trace.correct, trace.problem_type, trace.task) == (True, "algorithmic", "sums")
    assert trace.meta == {"question_id": "q1"}


def test_what_a_trace_says_of_itself_goes_before_the_record(
    make: Callable[..., JobReader],
) -> None:
    trace = TRACE | {"correct": False, "problem_type": "design", "task": "mine"}

    ((found, _),) = make({"k": reference_record()}, [trace]).pairs()

    assert (found.correct, found.problem_type, found.task) == (False, "design", "mine")


@pytest.mark.parametrize(
    ("votes", "expected"),
    [(["10", "10", "3"], "logical"), (None, None), ("Unheard Of", "Unheard Of"), ([99], None)],
)
def test_problem_types_are_read_as_the_reference_reads_them(
    make: Callable[..., JobReader], votes: object, expected: str | None
) -> None:
    ((trace, _),) = make({"k": reference_record(problem_type=votes)}).pairs()

    assert trace.problem_type == expected


@pytest.mark.parametrize(
    ("record", "trace"),
    [
        ({}, {}),
        ({"sample_id": "other", "question_id": 7}, {"question_id": 7}),
        ({"sample_id": None}, {"trace_id": "elsewhere"}),
        ({"sample_id": "x", "question_id": "t1"}, {"question_id": None}),
        ({"sample_id": "x", "question_id": "y", "model_name": "z"}, {"trace_id": "k"}),
    ],
)
def test_the_text_is_found_by_id_or_key_or_by_question_and_model(
    make: Callable[..., JobReader], record: dict[str, Any], trace: dict[str, Any]
) -> None:
    job = make({"k": reference_record(**record)}, [TRACE | trace])

    assert job.manifest.counts.traces == 1


@pytest.mark.parametrize(
    ("traces", "reason"),
    [
        ([TRACE | {"trace_id": "t2", "question_id": "q2"}], "no-text"),
        ([TRACE | {"trace_id": "t2", "model": "m2"}], "no-text"),
        ([TRACE, TRACE | {"text": "It is ten. Let me check that. Yes."}], "ambiguous-text"),
        (
            [TRACE | {"trace_id": f"s{n}", "text": REFERENCE_TEXT + str(n)} for n in range(2)],
            "ambiguous-text",
        ),
    ],
)
def test_a_record_without_a_text_of_its_own_is_quarantined(
    make: Callable[..., JobReader], traces: list[dict[str, Any]], reason: str
) -> None:
    good = TRACE | {"trace_id": "good", "text": REFERENCE_TEXT}
    records = {"bad": reference_record(), "x": reference_record(sample_id="good", question_id="?")}

    job = make(records, [*traces, good | {"question_id": "unlike", "model": "other"}])

    assert [trace.trace_id for trace, _ in job.pairs()] == ["good"]
    ((row),) = job.quarantined()
    assert (row.line, row.reason) == (1, reason)
    assert row.file.endswith("m1.json")
    assert row.raw is not None


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"score": 2, "spans": [[27, 11]]}, "bad-span"),
        ({"score": 2, "spans": [[0, 5], [30, 900]]}, "bad-span"),
        ({"score": 2, "spans": [[-3, 5]]}, "bad-span"),
        ({"score": 2, "spans": [["-3", "5"]]}, "bad-span"),
        ({"score": 2, "spans": [["²", "5"]]}, "bad-span"),
        ({"score": 2, "spans": [[0, 5, 1]]}, "bad-span"),
        ({"score": 2, "spans": [{"start": 0}]}, "bad-span"),
        ({"score": 2, "spans": [[0, 10**400]]}, "bad-span"),
        ({"score": 2, "spans": [[0.0, 5.0]]}, "bad-span"),
        ({"score": 2, "spans": "0-5"}, "bad-span"),
        ({"score": 2, "spans": []}, "score-without-span"),
        ({"score": 1}, "score-without-span"),
        ({"score": 2, "spans": [[4, 4]]}, "score-without-span"),
        ({"score": 0, "spans": [[0, 5]]}, "span-without-score"),
        ({"spans": [[0, 5]]}, "bad-score"),
        ({"score": 3, "spans": [[0, 5]]}, "bad-score"),
        ({"score": True, "spans": [[0, 5]]}, "bad-score"),
        ({"score": "2", "spans": [[0, 5]]}, "bad-score"),
        ({"score": None, "spans": []}, "bad-score"),
        ([], "bad-score"),
    ],
)
def test_a_bad_element_is_quarantined_and_the_rest_of_the_record_is_kept(
    make: Callable[..., JobReader], entry: Any, reason: str
) -> None:
    record = reference_record()
    record["element_annotation"]["verification"] = entry

    job = make({"k": record})

    ((_, annotation),) = job.pairs()
    assert [e.element for e in annotation.elements] == [
        load_taxonomy().element("self-evaluation").id
    ]
    (row,) = job.quarantined()
    assert (row.reason, row.elements, row.trace_id) == (reason, ("verification",), "t1")


def test_a_span_of_no_length_is_left_out_and_counted(make: Callable[..., JobReader]) -> None:
    record = reference_record()
    record["element_annotation"]["verification"]["spans"] += [[5, 5], [900, 900]]

    job = make({"k": record})

    assert job.manifest.tally == {"left-out-empty-span": 2}
    assert (job.manifest.counts.spans, job.manifest.counts.unanswered) == (2, 0)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("null", "bad-record"),
        ("[1]", "bad-record"),
        ('{"question_id": "q1"}', "bad-record"),
        ('{"element_annotation": []}', "bad-record"),
        (f'{{"element_annotation": {"[" * 50_000}{"]" * 50_000}}}', "bad-record"),
        (
            json.dumps(reference_record(element_annotation={"no-such-element": {"score": 0}})),
            "unknown-element",
        ),
        (json.dumps(reference_record(sample_id="half \ud83d", question_id="?")), "no-text"),
    ],
)
def test_a_bad_record_is_quarantined_and_never_its_file(
    make: Callable[..., JobReader], bad: str, reason: str
) -> None:
    job = make(f'{{"bad": {bad}, "good": {json.dumps(reference_record())}}}')

    assert [trace.trace_id for trace, _ in job.pairs()] == ["t1"]
    assert [(row.line, row.reason) for row in job.quarantined()] == [(1, reason)]


@pytest.mark.parametrize(
    "tail",
    ['"bad": {"element_annotation": {', '"bad": "a string without an end', '"bad": nonsense}'],
)
def test_a_file_that_was_cut_short_keeps_its_whole_records(
    make: Callable[..., JobReader], tail: str
) -> None:
    hard = reference_record(task='a "quote", {a} [b]: \\')

    job = make(f'\ufeff{{"go\\"od": {json.dumps(hard)},\n {tail}')

    assert [trace.task for trace, _ in job.pairs()] == ['a "quote", {a} [b]: \\']
    ((row),) = job.quarantined()
    assert row.line == 2
    assert row.reason in ("bad-json", "bad-record")


def test_an_element_that_one_record_lacks_is_not_called_absent(
    make: Callable[..., JobReader],
) -> None:
    short = reference_record(sample_id="t2")
    del short["element_annotation"]["self-evaluation"]

    job = make({"a": reference_record(), "b": short}, [TRACE, TRACE | {"trace_id": "t2"}])

    _, (_, second) = job.pairs()
    assert [(lost.elements, lost.reason) for lost in second.unanswered] == [
        ((load_taxonomy().element("self-evaluation").id,), "not-in-record")
    ]


def test_a_second_record_of_a_trace_counts_once_or_is_a_contradiction(
    make: Callable[..., JobReader],
) -> None:
    other = reference_record()
    other["element_annotation"]["verification"] = {"score": 0, "spans": []}

    job = make({"a": reference_record(), "b": reference_record(), "c": other})

    assert job.manifest.counts.duplicates == 1
    assert [(row.line, row.reason) for row in job.quarantined()] == [(3, "duplicate-id")]


def test_without_texts_nothing_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "m1.json"
    path.write_text(json.dumps({"k": reference_record()}))

    with pytest.raises(OptionError, match="give the annotated traces with --traces"):
        _import(path, [], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["{", "[]", "", '{"k": 1}'])
def test_files_without_a_usable_record_are_an_error_that_names_the_first(
    make: Callable[..., JobReader], content: str
) -> None:
    with pytest.raises(InputError, match=r"no label in any .* refused is .*m1\.json:1: "):
        make(content)


def test_labels_that_are_no_elements_at_all_are_an_error(make: Callable[..., JobReader]) -> None:
    entries = {"no-such-element": {"score": 0, "spans": []}}

    with pytest.raises(InputError, match="none of the labels is an element of the taxonomy"):
        make({"k": reference_record(element_annotation=entries)})


def test_a_damaged_file_is_quarantined_and_the_others_of_the_folder_are_imported(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "a.json").write_text('{"k": {"question')
    (folder / "b.json").write_text(json.dumps({"k": reference_record()}))
    (folder / "c.json.gz").write_bytes(gzip.compress(b'{"k": 1}')[:-9])
    (folder / "notes.txt").write_text("no annotations")

    job = _import(folder, [write_jsonl([TRACE])], tmp_path / "out")

    assert job.manifest.counts.traces == 1
    assert [(Path(row.file).name, row.reason) for row in job.quarantined()] == [
        ("a.json", "bad-json"),
        ("c.json.gz", "damaged-archive"),
    ]


def test_a_folder_without_such_files_is_an_error(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(InputError, match=r"empty: no file of \.json in it"):
        _import(tmp_path / "empty", [write_jsonl([TRACE])], tmp_path / "out")
    records = tmp_path / "m1.json"
    records.write_text(json.dumps({"k": reference_record()}))
    with pytest.raises(JobError, match="no job here"):
        _import(records, [tmp_path / "empty"], tmp_path / "out")


@pytest.mark.parametrize("texts", ["file", "job"])
def test_an_export_comes_back_with_the_same_scores_and_spans(tmp_path: Path, texts: str) -> None:
    folder = JobFolder(tmp_path / "first")
    rows = read_traces(open_inputs([str(sample_path())]), {})
    run_job(JobPlan(folder=folder, spec=AnnotatorSpec.cue(load_taxonomy())), rows)
    first = JobReader(folder)
    path = tmp_path / "all.json"
    path.write_text("".join(write_export(first, "reference")), encoding="utf-8")

    given = sample_path() if texts == "file" else folder.path
    second = _import(path, [Path(str(given))], tmp_path / "second")

    pairs = list(zip(first.pairs(), second.pairs(), strict=True))
    assert len(pairs) >= 40
    assert first.manifest.counts.spans == second.manifest.counts.spans > 100
    for (trace, before), (again, after) in pairs:
        assert again.trace_id == trace.trace_id
        assert (again.text, again.correct, again.model) == (trace.text, trace.correct, trace.model)
        assert _placed(after) == _placed(before)
    assert second.taxonomy().ref == first.taxonomy().ref
    assert "".join(write_export(second, "reference")) == path.read_text(encoding="utf-8")


def _placed(annotation: Annotation) -> list[tuple[Any, ...]]:
    return [
        (e.element, e.score, [(s.start, s.end, s.quote, s.first_sentence) for s in e.spans])
        for e in annotation.elements
    ]


def test_a_taxonomy_of_ones_own_names_the_elements(
    tmp_path: Path, write_jsonl: Callable[..., Path], tiny_taxonomy: dict[str, Any]
) -> None:
    entries = {"u-turn": {"score": 2, "spans": [[0, 11]]}, "guessing": {"score": 0, "spans": []}}
    path = tmp_path / "m1.json"
    path.write_text(json.dumps({"k": reference_record(element_annotation=entries)}))

    job = _import(
        path, [write_jsonl([TRACE])], tmp_path / "out", build_taxonomy(tiny_taxonomy, "tiny")
    )

    assert job.manifest.elements == ("turning-back", "guessing")
