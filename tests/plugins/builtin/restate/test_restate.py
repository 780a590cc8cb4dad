from __future__ import annotations

import pytest
from guided import HOSTILE, TASK, Reply, asked, cut_off, guided

RESTATED = "Conditions: 3 boxes of 12 pens, 7 given away.\nGoal: pens left.\nUnknown: all pens."


def test_the_model_restates_the_problem_and_solves_the_original() -> None:
    run = guided("restate", {"restate": RESTATED})

    assert run.outcome == "answered"
    assert run.answer == "29"
    assert [call.plugin for call in run.calls] == ["restate", "pipeline"]
    assert RESTATED in asked(run)
    assert asked(run).endswith(f"\n\n{TASK.question}")
    assert TASK.question in asked(run, "restate")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " \n",
        "```\n```",
        "I'm sorry, but I can't help with that.",
        "I cannot do this.",
        "Sorry!",
        cut_off("Conditions: 3 boxes of"),
        "<problem-0a0b0c0d>\n</problem-0a0b0c0d>",
        "?!",
    ],
)
def test_a_reply_of_no_use_adds_nothing(reply: Reply) -> None:
    run = guided("restate", {"restate": reply})

    assert run.scaffolds == ()
    assert asked(run) == TASK.question
    assert run.outcome == "answered"


def test_marks_that_the_model_was_shown_are_not_repeated() -> None:
    run = guided("restate", {"restate": f"```text\n<problem-0a1b2c3d>\n{RESTATED}\n```"})

    assert "<problem-" not in asked(run)
    assert "```" not in asked(run)
    assert RESTATED in asked(run)


def test_a_restatement_that_looks_like_a_template_stays_as_it_is() -> None:
    run = guided("restate", {"restate": "Pay $words, ${restatement} and {question}: 五 ½ %s"})

    assert "Pay $words, ${restatement} and {question}: 五 ½ %s" in asked(run)


def test_a_hostile_question_stays_whole_and_last_and_its_fence_is_new() -> None:
    run = guided("restate", {"restate": "Count."}, HOSTILE)

    assert asked(run).endswith(HOSTILE.question)
    fence = asked(run, "restate").split("\n", 1)[0].strip("<>")
    assert fence not in HOSTILE.question
    inside = asked(run, "restate").split(f"<{fence}>\n")[1].split(f"\n</{fence}>")[0]
    assert inside == f"{HOSTILE.context}\n\n{HOSTILE.question}"


def test_what_was_said_before_the_question_is_said_again() -> None:
    history = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Ann has 3 boxes."},
        {"role": "assistant", "content": "I see."},
    ]
    run = guided("restate", {"restate": RESTATED}, {"question": "And with 4?", "history": history})

    messages = run.calls[0].messages
    assert [m.role for m in messages] == ["system", "user", "assistant", "user"]
    assert [m.content for m in messages[1:3]] == ["Ann has 3 boxes.", "I see."]


def test_words_and_tokens_are_the_users_to_choose() -> None:
    seen = []

    def reply(request: object) -> str:
        seen.append(request)
        return RESTATED

    guided("restate:words=40,reply_tokens=99,temperature=0.5", {"restate": reply})

    (request,) = seen
    assert "at most 40 words" in request.messages[-1].content  # type: ignore[attr-defined]
    assert request.max_tokens == 99  # type: ignore[attr-defined]
    assert request.temperature == 0.5  # type: ignore[attr-defined]


def test_what_the_plugin_costs_is_counted_as_its_own() -> None:
    run = guided("restate", {"restate": RESTATED})

    assert run.usage_by_plugin["restate"].requests == 1
    assert run.usage_by_plugin["restate"].completion_tokens > 5
