"""Reading job folders for statistics: which traces count, and what belongs together."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from statistics_jobs import Made, make_job, random_rows

from cogtrace.annotator.job import Order
from cogtrace.corpora.statistics import Corpus, Settings, compute, parse_where, read_corpus
from cogtrace.corpora.statistics.selecting import matches
from cogtrace.errors import JobDamaged, JobError, OptionError
from cogtrace.records import AnnotatorRef

ROWS = [
    Made(
        trace_id=f"t{n}",
        text="x" * (10 * n + 10),
        scores={"counting": n % 3},
        question=f"Q{n % 4}",
        model="small" if n % 2 else "large, slow",
        correct=(True, False, None)[n % 3],
        meta={"level": n, "model": "other", "deep": {"er": "yes" if n < 3 else None}},
    )
    for n in range(12)
]


def _read(path: Path, rows: list[Made], *where: str, columns: tuple[str, ...] = ()) -> Corpus:
    job = path / "job"
    if not job.exists():
        make_job(job, rows, part=5)
    return read_corpus([job], columns=columns, where=parse_where(where))


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ([], range(12)),
        (["model=small"], range(1, 12, 2)),
        (["model!=small"], range(0, 12, 2)),
        (["model=large, slow"], range(0, 12, 2)),
        (["model=large, slow,level<5"], (0, 2, 4)),
        (["model=large*"], range(0, 12, 2)),
        (["correct=true"], range(0, 12, 3)),
        (["correct=null"], range(2, 12, 3)),
        (["level>=10"], (10, 11)),
        (["level>3", "level<=5"], (4, 5)),
        (["length<40"], (0, 1, 2)),
        (["meta.model=other,trace_id=t7"], (7,)),
        (["deep.er=yes"], (0, 1, 2)),
        (["annotator=made-up,folder=*job"], range(12)),
        (["question=Q[12]"], (1, 2, 5, 6, 9, 10)),
    ],
    ids=str,
)
def test_conditions_choose_the_traces_that_meet_all_of_them(
    tmp_path: Path, where: list[str], kept: range | tuple[int, ...]
) -> None:
    corpus = _read(tmp_path, ROWS, *where)

    assert corpus.length.tolist() == [10 * n + 10 for n in kept]
    assert corpus.score[:, corpus.elements.index("counting")].tolist() == [n % 3 for n in kept]
    assert corpus.sources[0].left_out == 12 - len(kept)


@pytest.mark.parametrize("where", ["model", "=x", "level<tall", ""])
def test_a_condition_of_another_form_is_refused(where: str) -> None:
    with pytest.raises(OptionError, match="--where"):
        parse_where([where])


def test_a_column_that_is_nowhere_is_refused_and_those_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no column 'modle'.*model.*length.*deep, level"):
        _read(tmp_path, ROWS, columns=("modle",))


def test_conditions_that_nothing_meets_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no trace meets --where"):
        _read(tmp_path, ROWS, "model=none")


def test_an_empty_job_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no trace in this job"):
        _read(tmp_path, [])


def _with(trace_id: str, question: str | None = None, **meta: object) -> Made:
    text = "It is so." if trace_id.startswith("same") else f"It is {trace_id}."
    return Made(trace_id=trace_id, text=text, scores={"counting": 1}, question=question, meta=meta)


def test_traces_of_one_question_are_one_cluster_by_text_or_else_by_id(tmp_path: Path) -> None:
    rows = [
        _with("a", "How many?"),
        _with("b", " How many?\n"),
        _with("c", "How few?"),
        _with("d", "", question_id=7),
        _with("e", None, question_id="7"),
        _with("f", None, question_id="8"),
        _with("g", "7"),
        _with("h"),
        _with("i"),
        _with("same-1"),
        _with("same-2"),
    ]

    corpus = _read(tmp_path, rows)

    assert corpus.cluster.tolist() == [0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 7]
    assert corpus.by_question.tolist() == [True] * 7 + [False] * 4


def test_groups_by_several_columns_are_ordered_and_nothing_is_a_value(tmp_path: Path) -> None:
    corpus = _read(tmp_path, ROWS, columns=("model", "deep.er"))

    found = compute(corpus, Settings(by=("model", "deep.er"), bootstrap=0))

    groups = [tuple(group.group.values()) for group in found.groups]
    assert groups == [
        (),
        ("large, slow", "yes"),
        ("large, slow", None),
        ("small", "yes"),
        ("small", None),
    ]
    assert [group.n for group in found.groups] == [12, 2, 4, 1, 5]


def test_too_many_groups_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cogtrace.corpora.statistics.summary.MOST_GROUPS", 11)
    corpus = _read(tmp_path, ROWS, columns=("trace_id",))

    with pytest.raises(OptionError, match="12 groups"):
        compute(corpus, Settings(by=("trace_id",)))


def test_several_folders_are_one_corpus_and_what_is_in_two_is_pointed_out(tmp_path: Path) -> None:
    other = AnnotatorRef(name="other", version="1", fingerprint="c" * 16)
    one = make_job(tmp_path / "one", ROWS[:7])
    two = make_job(
        tmp_path / "two",
        ROWS[5:],
        elements=["planning", "counting"],
        status="interrupted",
        order=Order(kind="random", seed=3),
        annotator=other,
    )

    corpus = read_corpus([one, two, one], columns=["folder"])
    found = compute(corpus, Settings(by=("folder",), bootstrap=0))

    assert [group.n for group in found.groups] == [14, 7, 7]
    assert [source.traces for source in found.sources] == [7, 7]
    assert len(set(corpus.cluster.tolist())) == 4
    notes = " ".join(found.notes)
    assert "2 texts are in more than one folder" in notes
    assert "different annotators" in notes
    assert "a random sample" in notes
    assert [row.n for row in found.prevalence if row.element == "planning"] == [0, 0, 0]
    assert all(row.shown is None for row in found.prevalence if row.element == "planning")


def test_parts_read_one_by_one_give_what_they_give_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = random_rows(21)
    job = make_job(tmp_path / "job", rows, part=7)
    settings = Settings(by=("model",), bootstrap=30)

    together = compute(read_corpus([job], columns=["model"]), settings)
    monkeypatch.setattr("cogtrace.corpora.statistics.corpus._ROWS", 1)
    apart = compute(read_corpus([job], columns=["model"]), settings)

    assert apart == together


def test_annotations_in_another_order_give_the_same_figures(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", random_rows(22))
    settings = Settings(bootstrap=30)
    before = compute(read_corpus([job]), settings)
    for part in (job / "annotations").iterdir():
        pl.read_parquet(part).sample(fraction=1, shuffle=True, seed=1).write_parquet(part)

    assert compute(read_corpus([job]), settings) == before


def test_a_damaged_part_is_named_and_verify_is_recommended(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", ROWS)
    (job / "annotations" / "part-00000.parquet").write_bytes(b"not a table any more")

    with pytest.raises(JobDamaged, match=r"annotations.*cogtrace verify"):
        read_corpus([job])


@pytest.mark.parametrize(
    ("pattern", "value", "meant"),
    [
        ("a[1]", "a[1]", True),
        ("a[1]", "a1", True),
        ("*", "anything", True),
        ("*", None, False),
        ("null", None, True),
        ("Human", "human", False),
    ],
)
def test_values_are_matched_word_for_word_or_by_shell_pattern(
    pattern: str, value: str | None, meant: bool
) -> None:
    assert matches(pattern, value) is meant
