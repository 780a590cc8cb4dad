"""Which traces are picked: by rule, by seed, and no text twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_jobs import Judged, judged, judged_job, random_judged

from cogtrace.corpora.sampling import STRATEGIES, allocate, pick
from cogtrace.errors import JobError, OptionError
from cogtrace.taxonomy import Taxonomy, build_taxonomy


@pytest.fixture(scope="module")
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    return build_taxonomy(tiny_taxonomy, "tiny")


@pytest.fixture(scope="module")
def rows() -> list[Judged]:
    kinds = ("riddle", "sum", None)
    base = random_judged(1, count=60)
    made = [replace(row, problem_type=kinds[n % 3]) for n, row in enumerate(base)]
    return judged(made, 2)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, rows: list[Judged], taxonomy: Taxonomy) -> Path:
    return judged_job(tmp_path_factory.mktemp("jobs") / "job", rows, taxonomy)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, rows: list[Judged], taxonomy: Taxonomy) -> Path:
    renamed = [replace(row, trace_id=f"x-{row.trace_id}") for row in judged(rows, 3)]
    return judged_job(tmp_path_factory.mktemp("jobs") / "other", renamed, taxonomy)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_trace_is_picked_twice_and_the_seed_decides(
    job: Path, other: Path, rows: list[Judged], strategy: Any
) -> None:
    second = other if strategy == "disagree" else None

    first, again = (pick(job, 20, strategy, 7, second) for _ in range(2))
    everything = pick(job, 1_000, strategy, 7, second)

    ids = [one.trace_id for one in first]
    assert first == again
    assert len(set(ids)) == len(ids) == 20
    texts = {row.trace_id: row.text for row in rows}
    assert len({texts[one.trace_id] for one in everything}) == len(everything)
    assert len(everything) == len(set(texts.values()))


def test_the_most_doubtful_come_first(tmp_path: Path, taxonomy: Taxonomy) -> None:
    def row(name: str, score: int, confidence: float | None) -> Judged:
        place = (0, 3) if confidence is None else (0, 3, confidence)
        places = {"guessing": [place]} if score else {}
        return Judged(name, f"It is {name}.", {"guessing": score}, places)

    job = judged_job(
        tmp_path / "job",
        [
            row("sure", 2, 0.95),
            row("absent", 0, None),
            row("half", 1, 0.5),
            row("leaning", 2, 0.7),
            row("partial", 1, None),
        ],
        taxonomy,
    )

    picks = pick(job, 5, "uncertain", 0)

    assert {one.trace_id for one in picks[:2]} == {"half", "partial"}
    assert [one.trace_id for one in picks[2:]] == ["leaning", "sure", "absent"]
    assert picks[2].why == "uncertain 0.8400"
    assert all(one.weight is None for one in picks)


def test_those_that_differ_most_come_first(job: Path, other: Path, rows: list[Judged]) -> None:
    theirs = {row.text: row for row in judged(rows, 3)}

    picks = pick(job, 10, "disagree", 0, other)

    def apart(row: Judged) -> float:
        twin = theirs[row.text]
        return sum(abs(row.scores[e] - twin.scores[e]) for e in row.scores) / len(row.scores)

    by_id = {row.trace_id: row for row in rows}
    expected = sorted((apart(row) for row in rows), reverse=True)
    assert [apart(by_id[one.trace_id]) for one in picks] == expected[:10]


def test_every_stratum_is_there_and_weights_add_up_to_the_corpus(
    job: Path, rows: list[Judged]
) -> None:
    picks = pick(job, 30, "stratified", 3)

    shown = {element: sum(row.scores[element] > 0 for row in rows) for element in rows[0].scores}
    strata = set()
    for row in rows:
        mine = [e for e, score in row.scores.items() if score]
        rarest = min(mine, key=lambda e: (shown[e], e), default="nothing")
        strata.add(f"{row.problem_type or 'no type'} / {rarest}")
    assert {one.why for one in picks} == strata
    assert sum(one.weight or 0 for one in picks) == pytest.approx(len(rows))


def test_weights_of_a_simple_sample_add_up_too(job: Path, rows: list[Judged]) -> None:
    picks = pick(job, 7, "random", 3)

    assert [one.weight for one in picks] == pytest.approx([len(rows) / 7] * 7)
    assert pick(job, 7, "random", 4) != picks


@given(
    st.dictionaries(st.text("abcdef", min_size=1), st.integers(1, 500), min_size=1, max_size=9),
    st.integers(1, 900),
)
def test_shares_add_up_and_no_stratum_is_overdrawn(sizes: dict[str, int], n: int) -> None:
    found = allocate(sizes, n)

    assert sum(found.values()) == min(n, sum(sizes.values()))
    assert all(0 <= found[name] <= size for name, size in sizes.items())
    if n >= len(sizes):
        assert min(found.values()) >= 1


def test_what_goes_together_is_asked_for_together(job: Path, other: Path) -> None:
    with pytest.raises(OptionError, match="give the other annotation with --and"):
        pick(job, 5, "disagree", 0)
    with pytest.raises(OptionError, match="--and: means nothing with --strategy random"):
        pick(job, 5, "random", 0, other)


def test_two_jobs_that_share_no_text_cannot_disagree(
    job: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    strange = judged_job(tmp_path / "s", [Judged("t0", "Else.", {"guessing": 0})], taxonomy)

    with pytest.raises(OptionError, match="no text with an element in both"):
        pick(job, 5, "disagree", 0, strange)


def test_an_empty_job_has_nothing_to_pick(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(JobError, match="no trace in this job"):
        pick(judged_job(tmp_path / "job", [], taxonomy), 5, "random", 0)
