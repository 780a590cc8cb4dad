"""Getting an answer to one question about one window: sending, splitting, one repair."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from cogtrace.annotator.llm.answers import read_answer
from cogtrace.annotator.llm.layout import Layout, Lead, Sheet
from cogtrace.annotator.llm.model import Problem, Question, Reading, Window
from cogtrace.annotator.llm.questions import narrowed
from cogtrace.annotator.llm.windows import halve
from cogtrace.engines import Engine, Failure, Request, Result
from cogtrace.jobs.budget import Meter, added
from cogtrace.records import Usage


class Halted(Exception):
    """No more requests are to be sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question about one window."""

    window: Window
    reading: Reading
    usage: Usage
    raw: str | None = None  # the last answer, if it is of no use for some element
    repairs: int = 0
    passing: bool = False  # failed before the model answered; another run may fare better


class Asker:
    """Asks questions about windows of traces, all in the same words."""

    def __init__(
        self,
        engine: Engine,
        layout: Layout,
        meter: Meter,
        *,
        concurrency: int,
        halted: Callable[[], str | None],
        count: Callable[[Usage], None],
    ) -> None:
        self._engine = engine
        self._layout = layout
        self._meter = meter
        # Requests wait here and not in the engine, where they could not be called back.
        self._gate = asyncio.Semaphore(concurrency)
        self._halted = halted
        self._count = count

    async def ask(self, question: Question, sheet: Sheet, key: str) -> list[Answer]:
        """Return the answer, or several where the window had to be split to fit.

        Raises:
            Halted: the job is to stop; nothing is known of this question.
        """
        request = self._layout.request(question, sheet, key)
        result, usage = await self._send(request, sheet.lead)
        failure = result.failure
        if failure is not None and failure.kind == "too-long":
            halves = halve(sheet.window)
            if halves is not None:
                answers = []
                for number, half in enumerate(halves):
                    part = self._layout.sheet(sheet.trace, half, sheet.sentences)
                    answers += await self.ask(question, part, f"{key}.{number}")
                return answers
        if failure is not None:
            return [_failed(question, sheet.window, failure, usage)]
        reading = self._read(question, sheet.window, result)
        if not reading.problems:
            return [Answer(sheet.window, reading, usage)]
        return [await self._repair(question, sheet, request, result, reading, usage)]

    async def _repair(
        self,
        question: Question,
        sheet: Sheet,
        request: Request,
        result: Result,
        reading: Reading,
        usage: Usage,
    ) -> Answer:
        """Ask once more for what was of no use, telling the model what was wrong."""
        again = narrowed(question, list(reading.problems))
        window = sheet.window
        second = self._layout.repair(again, sheet, request, result.text, reading.problems)
        repaired, more = await self._send(second, sheet.lead)
        usage = added(usage, more)
        if repaired.failure is not None:
            # The first answer's faults say more than that there is no second one.
            passing = _may_pass(repaired.failure)
            return Answer(window, reading, usage, result.text, repairs=1, passing=passing)
        mended = self._read(again, window, repaired)
        return Answer(
            window,
            Reading(reading.verdicts | mended.verdicts, mended.problems),
            usage,
            raw=repaired.text if mended.problems else None,
            repairs=1,
        )

    def _read(self, question: Question, window: Window, result: Result) -> Reading:
        return read_answer(
            result.text, result.finish, question, window.first, window.last, self._layout.options
        )

    async def _send(self, request: Request, lead: Lead) -> tuple[Result, Usage]:
        async with lead, self._gate:
            if self._halted() is not None:
                raise Halted
            self._meter.sent()
            try:
                (result,) = await self._engine.complete([request])
            finally:
                self._meter.came()
        usage = Usage(
            requests=result.attempts,
            prompt_tokens=result.usage.prompt,
            cached_tokens=result.usage.cached,
            completion_tokens=result.usage.completion,
            seconds=round(result.seconds, 3),
        )
        self._count(usage)
        if result.failure is not None and _may_pass(result.failure) and self._engine.trouble:
            raise Halted
        return result, usage


def _failed(question: Question, window: Window, failure: Failure, usage: Usage) -> Answer:
    code = f"engine-{failure.kind}" if failure.passing else f"request-{failure.kind}"
    problem = Problem(code, failure.message)
    problems = {element.id: problem for element in question.elements}
    return Answer(window, Reading({}, problems), usage, passing=_may_pass(failure))


def _may_pass(failure: Failure) -> bool:
    """Say whether another run may fare better; a refusal may be about a key that has expired."""
    return failure.passing or failure.kind == "rejected"
