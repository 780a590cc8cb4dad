"""A pipeline: a plan, a model, and tasks that run through both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing

from cogtrace.engines import Engine, EngineInfo, Request, Result
from cogtrace.grading import AnswerKind
from cogtrace.plugins.guidance import Sampling, Task
from cogtrace.plugins.pipeline.batching import Caller, Halted, Memory
from cogtrace.plugins.pipeline.checking import is_unicode
from cogtrace.plugins.pipeline.course import PIPELINE, Course
from cogtrace.plugins.pipeline.grader import Grader
from cogtrace.plugins.pipeline.hooks import STAGES
from cogtrace.plugins.pipeline.plan import Plan
from cogtrace.plugins.pipeline.pooling import each
from cogtrace.plugins.pipeline.prepared import Prepared
from cogtrace.plugins.pipeline.recording import recorded
from cogtrace.plugins.pipeline.records import GuidanceRun, ModelRef
from cogtrace.plugins.pipeline.stages import Answers, Stages, TaskFailed, candidates_of
from cogtrace.plugins.pipeline.view import TaskView

# Tasks in flight for each request that the engine works on at a time: enough that it
# never waits for tasks which wait for the slowest request of a batch.
_TASKS_PER_PLACE = 4
_FEWEST, _MOST = 64, 2_048


class Pipeline:
    """Runs tasks through the plugins of a plan and a model. Used from one event loop.

    >>> async def main():
    ...     async with Pipeline(make_plan("restate"), engine) as pipeline:
    ...         run = await pipeline.run(Task(task_id="1", question="17 + 24?"))

    ``answers`` is asked for answers to clarifying questions; short answers are compared as
    those of ``answer_kind`` (`cogtrace.grading`). ``halted`` may say, before each call, why
    no more are to be made; ``sent`` and ``came`` are told of each one, and ``memory`` may
    know some already. At most ``batch`` calls go to the engine as one, by default half of
    what it works on at a time.
    """

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        *,
        sampling: Sampling | None = None,
        answers: Answers | None = None,
        answer_kind: AnswerKind | None = None,
        seed: int = 0,
        halted: Callable[[], str | None] | None = None,
        sent: Callable[[Request], None] | None = None,
        came: Callable[[Request, Result], None] | None = None,
        memory: Memory | None = None,
        batch: int | None = None,
    ) -> None:
        self.plan = plan
        self.sampling = sampling or Sampling()
        self.model: ModelRef | None = None
        self._engine = engine
        self._seed = seed
        self._grader = Grader(answer_kind)
        self._stages = Stages(plan, answers, self._grader)
        self._watched = bool(plan.having("cogtrace_observe"))
        self._halted, self._sent, self._came = halted, sent, came
        self._memory, self._batch = memory, batch
        self._caller: Caller | None = None
        self.in_flight = _FEWEST  # tasks worth having under way at a time
        self._shown = plan.shown()

    async def __aenter__(self) -> Pipeline:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> EngineInfo:
        """Start the engine.

        Raises:
            EngineError: it cannot be used.
        """
        info = await self._engine.start()
        self.use(info)
        return info

    def use(self, info: EngineInfo) -> None:
        """Take an engine that somebody else has started."""
        self.model = ModelRef(engine=info.engine, model=info.model, version=info.version)
        self._caller = Caller(
            self._engine,
            info.concurrency,
            halted=self._halted,
            sent=self._sent,
            came=self._came,
            memory=self._memory,
            most=self._batch,
        )
        self.in_flight = min(_MOST, max(_FEWEST, _TASKS_PER_PLACE * info.concurrency))

    async def close(self) -> None:
        """End what is in flight, and the engine."""
        self._stages.close()
        if self._caller is not None:
            await self._caller.close()
        await self._engine.close()

    @property
    def batch_sizes(self) -> list[int]:
        """How many requests the engine was given at a time, last ones last."""
        return list(self._caller.sizes) if self._caller is not None else []

    @property
    def broken(self) -> Exception | None:
        """What made it impossible to ask anything more; None: nothing did."""
        return self._caller.broken if self._caller is not None else None

    async def run(
        self,
        task: Task,
        *,
        reference_answer: str | None = None,
        sampling: Sampling | None = None,
    ) -> GuidanceRun:
        """Carry one task through; what goes wrong with it is in its record.

        Raises:
            Halted: no more calls can be made; the task is to be run again another time.
        """
        prepared = await self.prepare(task, sampling=sampling)
        return await self.finish(prepared, reference_answer=reference_answer)

    async def stream(
        self, tasks: Iterable[Task], *, in_flight: int | None = None
    ) -> AsyncIterator[GuidanceRun]:
        """Yield the record of each task as it is finished, however many there are.

        Raises:
            Stopped: no more calls can be made.
        """
        async with aclosing(each(tasks, self.run, in_flight or self.in_flight)) as pairs:
            async for _, run in pairs:
                yield run

    async def run_all(
        self, tasks: Sequence[tuple[Task, str | None]], *, in_flight: int | None = None
    ) -> list[GuidanceRun]:
        """Carry tasks through, each with its reference answer; return their records in order.

        Raises:
            Stopped: no more calls can be made.
        """
        runs: dict[int, GuidanceRun] = {}

        async def work(item: tuple[int, tuple[Task, str | None]]) -> GuidanceRun:
            _, (task, reference) = item
            return await self.run(task, reference_answer=reference)

        limit = min(in_flight or self.in_flight, max(1, len(tasks)))
        async with aclosing(each(enumerate(tasks), work, limit)) as pairs:
            async for (place, _), run in pairs:
                runs[place] = run
        return [runs[place] for place in range(len(tasks))]

    async def prepare(self, task: Task, *, sampling: Sampling | None = None) -> Prepared:
        """Carry one task to the point where it is solved.

        Raises:
            Halted: no more calls can be made.
        """
        if self._caller is None:
            raise RuntimeError("the pipeline is not started")
        course = Course(
            task,
            sampling=sampling or self.sampling,
            caller=self._caller,
            count=self._engine.count_tokens,
            seed=self._seed,
            watched=self._watched,
        )
        views = self._stages.views(course)
        prepared = Prepared(task, (), False, None, course, views)
        try:
            _require_sound(course)
            goes_on = await self._stages.clarify(course, views)
            if goes_on:
                await self._stages.scaffold(course, views)
                prepared.messages = course.messages()
        except TaskFailed:
            goes_on = False
        if not goes_on:
            prepared.run = await self._ended(course, views, None)
        prepared.plain = goes_on and self._is_plain(course.sampling)
        return prepared

    async def finish(
        self,
        prepared: Prepared,
        results: Sequence[Result] | None = None,
        *,
        reference_answer: str | None = None,
    ) -> GuidanceRun:
        """Solve a prepared task, or take the results of whoever did, and carry it to its end.

        Raises:
            Halted: no more calls can be made.
        """
        course, views = prepared._course, prepared._views
        if prepared.run is not None:
            return await self._recorded(course, reference_answer)
        try:
            if results is None:
                await self._stages.solve(course, views)
            else:
                for result in results:
                    course.record(PIPELINE, prepared.messages, result)
                _require_answers(course, results)
                await self._stages.take(course, views, candidates_of(results))
            await self._stages.judge(course, views)
            await self._stages.choose(course, views)
        except TaskFailed:
            pass  # the reason is among the errors
        return await self._ended(course, views, reference_answer)

    async def _recorded(self, course: Course, reference_answer: str | None) -> GuidanceRun:
        return await self._grader.apart(
            lambda: recorded(course, self._shown, self.model, reference_answer, self._grader)
        )

    async def _ended(
        self, course: Course, views: dict[str, TaskView], reference_answer: str | None
    ) -> GuidanceRun:
        trouble = self._engine.trouble
        if trouble is not None and any(call.failure is not None for call in course.calls):
            raise Halted(trouble)  # it failed because the engine is going
        await self._stages.end(course, views)
        return await self._recorded(course, reference_answer)

    def _is_plain(self, sampling: Sampling) -> bool:
        """Say whether one generation without anything after it is all there is."""
        later = STAGES[2:5]
        return sampling.samples == 1 and not any(self.plan.having(hook) for hook in later)


def _require_sound(course: Course) -> None:
    """Raise TaskFailed for a task that cannot be put to a model or be stored."""
    task = course.task
    texts = [task.task_id, task.question, task.context or "", *(m.content for m in task.history)]
    if not task.question.strip():
        course.fail(PIPELINE, "", "refused", "the question is empty")
    elif not all(map(is_unicode, texts)):
        course.fail(PIPELINE, "", "refused", "the task holds half a surrogate pair")
    else:
        return
    raise TaskFailed


def _require_answers(course: Course, results: Sequence[Result]) -> None:
    for result in results:
        if result.failure is not None:
            message = f"the model gave no answer: {result.failure.message}"
            course.fail(PIPELINE, "cogtrace_solve", "call", message)
            raise TaskFailed
