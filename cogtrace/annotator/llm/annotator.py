"""The LLM annotator: traces in, annotations out, thousands of requests in flight."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from cogtrace.annotator.llm.asking import Asker, Halted
from cogtrace.annotator.llm.budget import Meter
from cogtrace.annotator.llm.fence import new_fence
from cogtrace.annotator.llm.fingerprints import VERSION, digest
from cogtrace.annotator.llm.layout import Layout, TooLong
from cogtrace.annotator.llm.loop import LoopThread
from cogtrace.annotator.llm.model import Question
from cogtrace.annotator.llm.settings import LlmSettings, settings_of
from cogtrace.annotator.llm.store import AnswerStore, Outcome, Unit, added, with_quotes
from cogtrace.annotator.llm.units import ask_unit
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.engines.canary import require_schema
from cogtrace.errors import OptionError, Stopped
from cogtrace.extensions import AnnotatorSetup, Watch
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    Trace,
    Unanswered,
    Usage,
    text_sha256,
)

__all__ = ["LlmAnnotator", "LlmSettings", "settings_of"]

_WATCH_S: Final = 0.2  # how often to look whether to stop


class LlmAnnotator:
    """Annotates traces by asking a language model.

    Keeps every answer in the folder of the job, if there is one, and asks nothing that
    has an answer there.

    Raises:
        OptionError: settings without meaning.
        EngineError: the engine cannot be used.
        Stopped: Ctrl-C was pressed before the engine was ready.
    """

    name: Final = "llm"

    def __init__(self, setup: AnnotatorSetup) -> None:
        if setup.engine is None:
            raise OptionError("--annotator llm: needs --engine and --model")
        self.taxonomy = setup.taxonomy
        self.settings = settings_of(setup)
        self._watch: Watch | None = setup.watch
        self._store = _open_store(setup)
        if self._store is not None and self.settings.forget_failed:
            self._store.forget_failed()
        self._meter = Meter(self.settings.limits, self.settings.prices, self._spent())
        self._engine = setup.engine.build(setup.engine_settings)
        self._halt: str | None = None
        self._traces = 0
        self._loop = LoopThread()
        try:
            self.layout = self._loop.run(self._start_or_stop(setup))
        except BaseException:
            self.close()
            raise
        self.ref = AnnotatorRef(name=self.name, version=VERSION, fingerprint=self._fingerprint())

    @classmethod
    def from_setup(cls, setup: AnnotatorSetup) -> LlmAnnotator:
        """Return the annotator of a job: connect, and make sure that schemas are obeyed."""
        return cls(setup)

    async def _start_or_stop(self, setup: AnnotatorSetup) -> Layout:
        """Start, unless someone waits for the end before the engine is ready."""
        starting = asyncio.create_task(self._start(setup))
        watcher = asyncio.create_task(self._cancel_when_asked([starting]))
        try:
            return await starting
        except asyncio.CancelledError as error:
            raise Stopped(self._stop_reason() or "stopped") from error
        finally:
            watcher.cancel()

    async def _start(self, setup: AnnotatorSetup) -> Layout:
        info = await self._engine.start()
        self.concurrency = info.concurrency  # requests in flight
        layout = Layout.of(
            setup.taxonomy,
            self.settings.options,
            info,
            setup.engine_settings,
            self.settings.fence or new_fence(),
            self._engine,
        )
        await require_schema(self._engine)
        self._gate = asyncio.Semaphore(max(8, info.concurrency))
        self._pending: dict[bytes, asyncio.Future[tuple[Outcome, bool]]] = {}
        self._asker = Asker(
            self._engine,
            layout,
            self._meter,
            concurrency=info.concurrency,
            halted=self._stop_reason,
            count=self._count,
        )
        return layout

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate a batch; one annotation per trace, in the same order.

        Raises:
            Stopped: a budget is spent, Ctrl-C was pressed, or the engine is gone.
        """
        asked = [self.layout.questions] * len(traces)
        return self.annotate_asking(traces, asked)

    def annotate_asking(
        self, traces: Sequence[Trace], asked: Sequence[tuple[Question, ...]]
    ) -> list[Annotation]:
        """Annotate a batch, asking only certain questions of each trace."""
        return self._loop.run(self._annotate(traces, asked))

    def spent(self) -> Usage:
        """Return what the whole job has cost so far."""
        return self._meter.usage

    def close(self) -> None:
        """Stop what is in flight, shut the engine down, and write what is known."""
        self._halt = self._halt or "closed"
        try:
            if not self._loop.closed:
                self._loop.run(self._engine.close())
        finally:
            # What comes in until the loop is closed is kept.
            self._loop.close()
            if self._store is not None:
                self._store.close()

    async def _annotate(
        self, traces: Sequence[Trace], asked: Sequence[tuple[Question, ...]]
    ) -> list[Annotation]:
        jobs = [
            asyncio.create_task(self._gated(trace, questions))
            for trace, questions in zip(traces, asked, strict=True)
        ]
        watcher = asyncio.create_task(self._cancel_when_asked(jobs))
        try:
            results = await asyncio.gather(*jobs, return_exceptions=True)
        finally:
            watcher.cancel()
            if self._store is not None:
                self._store.flush()
        return self._whole(results)

    def _whole(self, results: list[tuple[Annotation, bool] | BaseException]) -> list[Annotation]:
        """Return all annotations, or raise Stopped with those before the first gap."""
        for result in results:
            if isinstance(result, BaseException) and not isinstance(
                result, (Halted, asyncio.CancelledError)
            ):
                raise result
        reason = self._stop_reason()
        done: list[Annotation] = []
        for result in results:
            if isinstance(result, BaseException):
                raise Stopped(reason or "stopped", done)
            annotation, passing = result
            if passing and self._engine.trouble is not None:
                # It failed because the engine is going; a later run will do better.
                raise Stopped(reason or "stopped", done)
            done.append(annotation)
        return done

    async def _cancel_when_asked(self, jobs: list[asyncio.Task[Any]]) -> None:
        """End requests in flight when someone is waiting for the end; budgets let them finish."""
        while True:
            await asyncio.sleep(_WATCH_S)
            if (self._watch is not None and self._watch.stop_reason()) or self._halt:
                for job in jobs:
                    job.cancel()
                return

    async def _gated(
        self, trace: Trace, questions: tuple[Question, ...]
    ) -> tuple[Annotation, bool]:
        async with self._gate:
            annotation, passing = await self._trace(trace, questions)
        self._traces += 1
        self._tell()
        return annotation, passing

    async def _trace(
        self, trace: Trace, questions: tuple[Question, ...]
    ) -> tuple[Annotation, bool]:
        """Return what a trace shows, and whether something failed that may work later."""
        ranges = sentence_ranges(trace.text)
        if not ranges:
            return self._lost(trace, 0, questions, "empty-text", "the text is empty"), False
        units = self.layout.units(trace, questions)
        found = self._known(units)
        missing = [
            (unit, question)
            for unit, question in zip(units, questions, strict=True)
            if unit.key not in found
        ]
        passing = False
        if missing:
            try:
                asked, passing = await self._ask(trace, ranges, missing)
                found |= asked
            except TooLong as error:
                return self._lost(trace, len(ranges), questions, error.code, str(error)), False
        outcomes = [found[unit.key] for unit in units]
        return self._annotation(trace, len(ranges), outcomes), passing

    async def _ask(
        self,
        trace: Trace,
        ranges: list[tuple[int, int]],
        missing: list[tuple[Unit, Question]],
    ) -> tuple[dict[bytes, Outcome], bool]:
        """Return what came of units, and whether something failed that may work later."""
        sheets = self.layout.sheets(trace, ranges)
        outcomes = await asyncio.gather(
            *(self._once(unit, question, sheets, ranges) for unit, question in missing),
            return_exceptions=True,
        )
        found, passing = {}, False
        for (unit, _), outcome in zip(missing, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            found[unit.key], final = outcome
            passing = passing or not final
        return found, passing

    async def _once(
        self, unit: Unit, question: Question, sheets: Any, ranges: Any
    ) -> tuple[Outcome, bool]:
        """Return what came of a unit, and whether that is its answer for good.

        One that is being asked already, for a copy of the trace, is not asked again.
        """
        pending = self._pending.get(unit.key)
        if pending is not None:
            return await asyncio.shield(pending)
        future: asyncio.Future[tuple[Outcome, bool]] = asyncio.get_running_loop().create_future()
        self._pending[unit.key] = future
        try:
            outcome, keep = await ask_unit(
                self._asker, unit, question, sheets, ranges, self.settings.options, self.name
            )
            if keep and self._store is not None:
                self._store.put(unit, outcome)
            future.set_result((outcome, keep))
            return outcome, keep
        except BaseException:
            future.cancel()
            raise
        finally:
            del self._pending[unit.key]

    def _known(self, units: list[Unit]) -> dict[bytes, Outcome]:
        return {} if self._store is None else self._store.get([unit.key for unit in units])

    def _lost(
        self,
        trace: Trace,
        sentences: int,
        questions: tuple[Question, ...],
        reason: str,
        message: str,
    ) -> Annotation:
        """Return the annotation of a trace that cannot be asked about."""
        names = tuple(e.id for question in questions for e in question.elements)
        lost = Unanswered(elements=names, reason=reason, message=message)
        return self._annotation(trace, sentences, [Outcome(unanswered=(lost,))])

    def _annotation(self, trace: Trace, sentences: int, outcomes: list[Outcome]) -> Annotation:
        entries = {e.element: e for outcome in outcomes for e in outcome.elements}
        ordered = [entries[name] for name in self.taxonomy.element_ids if name in entries]
        usage = Usage()
        tally: Counter[str] = Counter()
        for outcome in outcomes:
            usage = added(usage, outcome.usage)
            tally.update(outcome.tally)
        return Annotation(
            trace_id=trace.trace_id,
            text_sha256=text_sha256(trace.text),
            sentences=sentences,
            taxonomy=self.taxonomy.ref,
            annotator=self.ref,
            elements=with_quotes(ordered, trace.text),
            usage=usage,
            unanswered=tuple(lost for outcome in outcomes for lost in outcome.unanswered),
            tally=dict(tally),
        )

    def _stop_reason(self) -> str | None:
        if self._halt is not None:
            return self._halt
        if self._watch is not None and (asked := self._watch.stop_reason()) is not None:
            return asked
        if self._engine.trouble is not None:
            return self._engine.trouble
        return self._meter.exhausted()

    def _count(self, usage: Usage) -> None:
        self._meter.add(usage)
        if self._store is not None:
            self._store.spend(usage)
        self._tell()

    def _tell(self) -> None:
        if self._watch is not None:
            self._watch.progressed(self._traces, self._meter.usage, self._meter.cost)

    def _spent(self) -> Usage:
        return Usage() if self._store is None else self._store.spent()

    def _fingerprint(self) -> str:
        return digest([q.fingerprint for q in self.layout.prepared])[:16]


def _open_store(setup: AnnotatorSetup) -> AnswerStore | None:
    return None if setup.folder is None else AnswerStore(setup.folder / AnswerStore.NAME)
