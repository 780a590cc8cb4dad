from __future__ import annotations

from pathlib import Path

import pytest
from guided import TASK, asked, guided

from cogtrace.engines import Request, Result
from cogtrace.engines.base import TokenUsage
from cogtrace.errors import OptionError
from cogtrace.plugins.builtin.budget.plugin import KIND
from cogtrace.plugins.builtin.budget.spending import spent_by_task
from cogtrace.plugins.job.tables import parquet, run_frame
from cogtrace.plugins.pipeline import GuidanceRun


def _costing(prompt: int, completion: int) -> Result:
    return Result(text="#### 1", usage=TokenUsage(prompt=prompt, completion=completion))


def _saved(run: GuidanceRun, folder: Path) -> str:
    (folder / "runs").mkdir(parents=True)
    (folder / "runs" / "part-00000.parquet").write_bytes(parquet(run_frame([run]), {}))
    return str(folder)


@pytest.mark.parametrize(
    ("options", "samples"),
    [
        ("tokens=1000", 10),
        ("tokens=1049", 10),
        ("tokens=1051", 11),
        ("tokens=1", 1),
        ("tokens=980,count=completion", 12),
        ("tokens=100000,most_samples=7", 7),
    ],
)
def test_samples_are_drawn_until_the_tokens_are_spent(options: str, samples: int) -> None:
    run = guided(f"budget:{options}", {"budget": _costing(20, 80)})

    assert run.usage_by_plugin["budget"].requests == samples
    assert len(run.candidates) == samples
    assert asked(run, "budget") == TASK.question


def test_samples_that_cost_more_and_more_do_not_run_away() -> None:
    drawn = 0

    def reply(request: Request) -> Result:
        nonlocal drawn
        drawn += 1
        return _costing(0, 10 * drawn)

    run = guided("budget:tokens=1000", {"budget": reply})

    spent = run.usage_by_plugin["budget"].completion_tokens
    assert 700 <= spent <= 1_300


def test_samples_that_cost_nothing_end_too() -> None:
    run = guided("budget:most_samples=5", {"budget": ""})

    assert len(run.candidates) <= 5


def test_each_task_may_cost_what_it_cost_in_another_run(tmp_path: Path) -> None:
    other = guided("restate,analogy", {"restate": "In other words.", "analogy": "nothing"})
    folder = _saved(other, tmp_path / "run")

    run = guided([(KIND, {"like": folder})])

    spent = other.usage.prompt_tokens + other.usage.completion_tokens
    assert spent_by_task(folder, "all") == {"pens": spent}
    assert spent_by_task(folder, "completion") == {"pens": other.usage.completion_tokens}
    one = sum(u.prompt_tokens + u.completion_tokens for u in [run.calls[0].usage])
    assert abs(run.usage.prompt_tokens + run.usage.completion_tokens - spent) <= one / 2


def test_a_task_of_which_nobody_knows_what_it_cost_fails_by_name(tmp_path: Path) -> None:
    folder = _saved(guided(()), tmp_path / "run")

    run = guided([(KIND, {"like": folder})], task={"task_id": "new", "question": "1 + 1?"})

    assert run.outcome == "failed"
    assert "has no task 'new'" in run.errors[0].message


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="holds no run"):
        guided([(KIND, {"like": str(tmp_path)})])
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "part-00000.parquet").write_text("no parquet")
    with pytest.raises(OptionError, match="cannot be read"):
        guided([(KIND, {"like": str(tmp_path)})])


def test_the_samples_are_voted_on() -> None:
    run = guided(
        "budget:tokens=9000,most_samples=3,kind=numeric",
        {"budget": ["#### 1", "#### 2", "#### 2.0"]},
    )

    assert run.answer == "2"
