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


@dataclass(frozen=True, slots=True)
class TaskColumns:
    """What columns of an input mean that traces do not have."""

    context: str = "context"


def task_of_trace(trace: Trace, columns: TaskColumns | None = None) -> GivenTask:
    """Return the task that a row holds."""
    named = columns or TaskColumns()
    meta: dict[str, Any] = dict(trace.meta)
    context = meta.pop(named.context, None) if isinstance(meta.get(named.context), str) else None
    if trace.task is not None:
        meta.setdefault("task", trace.task)
    return GivenTask(
        Task(
            task_id=trace.trace_id,
            question=trace.text,
            problem_type=trace.problem_type,
            context=context or None,
            meta=meta,
        ),
        trace.reference_answer,
    )
