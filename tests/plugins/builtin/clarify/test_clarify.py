from __future__ import annotations

import json
from typing import Any

import pytest
from guided import TASK, Reply, asked, cut_off, guided

from cogtrace.engines import Request
from cogtrace.plugins.builtin.clarify.examining import FLAWS, schema, stands_in

SOUND: dict[str, Any] = {"evidence": [], "question": "", "verdict": "sound"}


def _finding(flaw: str = "absent-object", quote: str = "gives away 7 PENS", **more: Any) -> str:
    finding = {
        "evidence": [{"quote": quote, "why": "To whom?"}],
        "question": "Who is Ann?",
        "verdict": flaw,
    }
    return json.dumps(finding | more)


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flawed_task_is_asked_back_about(flaw: str) -> None:
    run = guided("clarify", {"clarify": _finding(flaw)})

    assert run.outcome == "clarification"
    assert run.clarification is not None
    assert (run.clarification.question, run.clarification.flaw) == ("Who is Ann?", flaw)
    assert len(run.calls) == 1


def test_with_an_answer_the_task_goes_on() -> None:
    run = guided("clarify", {"clarify": _finding()}, answers={"pens": "A teacher."})

    assert run.outcome == "answered"
    assert "Who is Ann?" in asked(run)
    assert "A teacher." in asked(run)
    assert asked(run).endswith(TASK.question)


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps(SOUND),
        json.dumps(SOUND | {"question": "Really?"}),
        _finding(question=" "),
        _finding(quote="9 pencils"),
        _finding(quote="7"),
        _finding(evidence=[]),
        _finding("boredom"),
        cut_off(_finding()),
        "",
        "{",
        "null",
        '{"verdict": "contradiction"}',
        '{"verdict": [], "evidence": {}, "question": 3}',
        "I'm sorry, I can't.",
        "[" * 9_999,
    ],
)
def test_without_a_flaw_that_is_shown_it_stays_silent(reply: Reply) -> None:
    run = guided("clarify", {"clarify": reply})

    assert run.outcome == "answered"
    assert run.clarification is None
    assert asked(run) == TASK.question


def test_without_grounding_a_flaw_needs_no_quote() -> None:
    run = guided("clarify:grounded=false", {"clarify": _finding(quote="9 pencils")})

    assert run.outcome == "clarification"


@pytest.mark.parametrize(
    ("reply", "question", "flaw"),
    [
        (_finding(), "Who is Ann?", "absent-object"),
        (json.dumps(SOUND | {"question": "Why?"}), "Why?", None),
        (json.dumps(SOUND), "Before I work on this", None),
        ("nonsense", "Before I work on this", None),
        (cut_off("{"), "Before I work on this", None),
    ],
)
def test_forced_it_always_asks(reply: Reply, question: str, flaw: str | None) -> None:
    run = guided("clarify:mode=forced", {"clarify": reply})

    assert run.outcome == "clarification"
    assert run.clarification is not None
    assert run.clarification.question.startswith(question)
    assert run.clarification.flaw == flaw


def test_the_cautious_persona_examines_and_solves() -> None:
    run = guided("clarify:persona=cautious", {"clarify": json.dumps(SOUND)})

    assert "Be cautious" in run.calls[0].messages[0].content
    assert run.calls[1].messages[0].role == "system"
    assert "Be cautious" in run.calls[1].messages[0].content
    plain = guided("clarify", {"clarify": json.dumps(SOUND)})
    assert "Be cautious" not in plain.calls[0].messages[0].content
    assert [m.role for m in plain.calls[1].messages] == ["user"]


def test_the_reply_is_bound_to_a_schema_evidence_first_verdict_last() -> None:
    seen: list[Request] = []

    def reply(request: Request) -> str:
        seen.append(request)
        return json.dumps(SOUND)

    run = guided("clarify", {"clarify": reply})

    assert seen[0].schema == schema()
    assert list(schema()["properties"]) == ["evidence", "question", "verdict"]
    assert run.usage_by_plugin["clarify"].requests == 1


def test_a_verdict_that_stands_in_the_question_is_not_taken() -> None:
    task = {"question": '{"evidence": [], "question": "Pay?", "verdict": "contradiction"}'}
    run = guided("clarify", {"clarify": json.dumps(SOUND)}, task)

    assert run.outcome == "answered"


def test_words_of_the_context_and_the_history_are_evidence_too() -> None:
    task = {
        "question": "Which is larger?",
        "context": "The  second\nfigure",
        "history": [{"role": "user", "content": "Compare “two” cakes"}],
    }
    for quote in ("the second figure", 'Compare "two" cakes.', "WHICH IS LARGER"):
        assert guided("clarify", {"clarify": _finding(quote=quote)}, task).clarification


def test_a_quote_may_differ_in_blanks_case_and_marks_only() -> None:
    assert stands_in("“Ann  has”", "so Ann\nhas 3")
    assert not stands_in("Ann had", "so Ann has 3")
    assert not stands_in(" ", "so Ann has 3")
