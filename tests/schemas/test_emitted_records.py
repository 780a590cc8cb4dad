"""What the program writes fits the schemas it publishes, and so does the sample corpus."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cogtrace.annotator.job import InputRef, JobFolder, JobPlan, JobReader, run_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.corpora.readers import open_inputs, preview, read_traces
from cogtrace.corpora.sample import sample_path
from cogtrace.corpora.writers import write_export
from cogtrace.errors import JobStopped
from cogtrace.records import SourceRow, Trace
from cogtrace.schemas import problems
from cogtrace.taxonomy import Taxonomy, build_taxonomy, load_taxonomy

Write = Callable[..., Path]

# Rows of every kind: traces with much and with little known, a repetition, bad ones.
_ROWS: list[Any] = [
    {
        "trace_id": "full",
        "text": "Back to square one. Let me reread it.",
        "question": "?",
        "model": "m",
        "task": "t",
        "problem_type": "riddle",
        "correct": True,
        "answer": "1",
        "reference_answer": "2",
        "extra": {"nested": [1, None, 2.5]},
    },
    {"text": "Only a text."},
    {"trace_id": "full", "text": "Back to square one. Let me reread it."},
    {"trace_id": "full", "text": "An id used twice."},
    {"trace_id": "odd", "text": "Odd: \x1b\u202e\0 \u2028", "n": 10**30},
    "{broken",
    '{"text": NaN}',
    '{"text": "\\ud800", "id": "\\udc00"}',
    "[]",
    "[" * 3_000,
    '{"text": "' + "x" * 70_000,
    {"trace_id": "blank", "text": " "},
]


@pytest.fixture(scope="module", params=["bundled", "tiny"])
def taxonomy(request: pytest.FixtureRequest, tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    return load_taxonomy() if request.param == "bundled" else build_taxonomy(tiny_taxonomy, "tiny")


def _run(folder: Path, taxonomy: Taxonomy, source: Path) -> JobReader:
    inputs = open_inputs([str(source)])
    plan = JobPlan(
        folder=JobFolder(folder),
        spec=AnnotatorSpec.cue(taxonomy),
        inputs=tuple(InputRef(path=i.path, bytes=i.bytes, columns=preview(i, {})) for i in inputs),
        part_traces=3,
        options={"limit": None},
    )
    run_job(plan, read_traces(inputs, {}))
    return JobReader(folder)


@pytest.fixture
def job(tmp_path: Path, taxonomy: Taxonomy, write_jsonl: Write) -> JobReader:
    """Return a finished job of rows of every kind."""
    return _run(tmp_path / "out", taxonomy, write_jsonl(_ROWS))


def test_the_manifest_of_a_finished_job_fits_its_schema(job: JobReader) -> None:
    manifest = json.loads(job.folder.manifest.read_bytes())

    assert problems("manifest", manifest) == []
    assert manifest["status"] == "finished"
    counts = manifest["counts"]
    assert (counts["rows"], counts["traces"]) == (12, 3)
    assert (counts["duplicates"], counts["quarantined"]) == (1, 8)


def test_the_manifest_of_an_interrupted_job_from_a_stream_fits_its_schema(
    tmp_path: Path, taxonomy: Taxonomy
) -> None:
    folder = JobFolder(tmp_path / "out")

    def rows() -> Iterator[SourceRow]:
        yield SourceRow(file="-", line=1, value=Trace(trace_id="a", text="One."))
        raise OSError(5, "the stream broke")

    plan = JobPlan(
        folder=folder,
        spec=AnnotatorSpec.cue(taxonomy),
        inputs=(InputRef(path="-", bytes=None, columns={}),),
    )
    with pytest.raises(JobStopped):
        run_job(plan, rows())

    manifest = json.loads(folder.manifest.read_bytes())
    assert problems("manifest", manifest) == []
    assert manifest["status"] == "interrupted"


def test_every_quarantined_row_fits_its_schema(job: JobReader) -> None:
    rows = [json.loads(line) for line in job.folder.quarantine.read_bytes().splitlines()]

    assert [problems("quarantine", row) for row in rows] == [[]] * 8
    assert [row["line"] for row in rows] == [4, 6, 7, 8, 9, 10, 11, 12]
    assert {"duplicate-id", "bad-json", "not-an-object", "empty-text"} <= {
        row["reason"] for row in rows
    }
    assert [row["raw_truncated"] for row in rows if row["line"] == 11] == [True]


def test_every_exported_annotation_fits_its_schema(job: JobReader) -> None:
    lines = [json.loads(line) for line in "".join(write_export(job, "jsonl")).splitlines()]

    assert len(lines) == 3
    for line in lines:
        assert problems("annotation", line) == []


def test_every_trace_read_back_fits_its_schema(job: JobReader) -> None:
    import msgspec

    traces = [json.loads(msgspec.json.encode(trace)) for trace, _ in job.pairs()]

    assert [problems("trace", trace) for trace in traces] == [[]] * 3
    assert traces[0] == {key: v for key, v in _ROWS[0].items() if key != "extra"} | {
        "meta": {"extra": _ROWS[0]["extra"]}
    }


def test_the_taxonomy_kept_with_a_job_fits_its_schema_and_is_the_one_used(
    job: JobReader, taxonomy: Taxonomy
) -> None:
    assert problems("taxonomy", json.loads(job.folder.taxonomy.read_bytes())) == []
    assert job.taxonomy() == taxonomy
    assert job.taxonomy().sha256 == job.manifest.taxonomy.sha256


def test_a_taxonomy_with_nothing_optional_is_kept_so_that_it_can_be_read(
    tmp_path: Path, tiny_taxonomy: dict[str, Any], write_jsonl: Write
) -> None:
    optional = {"description", "group", "marr_level", "aliases", "domain", "why", "problem_types"}

    def bare(data: Any) -> Any:
        if isinstance(data, dict):
            return {key: bare(value) for key, value in data.items() if key not in optional}
        return [bare(item) for item in data] if isinstance(data, list) else data

    taxonomy = build_taxonomy(bare(tiny_taxonomy), "bare")
    job = _run(tmp_path / "out", taxonomy, write_jsonl([{"text": "t"}]))

    assert problems("taxonomy", json.loads(job.folder.taxonomy.read_bytes())) == []
    assert job.taxonomy() == taxonomy


def _sample() -> list[dict[str, Any]]:
    return [json.loads(line) for line in sample_path().read_bytes().splitlines()]


def test_every_trace_of_the_sample_corpus_fits_its_schema() -> None:
    for row in _sample():
        assert problems("trace", row) == [], row["trace_id"]


def test_the_sample_corpus_is_read_as_it_is() -> None:
    rows = list(read_traces(open_inputs([str(sample_path())]), {}))

    assert [row.value for row in rows] == [Trace(**row) for row in _sample()]


def test_the_sample_corpus_holds_what_its_card_promises() -> None:
    rows = _sample()

    assert len(rows) >= 40
    assert len({row["trace_id"] for row in rows}) == len(rows)
    assert len({row["text"] for row in rows}) == len(rows)
    types = Counter(row["problem_type"] for row in rows)
    assert set(types) == {found.id for found in load_taxonomy().problem_types}
    assert len(types) == 13
    assert min(types.values()) >= 2
    for row in rows:
        assert 300 <= len(row["text"]) <= 4_000, row["trace_id"]
        assert row["question"].strip(), row["trace_id"]
    voices = Counter(row["model"] for row in rows)
    assert set(voices) == {"written-model-voice", "written-think-aloud"}
    assert min(voices.values()) >= 10
    outcomes = Counter(row["correct"] for row in rows)
    assert outcomes[True] >= 10
    assert outcomes[False] >= 10
