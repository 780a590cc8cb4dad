"""Tasks out of the formats that traces come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.corpora.readers import open_inputs
from cogtrace.corpora.readers.tasks import guess_task_columns, parse_task_mapping, read_tasks
from cogtrace.corpora.sample import sample_path
from cogtrace.errors import InputError, OptionError
from cogtrace.plugins.job import GivenTask, task_of_trace
from cogtrace.records import Trace

Write = Callable[..., Path]


def _tasks(path: Path, **overrides: str) -> list[GivenTask]:
    rows = [row.value for row in read_tasks(open_inputs([str(path)]), overrides)]
    return [task_of_trace(row) for row in rows if isinstance(row, Trace)]


def test_usual_columns_are_recognised(write_jsonl: Write) -> None:
    row = {
        "question_id": 7,
        "problem": "Why?",
        "passage": "A text.",
        "gold": "because",
        "problem_type": "riddle",
        "subject": "logic",
        "level": 3,
    }
    (found,) = _tasks(write_jsonl([row]))

    task = found.task
    assert (task.task_id, task.question, task.context) == ("7", "Why?", "A text.")
    assert (task.problem_type, found.reference_answer) == ("riddle", "because")
    assert task.meta == {"level": 3, "task": "logic"}


def test_no_answer_of_anybody_is_shown_to_plugins(write_jsonl: Write) -> None:
    row = {
        "question": "Why?",
        "answer": "because",
        "final_answer": "so",
        "response": "I think it is so.",
        "correct": True,
        "model": "m",
        "gold": "because",
    }
    (found,) = _tasks(write_jsonl([row]))

    assert found.task.meta == {}
    assert found.reference_answer == "because"


def test_the_sample_gives_its_questions_with_their_answers_and_nothing_else() -> None:
    tasks = _tasks(sample_path())

    assert len(tasks) == len({found.task.task_id for found in tasks}) == 46
    assert all(found.task.question for found in tasks)
    assert sum(found.reference_answer is not None for found in tasks) > 20
    assert {key for found in tasks for key in found.task.meta} <= {"task", "origin"}


def test_columns_can_be_named_and_lie_deep(write_jsonl: Write) -> None:
    row: dict[str, Any] = {"a": {"b": ["x", "Why?"]}, "c": {"d": "A text."}, "question": "no"}
    (found,) = _tasks(write_jsonl([row]), question="a.b.1", context="c.d")
    assert (found.task.question, found.task.context) == ("Why?", "A text.")


def test_rows_that_are_none_come_with_their_reason(write_jsonl: Write) -> None:
    rows = [{"question": "Why?"}, {"question": 3}, {"question": " "}, "{", {"other": 1}]
    values = [row.value for row in read_tasks(open_inputs([str(write_jsonl(rows))]), {})]
    assert [getattr(value, "reason", "a task") for value in values] == [
        "a task",
        "text-not-string",
        "empty-text",
        "bad-json",
        "no-text",
    ]


def test_an_input_without_a_question_names_its_columns(write_jsonl: Write) -> None:
    with pytest.raises(InputError, match="there is a, b"):
        _tasks(write_jsonl([{"a": 1, "b": 2}]))


@pytest.mark.parametrize("option", ["question", "=x", "text=x", "model=x"])
def test_a_mapping_that_is_none_is_refused(option: str) -> None:
    with pytest.raises(OptionError, match="--map"):
        parse_task_mapping([option])
    assert parse_task_mapping(["answer=gold"]) == {"reference_answer": "gold"}


@given(st.lists(st.dictionaries(st.text(max_size=9), st.integers()), min_size=1))
def test_a_column_goes_to_one_field_only(rows: list[dict[str, int]]) -> None:
    try:
        found = guess_task_columns(rows, {}, "tasks")
    except InputError:
        return
    assert len(set(found.values())) == len(found)
