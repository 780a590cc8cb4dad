"""One task as one plugin sees it."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from cogtrace.errors import PluginError
from cogtrace.plugins.guidance import (
    Allowance,
    BoundReached,
    Exchange,
    Message,
    Reply,
    Sampling,
    Scaffold,
    Task,
)
from cogtrace.plugins.pipeline.checking import Refused, checked_messages
from cogtrace.plugins.pipeline.course import Course
from cogtrace.plugins.pipeline.hooking import Clock
from cogtrace.plugins.pipeline.meters import PluginMeter
from cogtrace.plugins.pipeline.plan import Step

MOST_SAMPLES: Final = 4_096  # of one call

RecordT = TypeVar("RecordT", bound=msgspec.Struct)


class TaskView:
    """One task as one plugin sees it: `cogtrace.plugins.guidance.TaskRun`."""

    def __init__(self, course: Course, step: Step) -> None:
        self._course = course
        self._step = step
        self._meter = PluginMeter(step.name, step.bounds)
        self._task: Task | None = None
        self._random: random.Random | None = None
        self._clock: Clock | None = None
        self._quiet = False

    def enter(self, quiet: bool) -> Clock:
        """Begin a hook; return its clock. Calls of quiet hooks are not told to watchers."""
        self._clock = Clock(self._step.bounds.timeout)
        self._quiet = quiet
        return self._clock

    def leave(self) -> None:
        """End a hook: from here on, nothing can be asked."""
        self._clock = None

    @property
    def task(self) -> Task:
        """The task; whatever a plugin does to it is seen by nobody else."""
        if self._task is None:
            task = self._course.task
            self._task = msgspec.structs.replace(
                task, history=own(task.history), meta=copy.deepcopy(task.meta)
            )
        return self._task

    @property
    def sampling(self) -> Sampling:
        """How answers to the task are to be generated."""
        return self._course.sampling

    @property
    def scaffolds(self) -> tuple[Scaffold, ...]:
        """All blocks placed so far."""
        return own(block for _, block in self._course.scaffolds)

    @property
    def exchange(self) -> Exchange | None:
        """The clarifying question and its answer, if one was asked."""
        return self._course.exchange

    @property
    def left(self) -> Allowance:
        """What this plugin may still spend on this task."""
        return self._meter.left

    @property
    def random(self) -> random.Random:
        """Random numbers of this task and plugin: the same whenever the run is repeated."""
        if self._random is None:
            course = self._course
            self._random = random.Random(f"{course.seed}\0{course.task.task_id}\0{self._step.name}")
        return self._random

    def messages(self) -> tuple[Message, ...]:
        """Return the task as it would be put to the model now."""
        return self._course.messages()

    async def ask(
        self,
        prompt: str | Sequence[Message],
        *,
        samples: int = 1,
        temperature: float | None = None,
        max_tokens: int | None = None,
        schema: dict[str, Any] | None = None,
    ) -> list[Reply]:
        """Ask the model; see `cogtrace.plugins.guidance.TaskRun.ask`."""
        clock = self._clock
        if clock is None:
            raise PluginError(f"{self._step.name} asks after its hook has ended")
        messages = checked_messages(prompt)
        sampling = self._course.sampling
        _check_call(samples, temperature, max_tokens, schema)
        with clock.waiting():
            return await self._course.ask(
                self._step.name,
                self._meter,
                messages,
                samples=samples,
                temperature=sampling.temperature if temperature is None else temperature,
                max_tokens=sampling.max_tokens if max_tokens is None else max_tokens,
                schema=schema,
                quiet=self._quiet,
            )


def _check_call(samples: object, temperature: object, max_tokens: object, schema: object) -> None:
    """Raise Refused for arguments of a call that no engine could make sense of."""
    if not isinstance(samples, int) or isinstance(samples, bool) or samples < 1:
        raise Refused(f"asked for {samples!r:.40} samples")
    if samples > MOST_SAMPLES:
        raise BoundReached(f"{samples:,} samples of one call; at most {MOST_SAMPLES:,} can be")
    if temperature is not None and not (
        isinstance(temperature, int | float) and 0 <= temperature < 100
    ):
        raise Refused(f"asked with the temperature {temperature!r:.40}")
    if max_tokens is not None and not (isinstance(max_tokens, int) and max_tokens >= 1):
        raise Refused(f"asked with max_tokens {max_tokens!r:.40}")
    if schema is not None and not isinstance(schema, dict):
        raise Refused(f"asked with a schema that is {type(schema).__name__}")


def own(records: Iterable[RecordT]) -> tuple[RecordT, ...]:
    """Return copies of records: a plugin may force its way into them, and harm only itself."""
    return tuple(msgspec.structs.replace(record) for record in records)
