"""The LLM annotator: traces in, annotations out, thousands of requests in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from cogtrace.annotator.llm.asking import Asker, Halted
from cogtrace.annotator.llm.fence import new_fence
from cogtrace.annotator.llm.fingerprints import VERSION, digest
from cogtrace.annotator.llm.layout import Layout
from cogtrace.annotator.llm.model import Question
from cogtrace.annotator.llm.reader import TraceReader
from cogtrace.annotator.llm.settings import settings_of
from cogtrace.annotator.llm.store import AnswerStore
from cogtrace.engines.canary import require_schema
from cogtrace.errors import OptionError, Stopped
from cogtrace.extensions import AnnotatorSetup, Watch
from cogtrace.jobs.budget import Meter
from cogtrace.jobs.loop import LoopThread
from cogtrace.records import Annotation, AnnotatorRef, Trace, Usage

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
        asker = Asker(
            self._engine,
            layout,
            self._meter,
            concurrency=info.concurrency,
            halted=self._stop_reason,
            count=self._count,
        )
        fingerprint = digest([entry.fingerprint for entry in layout.prepared])[:16]
        self.ref = AnnotatorRef(name=self.name, version=VERSION, fingerprint=fingerprint)
        self._reader = TraceReader(self.taxonomy, self.ref, layout, asker, self._store)
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
            annotation, passing = await self._reader.read(trace, questions)
        self._traces += 1
        self._tell()
        return annotation, passing

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


def _open_store(setup: AnnotatorSetup) -> AnswerStore | None:
    return None if setup.folder is None else AnswerStore(setup.folder / AnswerStore.NAME)
