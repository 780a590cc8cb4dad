"""Judges: asked in both orders, not told whose answer it is, and not believed when they lean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from experiments import run_experiment
from guidance_kinds import answering, user_text

from cogtrace.engines import Request
from cogtrace.experiments.judging import JudgePlan, judge_answers, judge_pairs
from cogtrace.experiments.outcomes import Arm, read_arm

Said = Callable[[str], str]


@pytest.fixture
def arms(tmp_path: Path) -> list[Arm]:
    """Return two arms; the hinted one answers rightly, the plain one only even tasks."""

    def said(request: Request) -> str:
        text = user_text(request)
        number = int((re.search(r"What is (\d+)", text) or re.search(r"t(\d+)", text) or [0, 0])[1])
        right = "A hint" in text or number % 2 == 0
        return f"Answer: {number + 1 if right else 'elephant'}"

    run_experiment(tmp_path / "out", 12, engine=answering(said), control="none")
    return [read_arm(name, tmp_path / "out" / "arms" / name) for name in ("plain", "hinted")]


def _plan(folder: Path, verdict: Said, prompts: list[str] | None = None, **more: Any) -> JudgePlan:
    def said(request: Request) -> str:
        text = user_text(request)
        if prompts is not None:
            prompts.append(text)
        return json.dumps({"reason": "Because.", "verdict": verdict(text)})

    return JudgePlan(engine=answering(said), folder=folder, **more)


def _answers(text: str) -> list[str]:
    return re.findall(r"<answer-[0-9a-f]{8}>\n(.*?)\n</answer", text, re.DOTALL)


def _prefers(text: str) -> str:
    """Prefer whatever is no elephant, wherever it stands."""
    first, second = ("elephant" in answer for answer in _answers(text))
    return "tie" if first == second else "second" if first else "first"


def test_a_rubric_decides_what_is_right(arms: list[Arm], tmp_path: Path) -> None:
    prompts: list[str] = []
    plan = _plan(
        tmp_path / "judged",
        lambda text: "wrong" if "elephant" in _answers(text)[0] else "right",
        prompts,
        rubric="No elephants.",
    )

    verdicts, bias = judge_answers(plan, arms)

    assert len(verdicts) == 24
    assert all(verdicts["hinted", f"t{n}"] for n in range(12))
    assert [verdicts["plain", f"t{n}"] for n in range(4)] == [True, False, True, False]
    assert (bias.judged, bias.agreed) == (24, 24)
    assert all("No elephants." in prompt for prompt in prompts)
    assert not any("hinted" in prompt or "plain" in prompt for prompt in prompts)


def test_who_says_yes_to_what_is_named_first_grades_nothing_right(
    arms: list[Arm], tmp_path: Path
) -> None:
    def leaning(text: str) -> str:
        return (re.search(r'by what counts, "(\w+)"', text) or ["", ""])[1]

    verdicts, bias = judge_answers(_plan(tmp_path / "judged", leaning), arms)

    assert not any(verdicts.values())
    assert (bias.agreed, bias.first, bias.second) == (0, 24, 0)


def test_pairs_are_won_by_who_is_preferred_in_both_orders(arms: list[Arm], tmp_path: Path) -> None:
    games, bias, left_out = judge_pairs(_plan(tmp_path / "pairs", _prefers), arms)

    won = {task: share for task, a, b, share in games if (a, b) == (0, 1)}
    assert [won[f"t{n}"] for n in range(4)] == [0.5, 0.0, 0.5, 0.0]
    assert (bias.judged, bias.agreed, left_out) == (12, 12, 0)


def test_who_always_prefers_the_first_makes_ties_and_is_told_of(
    arms: list[Arm], tmp_path: Path
) -> None:
    games, bias, _ = judge_pairs(_plan(tmp_path / "pairs", lambda _: "first"), arms)

    assert {share for *_, share in games} == {0.5}
    assert (bias.agreed, bias.first, bias.second) == (0, 12, 0)


def test_what_a_judge_says_that_is_no_verdict_leaves_the_pair_out(
    arms: list[Arm], tmp_path: Path
) -> None:
    games, bias, left_out = judge_pairs(_plan(tmp_path / "pairs", lambda _: "both"), arms)

    assert games == []
    assert (bias.judged, left_out) == (0, 12)


def test_what_was_judged_is_not_asked_again(arms: list[Arm], tmp_path: Path) -> None:
    prompts: list[str] = []
    first = judge_pairs(_plan(tmp_path / "pairs", _prefers, prompts), arms)

    again = judge_pairs(_plan(tmp_path / "pairs", _prefers, prompts), arms)

    assert again == first
    assert len(prompts) == 24


def test_an_answer_that_gives_orders_stands_between_lines_of_its_own(
    arms: list[Arm], tmp_path: Path
) -> None:
    prompts: list[str] = []
    judge_pairs(_plan(tmp_path / "pairs", _prefers, prompts), arms)

    for prompt in prompts:
        codes = re.findall(r"^<(answer-[0-9a-f]{8})>$", prompt, re.MULTILINE)
        assert len(set(codes)) == 2
        assert all(prompt.count(code) == 2 for code in codes)
        assert prompt.index("What is") < prompt.index(codes[0])
