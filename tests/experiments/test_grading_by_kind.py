"""Answers are found anew in their texts, and only where the text still states one."""

from __future__ import annotations

import pytest

from cogtrace.engines.base import Finish
from cogtrace.experiments.grading import by_kind
from cogtrace.plugins.pipeline.records import CandidateRecord, ChoiceRecord, GuidanceRun


def run(text: str, finish: Finish = "stop", *, answer: str | None = None) -> GuidanceRun:
    candidate = CandidateRecord(id="c", text=text, answer=answer, plugin="pipeline", finish=finish)
    return GuidanceRun(
        task_id="t",
        question="17 + 24?",
        outcome="answered",
        answer=answer,
        reference_answer="41",
        candidates=(candidate,),
        choice=ChoiceRecord(plugin="pipeline", candidate="c", reason=""),
    )


@pytest.mark.parametrize(
    ("text", "finish", "right"),
    [
        ("The answer is 41.", "stop", True),
        ("17 and 24 make\n41", "stop", True),
        ("The answer is 41. Let me make su", "length", True),
        ("17 and 24 make\n41", "length", False),
    ],
)
def test_a_text_that_was_cut_off_counts_only_if_it_states_its_answer(
    text: str, finish: Finish, right: bool
) -> None:
    assert by_kind("numeric")(run(text, finish)) is right


def test_where_the_text_states_none_the_answer_of_the_run_counts() -> None:
    assert by_kind("numeric")(run("So it goes on and", "length", answer="41"))
