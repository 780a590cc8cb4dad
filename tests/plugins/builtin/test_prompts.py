"""What a model sees of each built-in plugin, word for word.

A change of a prompt changes results: raise the plugin's ``version`` with it, then write the
snapshots anew with ``python tests/plugins/builtin/test_prompts.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "support"))  # when run by itself
from guided import HOSTILE, TASK, Replies, guided, shown

FOLDER = Path(__file__).with_name("snapshots")
ANALOGUE = "### Type and method\nA story; multiply, then subtract.\n\n### Similar problem\nP?\n\n"
ANALOGUE += "### Its solution\nS."
SOUND = json.dumps({"evidence": [], "question": "", "verdict": "sound"})
FLAWED = json.dumps(
    {
        "evidence": [{"quote": "3 boxes", "why": "There are none."}],
        "question": "Which boxes?",
        "verdict": "absent-object",
    }
)
STORY = json.dumps({"reason": "a narrative", "problem_type": "story"})
UNTYPED = {"question": TASK.question, "task_id": "pens"}

CASES: dict[str, tuple[Any, Replies, Any]] = {
    "restate": ("restate", {"restate": "Conditions: 3 boxes of 12.\nGoal: what is left."}, TASK),
    "restate-hostile": ("restate", {"restate": "Count to three."}, HOSTILE),
    "analogy": ("analogy", {"analogy": ANALOGUE}, TASK),
    "analogy-two": ("analogy:k=2", {"analogy": [ANALOGUE, ANALOGUE.replace("P?", "Q?")]}, TASK),
    "analogy-shared": ("analogy:k=2,shared=true", {"analogy": ANALOGUE}, TASK),
    "analogy-reverse": ("analogy:variant=reverse", {"analogy": ANALOGUE}, TASK),
    "analogy-shortcut": ("analogy:variant=shortcut", {"analogy": ANALOGUE}, TASK),
    "clarify": ("clarify", {"clarify": FLAWED}, TASK),
    "clarify-forced": ("clarify:mode=forced", {"clarify": SOUND}, TASK),
    "clarify-cautious": ("clarify:persona=cautious", {"clarify": SOUND}, TASK),
    "structure": ("structure", {}, TASK),
    "structure-typed": ("structure:problem_type=troubleshooting", {}, TASK),
    "structure-classify": ("structure:classify=llm", {"structure": STORY}, UNTYPED),
    "together": (
        "clarify,restate,analogy,structure,abduce,vote:samples=1",
        {"clarify": FLAWED, "restate": "In other words.", "analogy": ANALOGUE},
        TASK,
    ),
}


def _seen(name: str) -> str:
    with_, replies, task = CASES[name]
    answers = {"pens": "The ones on the table."} if name == "together" else None
    return shown(guided(with_, replies, task, answers=answers))


@pytest.mark.parametrize("name", CASES)
def test_a_model_sees_what_it_saw_before(name: str) -> None:
    assert _seen(name) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def test_there_is_no_snapshot_without_its_case() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(CASES)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        (FOLDER / f"{case}.txt").write_text(_seen(case), encoding="utf-8")
