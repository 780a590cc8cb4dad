"""Running a plugin on tasks, as a test wants to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from cogtrace.engines import Engine
from cogtrace.plugins.guidance import Clarification, GuidanceKind, Sampling, Task
from cogtrace.plugins.pipeline import GuidanceRun, Pipeline, Plan, make_plan
from cogtrace.plugins.pipeline.stages import Answers
from cogtrace.plugins.testing.engines import answering
from cogtrace.plugins.testing.tasks import numbered_tasks

HOOK_SECONDS: Final = 20.0  # for one hook; none of a plugin under test hangs for ever
RUN_SECONDS: Final = 120.0  # for all tasks of one trial
SAMPLING: Final = Sampling(samples=3, temperature=0.7, max_tokens=400)


class PropertyBroken(AssertionError):
    """A plugin does not keep what every plugin must keep; says what it did."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A plugin under test, with options other than its defaults where it needs some."""

    kind: GuidanceKind
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.kind.name

    def plan(self, **reserved: Any) -> Plan:
        """Return a plan with this plugin alone, built anew; ``reserved`` options on top."""
        return make_plan([(self.kind, {"timeout": HOOK_SECONDS, **self.options, **reserved})])

    def run(
        self,
        tasks: Sequence[Task],
        engine: Engine | None = None,
        *,
        plan: Plan | None = None,
        in_flight: int | None = None,
        seed: int = 0,
    ) -> list[GuidanceRun]:
        """Return the records of tasks carried through.

        Raises:
            PropertyBroken: the run as a whole did not come to its end.
        """
        return carried_through(
            plan or self.plan(), tasks, engine or answering(), in_flight=in_flight, seed=seed
        )


def carried_through(
    plan: Plan,
    tasks: Sequence[Task],
    engine: Engine,
    *,
    in_flight: int | None = None,
    seed: int = 0,
    sampling: Sampling = SAMPLING,
    answers: Answers | None = None,
) -> list[GuidanceRun]:
    """Return the records of tasks; some questions back are answered, some are not."""

    async def work() -> list[GuidanceRun]:
        pipeline = Pipeline(
            plan, engine, sampling=sampling, answers=answers or answers_some, seed=seed
        )
        async with pipeline, asyncio.timeout(RUN_SECONDS):
            return await pipeline.run_all([(task, None) for task in tasks], in_flight=in_flight)

    try:
        return asyncio.run(work())
    except Exception as error:
        raise PropertyBroken(
            f"the whole run ended with {type(error).__name__}: {error}"[:500]
        ) from error


def run_plugin(
    plugin: str | GuidanceKind,
    tasks: Task | str | Sequence[Task | str] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    engine: Engine | None = None,
    answers: Answers | None = None,
    sampling: Sampling | None = None,
    seed: int = 0,
) -> list[GuidanceRun]:
    """Return what becomes of tasks under one plugin; one record each, in order.

    A task may be a question only; without tasks there are ten plain ones. The engine
    answers sensibly unless another is given.

    >>> from cogtrace.engines.scripted import ScriptedEngine
    >>> engine = ScriptedEngine.from_rules([{"when": "17", "answer": "The answer is 41."}])
    >>> run_plugin(kind, "What is 17 + 24?", engine=engine)[0].answer  # doctest: +SKIP
    '41'

    Raises:
        OptionError: an option is unknown or has an impossible value.
        PluginError: the plugin is unknown or broken.
    """
    given = numbered_tasks(10) if tasks is None else tasks
    listed = [given] if isinstance(given, str | Task) else given
    read = [
        Task(task_id=f"task-{number}", question=item) if isinstance(item, str) else item
        for number, item in enumerate(listed, start=1)
    ]
    plan = make_plan([(plugin, options or {})])
    return carried_through(
        plan,
        read,
        engine or answering(),
        seed=seed,
        sampling=sampling or Sampling(),
        answers=answers,
    )


def answers_some(task: Task, asked: Clarification) -> str | None:
    """Answer questions back about every second task."""
    return "Take the first reading {of} the two." if len(task.question) % 2 else None


def essence(run: GuidanceRun) -> dict[str, Any]:
    """Return what of a record must be the same whenever a run is repeated.

    That is all but times and tokens: what is found in the engine's cache depends on what
    was asked before, and calls made at the same time may be recorded in any order.
    """
    data: dict[str, Any] = msgspec.to_builtins(run)
    del data["seconds"]
    data.pop("usage_by_plugin", None)
    for call in data["calls"]:
        del call["usage"]
    data["calls"] = sorted(data["calls"], key=repr)
    return data
