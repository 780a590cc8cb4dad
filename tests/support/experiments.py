"""Small experiments for tests: arms of small plugins that are run, and arms made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from guidance_kinds import answering, kind
from guide_jobs import adds, task_row

from cogtrace.engines import Engine
from cogtrace.experiments.arms import ArmSpec
from cogtrace.experiments.control import ControlSpec, controls
from cogtrace.experiments.folder import ExperimentFolder
from cogtrace.experiments.outcomes import Arm, Paired
from cogtrace.experiments.running import ExperimentPlan, run_arms
from cogtrace.jobs.ordering import ShuffledRows
from cogtrace.jobs.provenance import here, now
from cogtrace.plugins.guidance import Sampling, TaskRun
from cogtrace.plugins.job import Manifest
from cogtrace.plugins.pipeline import make_plan
from cogtrace.plugins.pipeline.records import ModelRef
from cogtrace.records import SourceRow


async def _hint(run: TaskRun) -> str:
    (reply,) = await run.ask(f"A hint for {run.task.task_id}, please.")
    return f"A hint: {reply.text}"


PLAIN = ArmSpec("plain", "plain", make_plan())
HINTED = ArmSpec("hinted", "hinted", make_plan([kind("hint", scaffolds=_hint)]))


def run_experiment(
    folder: Path,
    rows: Sequence[SourceRow] | int = 30,
    *,
    engine: Engine | None = None,
    arms: Sequence[ArmSpec] = (PLAIN, HINTED),
    control: str = "dearest",
    **more: Any,
) -> tuple[dict[str, Manifest], Sequence[ControlSpec]]:
    """Run the arms of an experiment, or go on with them; return manifests and controls."""
    given = [task_row(n) for n in range(rows)] if isinstance(rows, int) else rows
    extra = controls(arms, control)
    plan = ExperimentPlan(
        folder=ExperimentFolder(folder),
        arms=arms,
        controls=extra,
        engine=engine or answering(adds),
        **{"part_tasks": 8, **more},
    )
    with ShuffledRows(given, 0) as shuffled:
        return run_arms(plan, shuffled), extra


def made_arm(
    name: str,
    right: Sequence[bool],
    *,
    failed: Sequence[bool] | None = None,
    questions: Sequence[int] | None = None,
    types: Sequence[str | None] | None = None,
    tokens: int = 100,
    **manifest: Any,
) -> Arm:
    """Return an arm whose tasks came out as given."""
    n = len(right)
    failures = failed or [False] * n
    frame = pl.DataFrame(
        {
            "task_id": [f"t{number}" for number in range(n)],
            "question": [f"q{q}" for q in (questions or range(n))],
            "problem_type": types or [None] * n,
            "outcome": ["failed" if f else "answered" for f in failures],
            "right": [None if f else r for r, f in zip(right, failures, strict=True)],
            "known": [True] * n,
            "tokens": [tokens] * n,
            "calls": [1] * n,
            "seconds": [0.5] * n,
            "samples": [1] * n,
        },
        schema_overrides={"problem_type": pl.String, "right": pl.Boolean},
    )
    fields = {
        "status": "finished",
        "created": now(),
        "updated": now(),
        "inputs": (),
        "plan": (),
        "sampling": Sampling(),
        "model": ModelRef(engine="scripted", model="m"),
        "options": {},
        "platform": here(),
    }
    return Arm(name, Path(name), Manifest(**{**fields, **manifest}), frame)


def outcomes(right: np.ndarray[Any, Any], cluster: np.ndarray[Any, Any] | None = None) -> Paired:
    """Return the outcomes of arms (rows) by task (columns), without any cost."""
    arms, n = right.shape
    no = np.zeros((arms, n), dtype=bool)
    return Paired(
        arms=tuple(made_arm(f"arm {number}", []) for number in range(arms)),
        task_ids=[str(task) for task in range(n)],
        types=[None] * n,
        cluster=np.arange(n) if cluster is None else cluster,
        right=right,
        failed=no,
        unanswered=no,
        costs={name: np.ones((arms, n)) for name in ("tokens", "calls", "seconds", "samples")},
        unpaired=0,
        ungraded=0,
    )
