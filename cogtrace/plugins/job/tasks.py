"""From rows of an input to tasks.

Rows come as `SourceRow` whose trace's text is the question: so they are read, shuffled,
recognised and quarantined as those of any job are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cogtrace.plugins.guidance import Task
from cogtrace.records import Trace


@dataclass(frozen=True, slots=True)
class GivenTask:
    """A task of an input, and its right answer, where that is known."""

    task: Task
    reference_answer: str | None = None


def task_of_trace(trace: Trace) -> GivenTask:
    """Return the task that a row holds; a ``context`` stands in its ``meta``."""
    meta: dict[str, Any] = dict(trace.meta)
    context = meta.pop("context") if isinstance(meta.get("context"), str) else None
    if trace.task is not None:
        meta.setdefault("task", trace.task)
    task = Task(
        task_id=trace.trace_id,
        question=trace.text,
        problem_type=trace.problem_type,
        context=context,
        meta=meta,
    )
    return GivenTask(task, trace.reference_answer)
