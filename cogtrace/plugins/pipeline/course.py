"""One task on its way: what has happened to it so far, and how plugins see that."""

from __future__ import annotations

import asyncio
import copy
import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cogtrace.engines import Request, Result
from cogtrace.errors import PluginError
from cogtrace.jobs.budget import added
from cogtrace.plugins.guidance import (
    Allowance,
    BoundReached,
    CallFailed,
    Candidate,
    Choice,
    Event,
    Exchange,
    Message,
    Reply,
    Sampling,
    Scaffold,
    Task,
    Verdict,
)
from cogtrace.plugins.pipeline.batching import Caller, Halted
from cogtrace.plugins.pipeline.checking import Refused, checked_messages
from cogtrace.plugins.pipeline.composing import compose
from cogtrace.plugins.pipeline.hooking import Clock
from cogtrace.plugins.pipeline.meters import PluginMeter, estimated_tokens
from cogtrace.plugins.pipeline.records import AskedBack, Call, ErrorKind, RunError
from cogtrace.records import Usage

if TYPE_CHECKING:
    from cogtrace.plugins.pipeline.plan import Step

PIPELINE: Final = "pipeline"
MOST_SAMPLES: Final = 4_096  # of one call


class Course:
    """What has happened to one task. Plugins see it through their `TaskView` only."""

    def __init__(
        self,
        task: Task,
        *,
        sampling: Sampling,
        caller: Caller,
        count: Callable[[str], int | None],
        seed: int,
        watched: bool,
    ) -> None:
        self.task = task
        self.question = task.question  # the text itself, whatever becomes of the record
        self.sampling = sampling
        self.seed = seed
        self.began = time.monotonic()
        self.scaffolds: list[tuple[str, Scaffold]] = []
        self.exchange: Exchange | None = None
        self.asked_back: AskedBack | None = None
        self.calls: list[Call] = []
        self.candidates: tuple[Candidate, ...] = ()
        self.makers: dict[str, str] = {}  # which plugin made which candidate
        self.verdicts: list[tuple[str, Verdict]] = []
        self.choice: tuple[str, Choice] | None = None
        self.errors: list[RunError] = []
        self.usage: dict[str, Usage] = {}
        self.halted: str | None = None  # why it cannot be finished in this run
        self.events: list[Event] | None = [] if watched else None  # not yet told
        self._caller = caller
        self._count = count
        self._numbers: dict[str, int] = {}  # of the calls so far, by plugin

    def fail(self, plugin: str, hook: str, kind: ErrorKind, message: str) -> None:
        """Remember something that went wrong."""
        self.errors.append(RunError(plugin=plugin, hook=hook, kind=kind, message=message[:2_000]))
        self.tell("error", plugin, self.errors[-1])

    def errors_of_observers(self, plugin: str, message: str) -> None:
        """Remember what went wrong with one that only watches; not told to those who watch."""
        error = RunError(
            plugin=plugin, hook="cogtrace_observe", kind="observer", message=message[:2_000]
        )
        self.errors.append(error)

    def tell(self, kind: Any, plugin: str, value: Any = None) -> None:
        """Let those who watch know what happened."""
        if self.events is not None:
            self.events.append(Event(kind=kind, plugin=plugin, value=value))

    def messages(self) -> tuple[Message, ...]:
        """Return the task as it would be put to the model now."""
        task = self.task
        if task.question is not self.question:  # somebody forced a field of the record
            task = msgspec.structs.replace(task, question=self.question)
        return compose(task, [block for _, block in self.scaffolds], self.exchange)

    async def ask(
        self,
        plugin: str,
        meter: PluginMeter,
        messages: tuple[Message, ...],
        *,
        samples: int,
        temperature: float,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        quiet: bool = False,
    ) -> list[Reply]:
        """Ask the model for samples; raises as `TaskRun.ask` does."""
        first = Request(
            messages=messages, max_tokens=max_tokens, schema=schema, temperature=temperature
        )
        prompt = estimated_tokens(first, self._count) if meter.left.tokens is not None else 0
        allowed = meter.take(samples, prompt, max_tokens)
        if allowed != max_tokens:
            first = msgspec.structs.replace(first, max_tokens=allowed)
        requests = [self._numbered(plugin, first) for _ in range(samples)]
        held = prompt + allowed
        try:
            futures = [self._caller.complete(request) for request in requests]
        except Halted as error:
            self.halted = self.halted or str(error)
            raise
        try:
            results = await asyncio.gather(*futures)
        except Halted as error:
            self.halted = self.halted or str(error)
            raise
        finally:
            for future in futures:
                good = future.done() and not future.cancelled() and future.exception() is None
                meter.settle(held, future.result().usage if good else None)
        for result in results:
            self._record(plugin, messages, result, quiet)
        failed = next((r.failure for r in results if r.failure is not None), None)
        if failed is not None:
            raise CallFailed(f"the model gave no answer: {failed.message}")
        return [
            Reply(text=r.text, reasoning=r.reasoning, finish=r.finish, usage=r.usage)
            for r in map(_storable, results)
        ]

    def record(self, plugin: str, messages: Sequence[Message], result: Result) -> None:
        """Add a call that somebody else made for the task."""
        self._record(plugin, tuple(messages), result, False)

    def _numbered(self, plugin: str, request: Request) -> Request:
        """Return a request under a name of its own, the same whenever the run is repeated."""
        number = self._numbers[plugin] = self._numbers.get(plugin, 0) + 1
        return msgspec.structs.replace(request, key=f"{self.task.task_id}/{plugin}/{number}")

    def _record(
        self, plugin: str, messages: tuple[Message, ...], result: Result, quiet: bool
    ) -> None:
        result = _storable(result)
        usage = Usage(
            requests=1,
            prompt_tokens=result.usage.prompt,
            cached_tokens=result.usage.cached,
            completion_tokens=result.usage.completion,
            seconds=round(result.seconds, 4),
        )
        call = Call(
            plugin=plugin,
            messages=messages,
            text=result.text,
            reasoning=result.reasoning,
            usage=usage,
            finish_reason=result.finish,
            failure=None if result.failure is None else result.failure.message,
        )
        self.calls.append(call)
        self.usage[plugin] = added(self.usage.get(plugin, Usage()), usage)
        if not quiet:
            self.tell("call", plugin, call)


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
        """The task; what the plugin does to ``meta`` is seen by nobody else."""
        task = self._course.task
        if not task.meta:
            return task
        if self._task is None:
            self._task = msgspec.structs.replace(task, meta=copy.deepcopy(task.meta))
        return self._task

    @property
    def sampling(self) -> Sampling:
        """How answers to the task are to be generated."""
        return self._course.sampling

    @property
    def scaffolds(self) -> tuple[Scaffold, ...]:
        """All blocks placed so far."""
        return tuple(block for _, block in self._course.scaffolds)

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


def _storable(result: Result) -> Result:
    """Return a result whose texts can be stored, half surrogates shown as escapes."""
    try:
        result.text.encode("utf-8")
        if result.reasoning is not None:
            result.reasoning.encode("utf-8")
    except UnicodeEncodeError:
        thought = result.reasoning
        return msgspec.structs.replace(
            result,
            text=result.text.encode("utf-8", "backslashreplace").decode(),
            reasoning=thought and thought.encode("utf-8", "backslashreplace").decode(),
        )
    return result
