"""Arms that run side by side: in step, at equal tokens, and paid for once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from experiments import HINTED, PLAIN, run_experiment
from guidance_kinds import answering
from guide_jobs import adds, task_row
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.engines import Request, Result
from cogtrace.errors import JobError, JobStopped
from cogtrace.experiments.lockstep import Lockstep
from cogtrace.experiments.outcomes import paired, read_arm
from cogtrace.experiments.running import places_of, repeated
from cogtrace.jobs.budget import Limits
from cogtrace.plugins.job import GuideFolder, RunReader, verify_runs


def test_every_arm_is_a_sound_job_with_every_task(tmp_path: Path) -> None:
    manifests, _ = run_experiment(tmp_path / "out", 30)

    assert list(manifests) == ["plain", "hinted", "control"]
    for name, manifest in manifests.items():
        assert manifest.status == "finished"
        assert manifest.counts.runs == 30
        assert manifest.order.kind == "random"
        assert verify_runs(GuideFolder(tmp_path / "out" / "arms" / name)).problems == []


def test_the_control_arm_spends_what_the_dearest_arm_spent_on_the_same_task(tmp_path: Path) -> None:
    def said(request: Request) -> str:
        if "A hint for" in request.messages[-1].content:
            number = int(request.key.partition("/")[0][1:])
            return " ".join(["word"] * (10 if number % 2 else 200))
        return adds(request)

    run_experiment(tmp_path / "out", 20, engine=answering(said))

    hinted, control = (
        {run.task_id: run for run in RunReader(tmp_path / "out" / "arms" / name).runs()}
        for name in ("hinted", "control")
    )
    for task_id, run in control.items():
        wanted = hinted[task_id].usage
        budget = wanted.prompt_tokens + wanted.completion_tokens
        spent = run.usage.prompt_tokens + run.usage.completion_tokens
        assert abs(spent - budget) <= spent / len(run.candidates)
    samples = {int(task[1:]) % 2: len(run.candidates) for task, run in control.items()}
    assert samples[0] > samples[1]


def test_control_arms_of_each_arm_follow_their_own(tmp_path: Path) -> None:
    manifests, extra = run_experiment(tmp_path / "out", 6, arms=(PLAIN, HINTED), control="each")

    assert [control.like for control in extra] == [("hinted",)]
    assert manifests["control"].plan[0].options["like"] == "hinted"


def test_tasks_of_all_arms_reach_the_engine_mixed(tmp_path: Path) -> None:
    seen: list[str] = []

    def said(request: Request) -> str:
        kind = "hinted" if "hint" in request.messages[-1].content else "plain"
        seen.append(kind)
        return adds(request)

    run_experiment(tmp_path / "out", 600, engine=answering(said), control="none")

    first = Counter(seen[: len(seen) // 2])
    assert 0.2 < first["plain"] / first.total() < 0.5  # a third of all requests


def test_no_answer_is_paid_for_twice_however_often_it_stops(tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked: Counter[str] = Counter()

    class Going:
        """An engine that is gone after some answers."""

        def __init__(self, most: int) -> None:
            self._inner, self._left = answering(adds), most
            self.trouble: str | None = None

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        async def complete(self, requests: Sequence[Request]) -> list[Result]:
            self._left -= len(requests)
            if self._left < 0:
                self.trouble = "the engine is gone"
                raise OSError("gone")
            asked.update(request.key + str(request.messages[-1].content) for request in requests)
            return await self._inner.complete(requests)

    for most in (40, 25, 60):
        with pytest.raises(JobStopped):
            run_experiment(out, 40, engine=Going(most), limits=Limits())  # type: ignore[arg-type]
    manifests, _ = run_experiment(out, 40, engine=Going(10_000))  # type: ignore[arg-type]

    assert {m.counts.runs for m in manifests.values()} == {40}
    # A plain question and a sample of it for the control arm have the names of their plugins.
    assert max(asked.values()) == 1
    whole, _ = run_experiment(tmp_path / "again", 40)
    assert sum(asked.values()) == sum(m.usage.requests for m in whole.values())
    for name in manifests:
        assert verify_runs(GuideFolder(out / "arms" / name)).problems == []


def test_a_limit_counts_all_arms_together(tmp_path: Path) -> None:
    with pytest.raises(JobStopped, match="max-tokens-total"):
        run_experiment(tmp_path / "out", 200, limits=Limits(max_tokens_total=2_000))

    spent = 0
    for name in ("plain", "hinted", "control"):
        usage = RunReader(tmp_path / "out" / "arms" / name).manifest.usage
        spent += usage.prompt_tokens + usage.completion_tokens
    assert 1_500 < spent < 20_000


def test_other_tasks_are_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    run_experiment(tmp_path / "out", 10)

    with pytest.raises(JobError, match="not the one the job was begun with"):
        run_experiment(tmp_path / "out", [task_row(n + 1) for n in range(10)])


def test_repeated_tasks_have_ids_of_their_own_and_are_one_cluster(tmp_path: Path) -> None:
    rows = list(repeated([task_row(n) for n in range(5)], 3))

    run_experiment(tmp_path / "out", rows, control="none")

    arms = [read_arm(name, tmp_path / "out" / "arms" / name) for name in ("plain", "hinted")]
    data = paired(arms)
    assert len(set(data.task_ids)) == 15
    assert data.questions == 5
    assert data.repeated


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**32), st.integers(1, 6))
def test_arms_in_step_never_wait_for_ever(tasks: int, seed: int, ahead: int) -> None:
    """Whatever was done before by whom, and whoever is how quick, all arms come to an end."""
    draw = random.Random(seed)
    places = places_of([task_row(n) for n in range(tasks)])
    names = ["a", "b", "control"]
    lockstep = Lockstep(places, names)
    lockstep.ahead = ahead
    todo = {}
    for name in names:
        done = {task for task in places if draw.random() < 0.3}
        for task in done:
            lockstep.known(name, task, 5)
        todo[name] = [task for task in places if task not in done]
    widest = 0

    async def arm(name: str) -> None:
        nonlocal widest
        gate = asyncio.Semaphore(draw.randint(1, 8))

        async def one(task: str) -> None:
            nonlocal widest
            async with gate:
                await lockstep.begin(name, task, ("a", "b") if name == "control" else ())
                low = min(lockstep._first.values())
                widest = max(widest, places[task] - low)
                for _ in range(draw.randint(0, 3)):
                    await asyncio.sleep(0)
                lockstep.known(name, task, 5)

        await asyncio.gather(*(one(task) for task in todo[name]))
        lockstep.ended(name)

    async def main() -> None:
        await asyncio.wait_for(asyncio.gather(*map(arm, names)), 10)

    asyncio.run(main())
    assert widest <= ahead
