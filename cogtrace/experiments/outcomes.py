"""What came of the tasks of each arm: right or wrong, and what it cost; arms side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from cogtrace.corpora.statistics.arrays import Array
from cogtrace.errors import JobDamaged
from cogtrace.jobs.damage import UNREADABLE
from cogtrace.plugins.job import Manifest, RunReader
from cogtrace.plugins.pipeline.records import GuidanceRun

# Says whether a task was solved; None: nothing tells. Asked of runs that were answered.
Grade = Callable[[GuidanceRun], bool | None]

COSTS: Final = ("tokens", "calls", "seconds", "samples")
_ANSWERED: Final = "answered"
_FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Arm:
    """The runs of one arm, by task."""

    name: str
    path: Path
    manifest: Manifest
    frame: pl.DataFrame  # task_id, question, problem_type, outcome, right, tokens, calls, ...

    @property
    def plan(self) -> str:
        """Its plugins, with their options, in words."""
        steps = []
        for step in self.manifest.plan:
            options = ",".join(f"{name}={value}" for name, value in step.options.items())
            steps.append(f"{step.plugin}({options})" if options else step.plugin)
        return " + ".join(steps) or "no plugins"


@dataclass(frozen=True, slots=True)
class Paired:
    """The tasks that all arms have and that are graded. First axis: arms; second: tasks."""

    arms: tuple[Arm, ...]
    task_ids: list[str]
    types: list[str | None]
    cluster: Array  # number of the question
    right: Array  # bool
    failed: Array  # bool
    unanswered: Array  # bool; failed not among them
    costs: Mapping[str, Array]
    unpaired: int
    ungraded: int

    @property
    def names(self) -> list[str]:
        """The names of the arms."""
        return [arm.name for arm in self.arms]

    @property
    def questions(self) -> int:
        """How many questions there are."""
        return len(np.unique(self.cluster))

    @property
    def repeated(self) -> bool:
        """Whether a question was run more than once."""
        return self.questions < len(self.task_ids)


def read_arm(
    name: str, path: Path, grade: Grade | None = None, *, by_reference: bool = True
) -> Arm:
    """Read the runs of an arm, graded as they were when they ran, or anew.

    ``by_reference`` says whether grading needs a right answer; where it does not, whatever has
    no answer is wrong.

    Raises:
        JobError: there is no guidance job in the folder.
        JobDamaged: it cannot be read.
    """
    reader = RunReader(path)
    files = reader.files()
    if not files:
        return Arm(name, path, reader.manifest, pl.DataFrame(schema=_SCHEMA))
    try:
        frame = pl.scan_parquet(files).select(*_columns()).collect()
    except UNREADABLE as error:
        raise JobDamaged(f"{path}: cannot be read ({error}); see cogtrace verify") from error
    if grade is not None:
        right = [grade(run) if run.outcome == _ANSWERED else None for run in reader.runs()]
        frame = frame.with_columns(right=pl.Series(right, dtype=pl.Boolean))
    if not by_reference:
        frame = frame.with_columns(known=pl.col("outcome") != _ANSWERED)
    return Arm(name, path, reader.manifest, frame)


def paired(arms: Sequence[Arm]) -> Paired:
    """Put the arms side by side on the tasks that all have, under the same id and question.

    A task is graded if something tells right from wrong in every arm that answered it; what
    an arm left unanswered, asked back about or failed at is wrong.
    """
    tables = [_renamed(arm.frame, place) for place, arm in enumerate(arms)]
    joined = tables[0]
    for table in tables[1:]:
        joined = joined.join(table, on=["task_id", "question"], how="inner", maintain_order="left")
    every = pl.concat([arm.frame.select("task_id", "question") for arm in arms]).unique()
    graded = pl.all_horizontal(pl.col(f"graded_{place}") for place in range(len(arms)))
    kept = joined.filter(graded)

    def stacked(name: str) -> Array:
        return np.stack([kept[f"{name}_{place}"].to_numpy() for place in range(len(arms))])

    questions = kept["question"].to_list()
    numbers: dict[str, int] = {}
    return Paired(
        arms=tuple(arms),
        task_ids=kept["task_id"].to_list(),
        types=kept["problem_type_0"].to_list(),
        cluster=np.array([numbers.setdefault(q, len(numbers)) for q in questions], dtype=np.int64),
        right=stacked("right"),
        failed=stacked("failed"),
        unanswered=stacked("unanswered"),
        costs={name: stacked(name).astype(np.float64) for name in COSTS},
        unpaired=every.height - joined.height,
        ungraded=joined.height - kept.height,
    )


def text_of(run: GuidanceRun) -> str:
    """Return what an answer is from, for people: the text, or why there is none."""
    text = run.text
    if text is not None:
        return text
    if run.clarification is not None:
        return f"(asked back: {run.clarification.question})"
    return f"({run.outcome}: {'; '.join(error.message for error in run.errors)})"


def runs_of(arm: Arm, task_ids: set[str]) -> dict[str, GuidanceRun]:
    """Return the records of some tasks of an arm."""
    return {run.task_id: run for run in RunReader(arm.path).runs() if run.task_id in task_ids}


_SCHEMA: Final[dict[str, Any]] = {
    "task_id": pl.String,
    "question": pl.String,
    "problem_type": pl.String,
    "outcome": pl.String,
    "right": pl.Boolean,
    "known": pl.Boolean,
    "tokens": pl.Int64,
    "calls": pl.Int64,
    "seconds": pl.Float64,
    "samples": pl.Int64,
}


def _columns() -> list[pl.Expr]:
    usage = pl.col("usage_by_plugin")

    def summed(*names: str) -> pl.Expr:
        parts = (usage.list.eval(pl.element().struct.field(name)).list.sum() for name in names)
        return pl.sum_horizontal(parts)

    return [
        pl.col("task_id", "question", "problem_type", "outcome"),
        pl.col("correct").alias("right"),
        pl.col("reference_answer").is_not_null().alias("known"),
        summed("prompt_tokens", "completion_tokens").alias("tokens"),
        summed("requests").alias("calls"),
        summed("seconds").alias("seconds"),
        pl.col("candidates").list.len().cast(pl.Int64).alias("samples"),
    ]


def _renamed(frame: pl.DataFrame, place: int) -> pl.DataFrame:
    answered = pl.col("outcome") == _ANSWERED
    failed = pl.col("outcome") == _FAILED
    return frame.select(
        "task_id",
        "question",
        pl.col("problem_type").alias(f"problem_type_{place}"),
        (pl.col("right").fill_null(False) & answered).alias(f"right_{place}"),
        pl.when(answered)
        .then(pl.col("right").is_not_null())
        .otherwise(pl.col("known"))
        .alias(f"graded_{place}"),
        failed.alias(f"failed_{place}"),
        (~answered & ~failed).alias(f"unanswered_{place}"),
        *(pl.col(name).fill_null(0).alias(f"{name}_{place}") for name in COSTS),
    )
