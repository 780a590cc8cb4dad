"""One trace after the other: what is known of it, what has to be asked, put together."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from cogtrace.annotator.llm.asking import Asker
from cogtrace.annotator.llm.layout import Layout, TooLong
from cogtrace.annotator.llm.model import Question
from cogtrace.annotator.llm.store import AnswerStore, Outcome, Unit, with_quotes
from cogtrace.annotator.llm.units import ask_unit
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.jobs.budget import added
from cogtrace.records import Annotation, AnnotatorRef, Trace, Unanswered, Usage, text_sha256
from cogtrace.taxonomy import Taxonomy


class TraceReader:
    """Reads traces with the help of a model, and of what it has answered before."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        ref: AnnotatorRef,
        layout: Layout,
        asker: Asker,
        store: AnswerStore | None,
    ) -> None:
        self._taxonomy = taxonomy
        self._ref = ref
        self._layout = layout
        self._asker = asker
        self._store = store
        self._pending: dict[bytes, asyncio.Future[tuple[Outcome, bool]]] = {}

    async def read(self, trace: Trace, questions: tuple[Question, ...]) -> tuple[Annotation, bool]:
        """Return what a trace shows, and whether something failed that may work later.

        Raises:
            Halted: the job is to stop.
        """
        ranges = sentence_ranges(trace.text)
        if not ranges:
            return self._lost(trace, 0, questions, "empty-text", "the text is empty"), False
        units = self._layout.units(trace, questions)
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
        sheets = self._layout.sheets(trace, ranges)
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
                self._asker, unit, question, sheets, ranges, self._layout.options, self._ref.name
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
        ordered = [entries[name] for name in self._taxonomy.element_ids if name in entries]
        usage = Usage()
        tally: Counter[str] = Counter()
        for outcome in outcomes:
            usage = added(usage, outcome.usage)
            tally.update(outcome.tally)
        return Annotation(
            trace_id=trace.trace_id,
            text_sha256=text_sha256(trace.text),
            sentences=sentences,
            taxonomy=self._taxonomy.ref,
            annotator=self._ref,
            elements=with_quotes(ordered, trace.text),
            usage=usage,
            unanswered=tuple(lost for outcome in outcomes for lost in outcome.unanswered),
            tally=dict(tally),
        )
