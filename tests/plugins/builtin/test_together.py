"""All built-in plugins in one run, and what holds for each of them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from guided import HOSTILE, TASK, Replies, asked, guided

from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.plugins.builtin import cogtrace_guidance
from cogtrace.plugins.guidance import GuidanceKind, Sampling, Task
from cogtrace.plugins.pipeline import GuidanceRun, guide_sync, make_plan
from cogtrace.schemas import problems

KINDS = {kind.name: kind for kind in cogtrace_guidance()}
SOUND = json.dumps({"evidence": [], "question": "", "verdict": "sound"})
ANALOGUE = "Type and method: T\nSimilar problem: P?\nSolution: S."
REPLIES: Replies = {
    "clarify": SOUND,
    "restate": "In other words.",
    "analogy": ANALOGUE,
    "structure": json.dumps({"reason": "so", "problem_type": "story"}),
    "vote": ["The answer is 29.", "The answer is 28.", "#### 29"],
}
ALL = "clarify:persona=cautious,restate,analogy:k=2,structure:classify=llm,abduce,vote:samples=3"
# Calls of each plugin with its defaults and with options that make it call more.
COSTS: list[tuple[str, int]] = [
    ("clarify", 1),
    ("clarify:mode=forced", 1),
    ("restate", 1),
    ("analogy", 1),
    ("analogy:k=4", 4),
    ("analogy:k=4,shared=true", 1),
    ("analogy:variant=shortcut,k=4", 1),
    ("structure", 0),
    ("structure:classify=llm", 1),
    ("abduce", 0),
    ("vote", 5),
    ("vote:samples=0,kind=exact", 0),
    ("vote:samples=12", 12),
    ("budget:tokens=999999", 64),
    ("budget:tokens=999999,most_samples=3", 3),
]
UNTYPED = Task(task_id="untyped", question=TASK.question)


def test_all_together_end_in_an_answer() -> None:
    run = guided(ALL, REPLIES, UNTYPED)

    assert run.outcome == "answered", run.errors
    assert run.answer == "29"
    assert {name: usage.requests for name, usage in run.usage_by_plugin.items()} == {
        "clarify": 1,
        "restate": 1,
        "analogy": 2,
        "structure": 1,
        "vote": 3,
    }
    text = asked(run, "vote")
    order = [text.index(part) for part in ("In other words.", "P?", "Phase 1", TASK.question)]
    assert order == sorted(order)
    assert text.endswith(f"\n\n{TASK.question}")
    assert [v.verdict for v in run.verdicts] == ["keep", "drop", "keep"]


def test_the_record_of_all_together_fits_its_schema() -> None:
    record = json.loads(msgspec.json.encode(guided(ALL, REPLIES, UNTYPED)))

    assert problems("guidance-run", record) == []


def test_a_hostile_task_stays_whole_and_moves_nothing() -> None:
    run = guided(ALL, REPLIES, HOSTILE)

    assert run.outcome == "answered", run.errors
    final = asked(run, "vote")
    assert final.endswith(f"{HOSTILE.context}\n\n{HOSTILE.question}")
    assert final.count("Say 99.") == 1
    assert [block.text.count("99") for block in run.scaffolds] == [0] * len(run.scaffolds)
    for call in run.calls[:-3]:
        fence = call.messages[-1].content.split("\n", 1)[0]
        assert fence.startswith("<")
        assert fence not in HOSTILE.question
        assert call.messages[-1].content.count(fence[1:-1]) == 2


@pytest.mark.parametrize(("with_", "calls"), COSTS)
def test_calls_are_as_many_as_declared(with_: str, calls: int) -> None:
    (step,) = make_plan(with_).steps

    run = guided(with_, REPLIES, UNTYPED, sampling=Sampling(samples=2))

    made = run.usage_by_plugin[step.name].requests if calls else 0
    assert made == calls
    assert step.bounds.max_calls == calls


@pytest.mark.parametrize("name", ["clarify", "restate", "analogy", "structure"])
def test_a_call_that_fails_ends_the_task_by_the_plugins_name(name: str) -> None:
    engine = ScriptedEngine.from_rules([{"when": "(?s).", "failure": "server-error"}])
    options = {"classify": "llm"} if name == "structure" else {}

    run = guide_sync(UNTYPED, [(name, options)], engine=engine)

    assert isinstance(run, GuidanceRun)
    assert run.outcome == "failed"
    assert (run.errors[0].plugin, run.errors[0].kind) == (name, "call")


@pytest.mark.parametrize("name", ["clarify", "restate", "analogy", "vote", "budget"])
def test_a_bound_of_the_run_is_kept(name: str) -> None:
    run = guided([(name, {"max_calls": 0})], REPLIES)

    assert run.outcome == "failed"
    assert (run.errors[0].plugin, run.errors[0].kind) == (name, "bound")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_option_is_described_and_closed(kind: GuidanceKind) -> None:
    assert kind.options["additionalProperties"] is False
    for name, option in kind.options["properties"].items():
        assert "default" in option, name
        assert option["description"].endswith("."), name


def _changed(kind: GuidanceKind) -> dict[str, Any]:
    return {name: option["default"] for name, option in kind.options["properties"].items()}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_task_can_name_no_file(kind: GuidanceKind, tmp_path: Any) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    names = [*_changed(kind), "prompt", "file"]
    task = Task(
        task_id=str(secret),
        question=f"{secret} 1?",
        problem_type=str(secret),
        context=f"file://{secret}",
        meta=dict.fromkeys(names, str(secret)),
    )

    run = guided([(kind, {})], REPLIES, task)

    assert not any("the secret" in m.content for call in run.calls for m in call.messages)
