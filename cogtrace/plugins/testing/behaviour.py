"""Properties of what a plugin does with tasks while the model answers sensibly."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import inspect
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from cogtrace.plugins.guidance import Task
from cogtrace.plugins.pipeline import GuidanceRun, Plan
from cogtrace.plugins.pipeline.hooks import Hook
from cogtrace.plugins.testing.running import PropertyBroken, Subject
from cogtrace.plugins.testing.tasks import REFUSED, sample_tasks

_STRANGE: Final = ("unicode", "spaces", "hostile")


def every_task_ends_with_a_sound_record(subject: Subject) -> None:
    """Whatever the task, also an empty or very long one, nothing goes wrong with it."""
    from cogtrace.schemas import problems

    refused = {task.task_id for task in sample_tasks(*REFUSED)}
    tasks = sample_tasks()
    for task, run in zip(tasks, subject.run(tasks), strict=True):
        for error in run.errors:
            if task.task_id not in refused or error.plugin == subject.name:
                raise PropertyBroken(f"task {task.task_id!r}: {error.hook}: {error.message}")
        if task.task_id in refused and any(call.plugin == subject.name for call in run.calls):
            raise PropertyBroken(f"task {task.task_id!r} was to be refused, and it asks the model")
        if task.task_id != "half-pair":
            for place, reason in problems("guidance-run", json.loads(msgspec.json.encode(run))):
                raise PropertyBroken(f"task {task.task_id!r}: the record, at {place}: {reason}")


def it_changes_nothing_that_it_is_given(subject: Subject) -> None:
    """Task, candidates, verdicts, events and its own schema of options stay as they were."""
    changed: list[str] = []
    plan = subject.plan()
    steps = tuple(
        dataclasses.replace(
            step, hooks={name: _compared(hook, changed) for name, hook in step.hooks.items()}
        )
        for step in plan.steps
    )
    tasks = sample_tasks("plain", "spaces")
    before = copy.deepcopy((msgspec.to_builtins(tasks), subject.kind.options))
    subject.run(tasks, plan=Plan(steps))
    if (msgspec.to_builtins(tasks), subject.kind.options) != before:
        changed.append("the tasks of the run, or its own schema of options")
    if changed:
        raise PropertyBroken(f"changes {changed[0]}; return a new record instead")


def _compared(hook: Hook, changed: list[str]) -> Hook:
    """Return a hook that also looks whether what it is given is the same afterwards."""

    def check(values: Sequence[Any], before: list[Any]) -> None:
        for name, value, was in zip(hook.arguments, values, before, strict=True):
            if _seen(value) != was:
                changed.append(f"{name!r} in {hook.name}")

    async def awaited(result: Any, values: Sequence[Any], before: list[Any]) -> Any:
        try:
            return await result
        finally:
            check(values, before)

    def plain(*values: Any) -> Any:
        before = [_seen(value) for value in values]
        result = hook.function(*values)
        if inspect.isawaitable(result):
            return awaited(result, values, before)
        check(values, before)
        return result

    async def waiting(*values: Any) -> Any:
        return await awaited(hook.function(*values), values, [_seen(value) for value in values])

    function: Callable[..., Any] = waiting if hook.is_async else plain
    return dataclasses.replace(hook, function=function)


def _seen(value: Any) -> Any:
    """Return a copy of what a hook is given."""
    if hasattr(value, "task") and hasattr(value, "scaffolds"):
        value = (value.task, value.sampling, value.scaffolds, value.exchange)
    return copy.deepcopy(msgspec.to_builtins(value))


def the_question_stays_verbatim(subject: Subject) -> None:
    """The model sees each question as it was given, whatever marks are in it."""
    plain = subject.run(sample_tasks("plain"))
    quotes = all(_first_call_quotes(subject, run) for run in plain)
    tasks = sample_tasks("plain", *_STRANGE, "long")
    for task, run in zip(tasks, subject.run(tasks), strict=True):
        _check_question(subject, task, run)
        if quotes and task.task_id != "long" and not _first_call_quotes(subject, run):
            raise PropertyBroken(
                f"task {task.task_id!r}: its prompt quotes the question of other tasks, and "
                f"changes this one: {task.question[:60]!r}"
            )


def _check_question(subject: Subject, task: Task, run: GuidanceRun) -> None:
    if run.question != task.question:
        raise PropertyBroken(f"task {task.task_id!r}: the question in the record is another one")
    solved = any(candidate.plugin == subject.name for candidate in run.candidates)
    if solved and not any(_quotes(task.question, call.messages) for call in run.calls):
        raise PropertyBroken(
            f"task {task.task_id!r}: solves it without showing the model the question"
        )
    for call in run.calls:
        if call.plugin == "pipeline" and task.question not in call.messages[-1].content:
            raise PropertyBroken(f"task {task.task_id!r}: the model does not get the question")


def _first_call_quotes(subject: Subject, run: GuidanceRun) -> bool:
    first = next((call for call in run.calls if call.plugin == subject.name), None)
    return first is None or _quotes(run.question, first.messages)


def _quotes(question: str, messages: Sequence[Any]) -> bool:
    """Say whether a question stands in messages, as it is or as a JSON string."""
    forms = [question, *(json.dumps(question, ensure_ascii=a)[1:-1] for a in (True, False))]
    return any(form in message.content for form in forms for message in messages)


def it_prints_nothing(subject: Subject) -> None:
    """Standard output is left to the results of commands."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        subject.run(sample_tasks("plain"))
    if printed.getvalue():
        raise PropertyBroken(f"prints {printed.getvalue()[:80]!r}")
