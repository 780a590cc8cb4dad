"""Tasks in, records out, from Python."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, overload

import msgspec

from cogtrace.engines import Engine, EngineSettings
from cogtrace.errors import OptionError
from cogtrace.grading import AnswerKind
from cogtrace.plugins.guidance import Sampling, Task
from cogtrace.plugins.manager import extensions
from cogtrace.plugins.pipeline.pipeline import Pipeline
from cogtrace.plugins.pipeline.plan import Plan, Wanted, make_plan
from cogtrace.plugins.pipeline.records import GuidanceRun
from cogtrace.plugins.pipeline.stages import Answers

TaskLike = str | Task | Mapping[str, Any]


@overload
async def guide(  # type: ignore[overload-overlap]  # a str is one task, not a sequence of them
    tasks: TaskLike,
    with_: str | Iterable[Wanted | Plan] | Plan = ...,
    *,
    engine: str | Engine = ...,
    model: str = ...,
    settings: EngineSettings | None = ...,
    sampling: Sampling | None = ...,
    answers: Answers | None = ...,
    answer_kind: AnswerKind | None = ...,
    seed: int = ...,
) -> GuidanceRun: ...


@overload
async def guide(
    tasks: Sequence[TaskLike],
    with_: str | Iterable[Wanted | Plan] | Plan = ...,
    *,
    engine: str | Engine = ...,
    model: str = ...,
    settings: EngineSettings | None = ...,
    sampling: Sampling | None = ...,
    answers: Answers | None = ...,
    answer_kind: AnswerKind | None = ...,
    seed: int = ...,
) -> list[GuidanceRun]: ...


async def guide(
    tasks: TaskLike | Sequence[TaskLike],
    with_: str | Iterable[Wanted | Plan] | Plan = (),
    *,
    engine: str | Engine = "scripted",
    model: str = "",
    settings: EngineSettings | None = None,
    sampling: Sampling | None = None,
    answers: Answers | None = None,
    answer_kind: AnswerKind | None = None,
    seed: int = 0,
) -> GuidanceRun | list[GuidanceRun]:
    """Put tasks to a model with guidance plugins; return one record each, in order.

    A task is a question, a `Task`, or a mapping with its fields and perhaps
    ``reference_answer``. ``with_`` names the plugins as ``--with`` does, or is a list of
    names, of registered kinds, and of pairs of these with options. ``engine`` is the name of
    one (``model`` and ``settings`` as on the command line) or an `Engine`, which is started
    and closed here.

    What goes wrong with one task is in its record; the others are not touched.

    >>> from cogtrace.engines.scripted import ScriptedEngine
    >>> engine = ScriptedEngine.from_rules([{"when": "17", "answer": "The answer is 41."}])
    >>> run = asyncio.run(guide("What is 17 + 24?", engine=engine))
    >>> run.outcome, run.answer
    ('answered', '41')

    Raises:
        OptionError: an unknown plugin, option or engine, or plugins that exclude each other.
        PluginError: a plugin is broken.
        EngineError: the engine cannot be used.
        Stopped: the engine has gone in the middle.
    """
    plan = make_plan(with_)
    one = isinstance(tasks, str | Task | Mapping)
    given = [tasks] if isinstance(tasks, str | Task | Mapping) else list(tasks)
    read = [_task(item, number) for number, item in enumerate(given, start=1)]
    if isinstance(engine, str):
        chosen = settings or EngineSettings()
        if model:
            chosen = msgspec.structs.replace(chosen, model=model)
        engine = extensions().engine(engine).build(chosen)
    pipeline = Pipeline(
        plan, engine, sampling=sampling, answers=answers, answer_kind=answer_kind, seed=seed
    )
    async with pipeline:
        runs = await pipeline.run_all(read)
    return runs[0] if one else runs


def guide_sync(tasks: TaskLike | Sequence[TaskLike], with_: Any = (), **arguments: Any) -> Any:
    """Do as `guide` does, and wait for it; for programs without an event loop.

    >>> guide_sync("Two plus two?").task_id
    'task-1'
    """
    return asyncio.run(guide(tasks, with_, **arguments))


def _task(item: TaskLike, number: int) -> tuple[Task, str | None]:
    """Return a task and its reference answer.

    Raises:
        OptionError: a mapping that is no task.
    """
    if isinstance(item, Task):
        return item, None
    if isinstance(item, str):
        return Task(task_id=f"task-{number}", question=item), None
    fields = {"task_id": f"task-{number}", **item}
    reference = fields.pop("reference_answer", None)
    if reference is not None and not isinstance(reference, str):
        reference = str(reference)
    try:
        return msgspec.convert(fields, Task), reference
    except msgspec.ValidationError as error:
        raise OptionError(f"task {number}: {error}") from error
