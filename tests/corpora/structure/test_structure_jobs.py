"""Job folders are read as they are, however their Parquet was written."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_jobs import Shown, annotated, write_job

from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES, JobFolder
from cogtrace.corpora.structure import analyse, load_jobs
from cogtrace.errors import InputError, JobDamaged, JobError
from cogtrace.records import Annotation, Trace

Pairs = list[tuple[Trace, Annotation]]


def _pairs(count: int, seed: int = 0, name: str = "t") -> Pairs:
    draw = random.Random(seed)
    text = "x" * 4_000
    found = []
    for number in range(count):
        shown: Shown = {}
        for element in ("a", "b", "c"):
            spans = sorted(draw.sample(range(4_000), 2 * draw.choice([0, 0, 1, 3])))
            bounds = list(zip(spans[::2], spans[1::2], strict=True))
            shown[element] = (draw.choice([1, 2]) if bounds else 0, bounds)
        trace = Trace(
            trace_id=f"{name}{number}",
            text=text,
            problem_type=draw.choice(["x", "y", "", None]),
            correct=draw.choice([True, False, None]),
        )
        found.append(annotated(trace, shown))
    return found


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_job(tmp_path / "job", _pairs(50), part_traces=7)


def test_what_is_read_is_what_was_written(job: Path) -> None:
    pairs = _pairs(50)

    corpus = load_jobs([job], min_score=1)

    spans = [
        (number, entry.element, span.start, span.end)
        for number, (_, annotation) in enumerate(pairs)
        for entry in annotation.elements
        for span in entry.spans
    ]
    names = [corpus.elements[number] for number in corpus.element]
    columns = corpus.owner.tolist(), names, corpus.start.tolist(), corpus.end.tolist()
    assert list(zip(*columns, strict=True)) == spans
    types = [None if n < 0 else corpus.types[n] for n in corpus.trace_type]
    assert types == [trace.problem_type or None for trace, _ in pairs]
    correct = {1: True, 0: False, -1: None}
    assert [correct[n] for n in corpus.correct.tolist()] == [trace.correct for trace, _ in pairs]
    assert corpus.patterns.tolist() == [[True, True, True]]


def test_elements_below_the_score_do_not_count(job: Path) -> None:
    corpus = load_jobs([job])

    shown = [e for _, a in _pairs(50) for e in a.elements if e.score == 2]
    assert len(corpus.owner) == sum(len(entry.spans) for entry in shown)


def test_several_folders_are_one_corpus(tmp_path: Path) -> None:
    pairs = _pairs(30)
    whole = write_job(tmp_path / "whole", pairs)
    parts = [write_job(tmp_path / "a", pairs[:11]), write_job(tmp_path / "b", pairs[11:])]

    assert analyse(load_jobs(parts)).json() == analyse(load_jobs([whole])).json()


def test_a_trace_that_is_in_two_folders_is_refused(job: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(job, tmp_path / "copy"))

    with pytest.raises(InputError, match=r"trace 't\d+' is in more than one .* 49 others"):
        load_jobs([job, copy])


def test_a_trace_that_is_in_two_folders_may_count_once_in_each(job: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(job, tmp_path / "copy"))
    other = write_job(tmp_path / "other", _pairs(50, name="u"))

    both = load_jobs([job, copy], repeated=True)

    assert both.traces == 100
    assert analyse(both).json() == analyse(load_jobs([job, other])).json()


@given(st.lists(st.booleans(), max_size=60))
@settings(max_examples=25)
def test_some_traces_alone_are_as_a_job_of_these_traces(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[bool]
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    pairs = _pairs(50)
    kept = [pair for pair, keep in zip(pairs, chosen, strict=False) if keep]
    whole, some = write_job(folder / "a", pairs, part_traces=7), write_job(folder / "b", kept)
    if not kept:
        with pytest.raises(InputError, match="no trace"):
            load_jobs([whole], kept=[np.array(chosen, bool)])
        return

    found = load_jobs([whole], kept=[np.array(chosen, bool)])

    assert analyse(found).json() == analyse(load_jobs([some])).json()


def test_a_trace_counts_only_for_elements_that_it_was_asked_about(tmp_path: Path) -> None:
    both: Shown = {"a": (2, [(0, 50)]), "b": (0, [])}
    one: Shown = {"a": (0, [])}
    told = [(both, True), (one, True), (one, False)]
    pairs = [
        annotated(Trace(trace_id=str(n), text="x" * 60, correct=right), shown)
        for n, (shown, right) in enumerate(told)
    ]

    a, b = analyse(load_jobs([write_job(tmp_path / "job", pairs)])).nodes

    assert (a.p_element, a.p_success) == (1 / 3, 2 / 3)
    assert (b.p_element, b.p_success) == (0, 1)


def test_an_unfinished_job_is_read_and_said_to_be_one(tmp_path: Path) -> None:
    job = write_job(tmp_path / "job", _pairs(20), status="interrupted")

    corpus = load_jobs([job])

    assert corpus.traces == 20
    assert corpus.notes == (f"{job}: not finished; read as far as it is",)


def test_a_place_without_a_job_or_without_traces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no job here"):
        load_jobs([tmp_path])
    with pytest.raises(InputError, match="no trace"):
        load_jobs([write_job(tmp_path / "empty", [])])


def _rewrite(job: Path, table: str, change: Any, **options: Any) -> None:
    path = JobFolder(job).part(table, 0)
    change(pl.read_parquet(path)).write_parquet(path, **options)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.with_columns(trace_id=pl.lit("other")), "'other', which is no trace"),
        (lambda f: f.reverse(), "not in the order"),
        (lambda f: f.drop("score"), "cannot be read"),
        (lambda f: f.drop("spans", "bounds"), "cannot be read"),
    ],
)
def test_a_table_that_contradicts_the_other_is_refused(job: Path, change: Any, says: str) -> None:
    _rewrite(job, ANNOTATIONS, change)

    with pytest.raises(JobDamaged, match=says):
        load_jobs([job])


@given(st.integers(0, 20_000), st.integers(0, 255), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: bool
) -> None:
    pairs = _pairs(5)
    job = write_job(tmp_path_factory.mktemp("harm") / "job", pairs)
    path = JobFolder(job).part(ANNOTATIONS, 0)
    content = bytearray(path.read_bytes())
    at %= len(content)
    path.write_bytes(content[:at] if cut else content[:at] + bytes([byte]) + content[at + 1 :])

    try:
        corpus = load_jobs([job])
    except JobDamaged:
        return
    assert corpus.traces == 5  # a flipped byte of a quote, say, goes unseen; see cogtrace verify


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zstd"},
        {"compression": "uncompressed"},
        {"compression": "zstd", "row_group_size": 20},
        {"compression": "zstd", "data_page_size": 200},
        {"compression": "snappy"},
        {"compression": "lz4", "row_group_size": 40},
    ],
)
def test_spans_are_read_however_the_file_was_written(
    job: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    expected = analyse(load_jobs([job])).json()
    for number in range(8):
        path = JobFolder(job).part(ANNOTATIONS, number)
        pl.read_parquet(path).write_parquet(path, **options)

    assert analyse(load_jobs([job])).json() == expected


def test_a_folder_from_before_the_bounds_is_read_as_well(job: Path) -> None:
    expected = analyse(load_jobs([job])).json()
    for path in JobFolder(job).parts(ANNOTATIONS):
        pl.read_parquet(path).drop("bounds").write_parquet(path)

    assert analyse(load_jobs([job])).json() == expected


@pytest.mark.parametrize("field", ["start", "end"])
def test_a_span_without_a_bound_is_damage(job: Path, field: str) -> None:
    lost = pl.element().struct.with_fields(pl.lit(None, pl.Int64).alias(field))
    _rewrite(job, ANNOTATIONS, lambda f: f.with_columns(pl.col("bounds").list.eval(lost)))

    with pytest.raises(JobDamaged, match="without a start or an end"):
        load_jobs([job])


def test_our_own_tables_are_read_without_their_quotes(
    job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []
    original = pl.read_parquet

    def watched(paths: Any, **options: Any) -> pl.DataFrame:
        read.extend(options["columns"])
        return original(paths, **options)

    monkeypatch.setattr(pl, "read_parquet", watched)

    load_jobs([job])

    assert "spans" not in read
    assert "text" not in read
    assert TRACES in {path.name for path in job.iterdir()}
