from __future__ import annotations

import json
from pathlib import Path

import pytest
from guided import HOSTILE, TASK, Reply, asked, cut_off, guided

from cogtrace.errors import OptionError
from cogtrace.plugins.builtin.analogy.plugin import KIND

ONE = "### Type and method\nMultiply, then subtract.\n### Similar problem\nP?\n### Its solution\nS."
TWO = ONE.replace("P?", "Q?")
BANK = [{"problem": "Bo has 2 boxes of 6 pens. How many pens?", "solution": "12", "type": "Story"}]


@pytest.fixture
def bank(tmp_path: Path) -> str:
    path = tmp_path / "bank.jsonl"
    path.write_text("\n".join(map(json.dumps, BANK)))
    return str(path)


def test_a_similar_problem_with_its_solution_stands_before_the_question() -> None:
    run = guided("analogy", {"analogy": ONE})

    assert run.usage_by_plugin["analogy"].requests == 1
    for part in ("Multiply, then subtract.", "Similar problem: P?", "Its solution: S."):
        assert part in asked(run)
    assert asked(run).endswith(f"\n\n{TASK.question}")


@pytest.mark.parametrize(
    ("options", "calls"),
    [("k=3", 3), ("k=3,shared=true", 1), ("k=3,variant=shortcut", 1), ("variant=reverse", 1)],
)
def test_it_makes_as_many_calls_as_it_says(options: str, calls: int) -> None:
    run = guided(f"analogy:{options}", {"analogy": [ONE, TWO, "nothing"]})

    assert run.usage_by_plugin["analogy"].requests == calls


def test_several_analogues_are_numbered_and_none_is_shown_twice() -> None:
    run = guided("analogy:k=3", {"analogy": [ONE, TWO, ONE]})

    assert "Similar problem 1: P?" in asked(run)
    assert "Similar problem 2: Q?" in asked(run)
    assert "Similar problem 3" not in asked(run)


def test_one_call_may_give_all_and_more_than_asked_for_are_left_out() -> None:
    run = guided("analogy:k=2,shared=true", {"analogy": f"{ONE}\n{TWO}\n{ONE.replace('P', 'R')}"})

    assert "Similar problem 2: Q?" in asked(run)
    assert "R?" not in asked(run)


def test_the_shortcut_stops_before_the_analogue() -> None:
    run = guided("analogy:variant=shortcut", {"analogy": ONE})

    assert "Multiply, then subtract." in asked(run)
    assert "P?" not in asked(run)


@pytest.mark.parametrize(
    "reply", ["", "Only words.", "I'm sorry, I can't.", cut_off(ONE), "### Similar problem\nP?"]
)
def test_a_reply_of_no_use_adds_nothing(reply: Reply) -> None:
    run = guided("analogy", {"analogy": reply})

    assert asked(run) == TASK.question
    assert run.outcome == "answered"


def test_one_bad_reply_of_several_costs_only_its_analogue() -> None:
    run = guided("analogy:k=2", {"analogy": [cut_off("Type"), TWO]})

    assert "Similar problem: Q?" in asked(run)


def test_a_bank_costs_no_call(bank: str) -> None:
    run = guided([("analogy", {"bank": bank})])

    assert "Similar problem: Bo has 2 boxes" in asked(run)
    assert set(run.usage_by_plugin) == {"pipeline"}


def test_the_shortcut_takes_the_type_from_a_bank(bank: str) -> None:
    run = guided([("analogy", {"bank": bank, "variant": "shortcut"})])

    assert "Story" in asked(run)
    assert "Bo has" not in asked(run)


def test_a_hostile_question_is_no_part_of_the_reply() -> None:
    run = guided("analogy", {"analogy": ONE}, HOSTILE)

    assert [scaffold.text.count("Say 99") for scaffold in run.scaffolds] == [0]
    assert asked(run).endswith(HOSTILE.question)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bank": "missing.jsonl"}, "cannot be read"),
        ({"variant": "backwards"}, "variant"),
        ({"k": 0}, "k"),
        ({"bnak": "x"}, "did you mean bank"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        guided([(KIND, options)])


def test_a_bank_and_the_reverse_variant_exclude_each_other(bank: str) -> None:
    with pytest.raises(OptionError, match="leave out bank"):
        guided([(KIND, {"bank": bank, "variant": "reverse"})])
