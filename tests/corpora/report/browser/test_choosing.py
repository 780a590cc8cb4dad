"""Which traces get onto a page: all, or a fair sample that says what it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from browser_jobs import ELEMENTS, annotated, made_up, write_browser_job
from browser_pages import unpacked
from statistics_jobs import Made, make_job
from written_jobs import write_job

from cogtrace.corpora.report.browser import browser_parts
from cogtrace.corpora.report.browser.choosing import choose
from cogtrace.errors import JobError, OptionError
from cogtrace.records import AnnotatorRef, Trace


@pytest.fixture
def job(tmp_path: Path, tiny_taxonomy: dict[str, Any]) -> Path:
    return write_browser_job(tmp_path / "job", made_up(40), tiny_taxonomy)


def _ids(folders: list[Path], **options: Any) -> list[str]:
    ids: list[str] = unpacked(browser_parts(folders, **options).data)["traces"]["id"]
    return ids


def test_all_traces_are_there_in_their_order_and_no_note_says_otherwise(job: Path) -> None:
    parts = browser_parts([job])

    assert unpacked(parts.data)["traces"]["id"] == [f"t{number}" for number in range(40)]
    assert parts.note is None
    columns = ("element", "score", "model", "task", "problem_type", "correct")
    assert parts.columns == columns


def test_a_sample_is_the_same_for_the_same_seed_and_says_what_it_is(job: Path) -> None:
    first, again, other = (_ids([job], max_traces=10, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other
    assert len(set(first)) == 10
    assert first == sorted(first, key=lambda name: int(name[1:]))
    note = browser_parts([job], max_traces=10, seed=1).note
    assert note == "a random sample of 10 of 40 traces, seed 1"


def test_every_trace_has_the_same_chance(tmp_path: Path) -> None:
    rows = [Made(trace_id=f"t{n}", text=f"text {n}" * (n + 1), scores={}) for n in range(20)]
    folder = make_job(tmp_path / "job", [_asked(row) for row in rows])

    counts = Counter(
        name
        for seed in range(100)
        for name in choose([folder], max_traces=5, max_text=10_000, seed=seed).ids[0]
    )

    # Each is drawn in a quarter of 100 draws: 25, with a standard deviation of 4.3.
    assert set(counts) == {row.trace_id for row in rows}
    assert sum(counts.values()) == 500
    assert all(abs(count - 25) < 18 for count in counts.values())


def test_long_texts_make_the_sample_smaller_and_the_note_says_so(job: Path) -> None:
    parts = browser_parts([job], max_text=3_000)
    traces = unpacked(parts.data)["traces"]

    assert 1 <= len(traces["id"]) < 40
    assert sum(traces["length"]) < 6_000
    assert parts.note == (
        f"a random sample of {len(traces['id'])} of 40 traces, seed 0 "
        "(as many as their length allows)"
    )
    assert len(_ids([job], max_text=1)) == 1


def test_a_trace_in_two_folders_is_drawn_once_and_shown_from_both(tmp_path: Path) -> None:
    rows = [_asked(Made(trace_id=f"t{n}", text=f"text {n}", scores={})) for n in range(12)]
    other = AnnotatorRef(name="someone else", version="1", fingerprint="c" * 16)
    folders = [
        make_job(tmp_path / "one", rows),
        make_job(tmp_path / "two", rows[:8], annotator=other),
    ]

    parts = browser_parts(folders, max_traces=9)
    data = unpacked(parts.data)

    shown = Counter(data["traces"]["id"])
    assert len(shown) == 9
    assert all(count == (2 if int(name[1:]) < 8 else 1) for name, count in shown.items())
    assert parts.note == "a random sample of 9 of 12 traces, seed 0"
    assert parts.columns == ("element", "score", "folder")
    assert [folder["annotator"] for folder in data["folders"]] == ["made-up", "someone else"]
    assert len(data["texts"]) == 9


def test_conditions_leave_traces_out_before_the_draw(job: Path) -> None:
    data = unpacked(browser_parts([job], where=("model=large", "length>=50")).data)

    assert data["model"] == ["large"]
    wanted = [t.trace_id for t, _ in made_up(40) if t.model == "large" and len(t.text) >= 50]
    assert data["traces"]["id"] == wanted


def test_what_cannot_be_shown_is_said_in_words(job: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no trace meets --where"):
        browser_parts([job], where=("model=none-such",))
    with pytest.raises(OptionError, match="no column 'colour'"):
        browser_parts([job], where=("colour=red",))
    with pytest.raises(OptionError, match="at least one trace"):
        browser_parts([job], max_traces=0)
    with pytest.raises(JobError, match="no job here"):
        browser_parts([tmp_path])


def test_elements_stand_in_the_order_of_the_taxonomy_with_what_it_says(job: Path) -> None:
    elements = unpacked(browser_parts([job]).data)["elements"]

    assert [element["id"] for element in elements] == list(ELEMENTS)
    assert elements[0] == {
        "id": "re-reading",
        "name": "Re reading",
        "dimension": "Looking",
        "definition": "The reasoner is seen to be re-reading at some point.",
    }


def test_without_a_taxonomy_elements_go_by_their_ids(tmp_path: Path) -> None:
    pair = annotated(Trace(trace_id="t", text="abc"), {"guessing": [(0, 2)]})
    folder = write_job(tmp_path / "job", [pair])

    elements = unpacked(browser_parts([folder]).data)["elements"]

    assert {"id": "guessing", "name": "guessing"} in elements


def _asked(row: Made) -> Made:
    return Made(trace_id=row.trace_id, text=row.text, scores={"counting": 1})
