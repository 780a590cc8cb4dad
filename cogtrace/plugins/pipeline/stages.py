"""The stages of a task, plugin by plugin: clarify, scaffolds, solve, judge, choose, end."""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from cogtrace.engines import Result
from cogtrace.plugins.guidance import (
    BoundReached,
    CallFailed,
    Candidate,
    Choice,
    Clarification,
    Exchange,
    Reply,
    Task,
)
from cogtrace.plugins.pipeline.batching import Halted
from cogtrace.plugins.pipeline.checking import (
    Refused,
    checked_candidates,
    checked_choice,
    checked_clarification,
    checked_scaffolds,
    checked_verdicts,
    is_unicode,
)
from cogtrace.plugins.pipeline.course import PIPELINE, Course
from cogtrace.plugins.pipeline.grader import Grader
from cogtrace.plugins.pipeline.hooking import HookTimeout, PlainThread, call_hook
from cogtrace.plugins.pipeline.meters import PluginMeter
from cogtrace.plugins.pipeline.plan import Plan, Step
from cogtrace.plugins.pipeline.records import AskedBack, ErrorKind
from cogtrace.plugins.pipeline.view import TaskView, own

# Who answers a clarifying question: a table by task id, or a function of task and question.
Answers = (
    Mapping[str, str]
    | Callable[[Task, Clarification], str | None]
    | Callable[[Task, Clarification], Awaitable[str | None]]
)
T = TypeVar("T")


class TaskFailed(Exception):
    """The task ends here; the reason is among its errors."""


class Stages:
    """Calls the plugins of a plan for tasks, many at a time."""

    def __init__(self, plan: Plan, answers: Answers | None, grader: Grader) -> None:
        self._plan = plan
        self._grader = grader
        self._answers = answers
        self._observers = plan.having("cogtrace_observe")
        self._plain = {
            step.name: PlainThread(step.name, step.bounds.timeout) for step in plan.steps
        }

    def views(self, course: Course) -> dict[str, TaskView]:
        """Return how each plugin sees a task."""
        return {step.name: TaskView(course, step) for step in self._plan.steps}

    def close(self) -> None:
        """Let the threads of plain hooks end."""
        for thread in self._plain.values():
            thread.close()

    async def clarify(self, course: Course, views: Mapping[str, TaskView]) -> bool:
        """Let a plugin ask back; return whether the task goes on."""
        for step in self._plan.having("cogtrace_clarify"):
            asked = await self._ask(
                course, views, step, "cogtrace_clarify", {}, checked_clarification
            )
            if asked is None:
                continue
            answer = await self._answer(course, step, asked)
            course.asked_back = AskedBack(
                plugin=step.name, question=asked.question, answer=answer, flaw=asked.flaw
            )
            course.exchange = Exchange(question=asked.question, answer=answer, flaw=asked.flaw)
            course.tell("clarification", step.name, course.exchange)
            await self._watch(course, views)
            return answer is not None
        return True

    async def scaffold(self, course: Course, views: Mapping[str, TaskView]) -> None:
        """Collect the blocks of all plugins."""
        for step in self._plan.having("cogtrace_scaffolds"):
            blocks = await self._ask(
                course, views, step, "cogtrace_scaffolds", {}, checked_scaffolds
            )
            course.scaffolds += [(step.name, block) for block in blocks]
            if blocks:
                course.tell("scaffolds", step.name, blocks)
            await self._watch(course, views)

    async def solve(self, course: Course, views: Mapping[str, TaskView]) -> None:
        """Get candidates: of the plugin that solves, else samples of the model."""
        found: tuple[Candidate, ...] | None = None
        maker = PIPELINE
        for step in self._plan.having("cogtrace_solve"):
            found = await self._ask(course, views, step, "cogtrace_solve", {}, checked_candidates)
            maker = step.name if found is not None else PIPELINE
        if found is None:
            found = await self._generate(course)
        await self.take(course, views, found, maker)

    async def take(
        self,
        course: Course,
        views: Mapping[str, TaskView],
        found: Sequence[Candidate],
        maker: str = PIPELINE,
    ) -> None:
        """Take candidates in; the short answers that they lack are looked for in their texts."""
        course.candidates = self._grader.filled(found)
        course.makers = dict.fromkeys((c.id for c in found), maker)
        course.tell("candidates", maker, course.candidates)
        await self._watch(course, views)

    async def judge(self, course: Course, views: Mapping[str, TaskView]) -> None:
        """Collect the verdicts of all plugins."""
        known = {candidate.id for candidate in course.candidates}
        for step in self._plan.having("cogtrace_judge"):
            given = {"candidates": own(course.candidates)}
            verdicts = await self._ask(
                course,
                views,
                step,
                "cogtrace_judge",
                given,
                lambda value: checked_verdicts(value, known),
            )
            course.verdicts += [(step.name, verdict) for verdict in verdicts]
            if verdicts:
                course.tell("verdicts", step.name, verdicts)
            await self._watch(course, views)

    async def choose(self, course: Course, views: Mapping[str, TaskView]) -> None:
        """Choose the answer among the candidates that were kept."""
        verdicts = tuple(verdict for _, verdict in course.verdicts)
        out = {verdict.candidate for verdict in verdicts if verdict.verdict == "drop"}
        kept = tuple(c for c in course.candidates if c.id not in out)
        ids = {candidate.id for candidate in kept}
        choice: Choice | None = None
        chooser = PIPELINE
        for step in self._plan.having("cogtrace_choose") if kept else ():
            choice = await self._ask(
                course,
                views,
                step,
                "cogtrace_choose",
                {"candidates": own(kept), "verdicts": own(verdicts)},
                lambda value: checked_choice(value, ids),
            )
            chooser = step.name if choice is not None else PIPELINE
        if choice is None:
            choice = await self._grader.apart(lambda: self._grader.vote(kept, verdicts))
        course.choice = (chooser, choice)
        course.tell("choice", *course.choice)
        await self._watch(course, views)

    async def end(self, course: Course, views: Mapping[str, TaskView]) -> None:
        """Tell those who watch that the task is over."""
        course.tell("end", PIPELINE, course.choice[1] if course.choice else None)
        await self._watch(course, views)

    async def _generate(self, course: Course) -> tuple[Candidate, ...]:
        sampling = course.sampling
        meter = PluginMeter(PIPELINE, None)
        try:
            replies = await course.ask(
                PIPELINE,
                meter,
                course.messages(),
                samples=sampling.samples,
                temperature=sampling.temperature,
                max_tokens=sampling.max_tokens,
            )
        except CallFailed as error:
            course.fail(PIPELINE, "cogtrace_solve", "call", str(error))
            raise TaskFailed from error
        return candidates_of(replies)

    async def _answer(self, course: Course, step: Step, asked: Clarification) -> str | None:
        """Return what is answered to a question back; an empty answer is none."""
        if self._answers is None:
            return None
        if isinstance(self._answers, Mapping):
            answer = self._answers.get(course.task.task_id)
        else:
            try:
                said = self._answers(course.task, asked)
                answer = await said if inspect.isawaitable(said) else said
            except Exception as error:  # whoever answers may raise anything
                message = f"nobody could answer: {type(error).__name__}: {_words(error)}"
                course.fail(PIPELINE, "cogtrace_clarify", "raised", message)
                raise TaskFailed from error
        if answer is not None and not (isinstance(answer, str) and is_unicode(answer)):
            course.fail(PIPELINE, "cogtrace_clarify", "refused", "the answer is no text")
            raise TaskFailed
        return answer if answer is not None and answer.strip() else None

    async def _ask(
        self,
        course: Course,
        views: Mapping[str, TaskView],
        step: Step,
        hook: str,
        given: dict[str, Any],
        check: Callable[[object], T],
    ) -> T:
        """Return what a hook returns, checked.

        Raises:
            TaskFailed: it failed; the reason is among the errors of the task.
            Halted: nothing more can be asked.
        """
        kind, message = await self._tried(course, views[step.name], step, hook, given)
        if kind is None:
            try:
                return check(message)
            except Refused as error:
                kind, message = "refused", str(error)
        course.fail(step.name, hook, kind, message)
        raise TaskFailed

    async def _tried(
        self, course: Course, view: TaskView, step: Step, hook: str, given: dict[str, Any]
    ) -> tuple[ErrorKind | None, Any]:
        """Call a hook; return None and its result, or what kind of failure it was, and why."""
        clock = view.enter(quiet=hook == "cogtrace_observe")
        values = {"run": view, **given}
        kind: ErrorKind
        try:
            result = await call_hook(step.hooks[hook], values, clock, self._plain[step.name])
            if course.halted is None:
                return None, result
            raise Halted(course.halted)
        except HookTimeout as error:
            late = f"took more than {step.bounds.timeout:g} seconds"
            kind, message = "timeout", str(error) or late
        except BoundReached as error:
            kind, message = "bound", str(error)
        except CallFailed as error:
            kind, message = "call", str(error)
        except Refused as error:
            kind, message = "refused", str(error)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is None or current.cancelling():
                raise
            kind, message = "raised", "CancelledError"
        except Halted:
            raise
        except (Exception, SystemExit) as error:
            # Whatever somebody's plugin raises is the end of this task, not of the others.
            kind, message = "raised", f"{type(error).__name__}: {_words(error)}"
        finally:
            view.leave()
        if course.halted is not None:
            raise Halted(course.halted)
        return kind, message

    async def _watch(self, course: Course, views: Mapping[str, TaskView]) -> None:
        """Tell observers what has happened; what goes wrong there does not end the task."""
        events = course.events
        if not events:
            return
        told, course.events = list(events), []
        for event in told:
            for step in self._observers:
                view = views[step.name]
                kind, message = await self._tried(
                    course, view, step, "cogtrace_observe", {"event": copy.deepcopy(event)}
                )
                if kind is not None:
                    course.errors_of_observers(step.name, f"{kind}: {message}")


def candidates_of(replies: Sequence[Reply | Result]) -> tuple[Candidate, ...]:
    """Return what the model answered to the task itself as candidates."""
    return tuple(
        Candidate(
            id=f"c{number}",
            text=reply.text,
            reasoning=reply.reasoning,
            source=f"sample {number}",
            finish=reply.finish,
        )
        for number, reply in enumerate(replies, start=1)
    )


def _words(error: BaseException) -> str:
    """Return what an exception says; its own text may be anything."""
    try:
        return str(error).encode("utf-8", "backslashreplace").decode()
    except Exception:
        return "(its message cannot be shown)"
