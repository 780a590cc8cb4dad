"""How a run lays traces out on prompts: questions, their names, windows and requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cogtrace.annotator.llm.answers import answer_schema, answer_tokens
from cogtrace.annotator.llm.estimating import estimate_tokens
from cogtrace.annotator.llm.fingerprints import (
    question_fingerprint,
    run_fingerprint,
    trace_name,
    unit_key,
)
from cogtrace.annotator.llm.model import Line, LlmOptions, Problem, Question, Ranges, Window
from cogtrace.annotator.llm.questions import narrowed, questions
from cogtrace.annotator.llm.rendering import Prompts
from cogtrace.annotator.llm.shots import choose_shots
from cogtrace.annotator.llm.store import Unit
from cogtrace.annotator.llm.windows import plan_windows
from cogtrace.engines import Engine, EngineInfo, EngineSettings, Message, Request
from cogtrace.errors import EngineError
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy

# Long prompts make models overlook things, and evidence is bounded per window.
LONGEST_WINDOW: Final = 16_384
# Where nobody says how much fits; a server that finds it too long has it split.
_UNKNOWN_WINDOW: Final = 8_192
_SHORTEST_WINDOW: Final = 128
_MARGIN: Final = 96  # chat template, fences, the words of a second try


# Of an unusable answer, so much is shown to the model again.
_SHOWN_AGAIN: Final = 2_000


class TooLong(Exception):
    """A trace that cannot be shown whole."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Lead:
    """Lets the first of several requests with a common prefix go ahead of the others.

    An engine that shares only what it has finished would compute the prefix again for
    each request that is sent at the same time.
    """

    def __init__(self, wanted: bool) -> None:
        self._taken = not wanted
        self._done = asyncio.Event()
        if not wanted:
            self._done.set()

    async def __aenter__(self) -> None:
        """Wait for one's turn."""
        if self._taken:
            await self._done.wait()
        self._taken = True

    async def __aexit__(self, *_: object) -> None:
        """Let the others go."""
        self._done.set()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A window of a trace as the model sees it."""

    trace: Trace
    sentences: int  # of the whole trace
    window: Window
    text: str
    neutralised: int  # look-alikes of our own markup that were changed
    lead: Lead


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question as a run asks it."""

    question: Question
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Layout:
    """All that is the same for every trace of a run."""

    options: LlmOptions
    prompts: Prompts
    system: str
    prepared: tuple[Prepared, ...]
    run: str  # fingerprint of what all questions have in common
    window_tokens: int
    count: Callable[[str], int]
    fence: str
    lead: bool  # whether one request of a sheet should go ahead of the others

    @classmethod
    def of(
        cls,
        taxonomy: Taxonomy,
        options: LlmOptions,
        info: EngineInfo,
        settings: EngineSettings,
        fence: str,
        engine: Engine | None = None,
    ) -> Layout:
        """Work out the layout for an engine.

        Raises:
            EngineError: its context is too small for these questions.
        """
        exact = engine is not None and engine.count_tokens("a") is not None
        count = _counter(engine) if exact and engine is not None else estimate_tokens
        prompts = Prompts.load(options.prompts)
        shots = choose_shots(taxonomy.elements, options.shots_tokens, count)
        system = prompts.system(taxonomy.elements, shots, options)
        asked = questions(taxonomy, options.ask)
        size = _window_size(options, prompts, system, asked, info.context_tokens, count)
        run = run_fingerprint(
            model=info.model,
            arguments=settings.arguments,
            options=options,
            window_tokens=size,
            exact_tokens=exact,
            prompts=prompts.sha256,
            system=system,
        )
        prepared = tuple(
            Prepared(question, _fingerprint(run, question, prompts, options)) for question in asked
        )
        return cls(
            options=options,
            prompts=prompts,
            system=system,
            prepared=prepared,
            run=run,
            window_tokens=size,
            count=count,
            fence=fence,
            lead=not info.shares_prefixes_in_flight,
        )

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions asked of every trace."""
        return tuple(entry.question for entry in self.prepared)

    def narrowed(self, elements: set[str]) -> tuple[Question, ...]:
        """Return the questions cut down to some elements; those left with none are gone."""
        return tuple(
            question
            if all(e.id in elements for e in question.elements)
            else narrowed(question, [e.id for e in question.elements if e.id in elements])
            for question in self.questions
            if any(e.id in elements for e in question.elements)
        )

    def units(self, trace: Trace, questions: Sequence[Question]) -> list[Unit]:
        """Return the units of asking questions, whole or narrowed, about a trace."""
        name = trace_name(trace)
        return [self._unit(name, question) for question in questions]

    def _unit(self, trace: bytes, question: Question) -> Unit:
        fingerprint = next(
            (entry.fingerprint for entry in self.prepared if entry.question is question), None
        )
        if fingerprint is None:
            fingerprint = _fingerprint(self.run, question, self.prompts, self.options)
        return Unit(key=unit_key(trace, fingerprint), question=question.id, fingerprint=fingerprint)

    def windows(self, trace: Trace, ranges: Ranges) -> list[Window]:
        """Return the windows in which a trace is shown.

        Raises:
            TooLong: there would be more of them than are allowed, or the question that the
                trace answers leaves no room.
        """
        size = self.window_tokens
        if trace.question is not None:
            size -= self.count(trace.question)
        if size < _SHORTEST_WINDOW:
            raise TooLong(
                "question-too-long",
                f"the question alone leaves {max(size, 0)} tokens for the trace; shorten it, or "
                "use a model with a longer context",
            )
        windows = plan_windows(trace.text, ranges, size, self.options.overlap, self.count)
        if len(windows) > self.options.max_windows:
            raise TooLong(
                "too-many-windows",
                f"the trace needs {len(windows)} windows of {size:,} tokens, more than "
                f"--max-windows {self.options.max_windows}; raise it, or --window-tokens",
            )
        return windows

    def sheets(self, trace: Trace, ranges: Ranges) -> list[Sheet]:
        """Return the windows of a trace, rendered.

        Raises:
            TooLong: see `windows`.
        """
        return [self.sheet(trace, window, len(ranges)) for window in self.windows(trace, ranges)]

    def sheet(self, trace: Trace, window: Window, sentences: int) -> Sheet:
        """Render one window of a trace of so many sentences."""
        text, neutralised = self.prompts.trace(
            trace.text, window, self.fence, sentences, trace.question
        )
        return Sheet(trace, sentences, window, text, neutralised, Lead(self.lead))

    def request(self, question: Question, sheet: Sheet, key: str) -> Request:
        """Return the request that puts a question about a window."""
        asked = self.prompts.question(question, sheet.window, self.options)
        return self._request(
            self.prompts.messages(self.system, sheet.text, asked), question, sheet, key
        )

    def repair(
        self,
        question: Question,
        sheet: Sheet,
        before: Request,
        answer: str,
        problems: Mapping[str, Problem],
    ) -> Request:
        """Return the request that asks once more, telling the model what was wrong."""
        messages = (
            *before.messages,
            Message(role="assistant", content=answer[:_SHOWN_AGAIN]),
            Message(role="user", content=self.prompts.repair(list(problems.values()))),
        )
        return self._request(messages, question, sheet, f"{before.key}:repair")

    def _request(
        self, messages: tuple[Message, ...], question: Question, sheet: Sheet, key: str
    ) -> Request:
        window = sheet.window
        return Request(
            messages=messages,
            max_tokens=answer_tokens(question, self.options),
            schema=answer_schema(question, window.first, window.last, self.options),
            temperature=self.options.resolved_temperature(),
            key=key,
        )


def _counter(engine: Engine) -> Callable[[str], int]:
    def count(text: str) -> int:
        tokens = engine.count_tokens(text)
        return estimate_tokens(text) if tokens is None else tokens

    return count


def _fingerprint(run: str, question: Question, prompts: Prompts, options: LlmOptions) -> str:
    # The numbers of the sentences are the trace's; any will do to name the words.
    anywhere = Window((Line(1, 0, 1),))
    return question_fingerprint(run, question, prompts.question(question, anywhere, options))


def _window_size(
    options: LlmOptions,
    prompts: Prompts,
    system: str,
    asked: tuple[Question, ...],
    context: int | None,
    count: Callable[[str], int],
) -> int:
    """Return how many tokens of trace text a prompt has room for."""
    if context is None:
        return options.window_tokens or _UNKNOWN_WINDOW
    anywhere = Window((Line(1, 0, 1),))
    longest = max(count(prompts.question(q, anywhere, options)) for q in asked)
    answer = max(answer_tokens(q, options) for q in asked)
    # An unusable answer is shown to the model again, though not all of a long one.
    taken = count(system) + longest + answer + min(answer, _SHOWN_AGAIN // 2) + _MARGIN
    room = context - taken
    if room < _SHORTEST_WINDOW or (options.window_tokens or 0) > room:
        raise EngineError(
            f"the model's context of {context:,} tokens leaves {max(room, 0):,} for the trace "
            f"beside instructions, question and answer ({taken:,}); use a longer context, "
            "--ask element, fewer --shots-tokens, or a smaller --window-tokens"
        )
    return options.window_tokens or min(room, LONGEST_WINDOW)
