"""A job whose annotator stops when told to, for tests of stopping and going on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from cogtrace.annotator.job import JobFolder, JobPlan, JobReader, run_job, verify_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.errors import JobStopped, Stopped
from cogtrace.extensions import AnnotatorKind, AnnotatorSetup
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    Quarantined,
    SourceRow,
    Span,
    Trace,
    Unanswered,
    Usage,
    text_sha256,
)
from cogtrace.taxonomy import Taxonomy, load_taxonomy

TAXONOMY = load_taxonomy().only(["verification", "backtracking", "self-awareness"])
REASON = "enough for today"


class Halting:
    """Scores by length; stops, once for each time it is told to, just before certain traces.

    A trace beginning with "boom" breaks it, "lost" gets no answer, "part" none for one element.
    """

    def __init__(self, setup: AnnotatorSetup, fuses: Counter[str], fingerprint: str) -> None:
        self.ref = AnnotatorRef(name="halting", version="1", fingerprint=fingerprint)
        self._taxonomy = setup.taxonomy
        self._fuses = fuses
        self._lock = threading.Lock()
        self.closed = False

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate a batch, or as much of it as may be."""
        done: list[Annotation] = []
        for trace in traces:
            if self._burns(trace.trace_id):
                raise Stopped(REASON, done)
            if trace.text.startswith("boom"):
                raise ZeroDivisionError("a trace that breaks things")
            done.append(self._one(trace))
        if traces and self._burns(f"after {traces[-1].trace_id}"):
            raise Stopped(REASON, done)
        return done

    def _burns(self, name: str) -> bool:
        with self._lock:
            burns = self._fuses[name] > 0
            self._fuses[name] -= burns
            return burns

    def _one(self, trace: Trace) -> Annotation:
        names = self._taxonomy.element_ids
        lost = {"lost": names, "part": names[1:2]}.get(trace.text[:4], ())
        reply = [Unanswered(elements=lost, reason="no-use", message="no")] if lost else []
        return Annotation(
            trace_id=trace.trace_id,
            text_sha256=text_sha256(trace.text),
            sentences=1,
            taxonomy=self._taxonomy.ref,
            annotator=self.ref,
            elements=tuple(_scored(name, trace.text) for name in names if name not in lost),
            unanswered=tuple(reply),
            tally={"traces": 1},
        )

    def spent(self) -> Usage | None:
        """Nothing is counted."""
        return None

    def close(self) -> None:
        """Take note."""
        self.closed = True


def _scored(element: str, text: str) -> ElementAnnotation:
    score = (len(text) + len(element)) % 3
    span = Span(
        start=0,
        end=1,
        quote=text[:1],
        first_sentence=1,
        last_sentence=1,
        anchor="sentence",
        source="halting",
    )
    return ElementAnnotation(element=element, score=score, spans=(span,) if score else ())


def spec(
    fuses: Counter[str], fingerprint: str = "one", taxonomy: Taxonomy = TAXONOMY
) -> AnnotatorSpec:
    """Return how a halting annotator is built."""
    kind = AnnotatorKind(
        name="halting",
        summary="stops when told to",
        build=lambda setup: Halting(setup, fuses, fingerprint),
        needs_engine=True,
    )
    return AnnotatorSpec(kind, AnnotatorSetup(taxonomy=taxonomy))


def plan(out: Path, fuses: Counter[str], fingerprint: str = "one", **changes: Any) -> JobPlan:
    """Return the plan of a job in small parts. Keywords are fields of the plan."""
    usual: dict[str, Any] = {"spec": spec(fuses, fingerprint), "part_traces": 4}
    return JobPlan(folder=JobFolder(out), **usual | changes)


def _row(line: int, what: tuple[int, str]) -> SourceRow:
    number, kind = what
    if kind == "bad":
        bad = Quarantined(file="f", line=line, reason="bad-json", message="no", raw="{")
        return SourceRow(file="f", line=line, value=bad)
    trace = Trace(trace_id=f"t{number}", text=f"{kind} Ünïcödé 🧭 {'.' * (number % 4)}")
    return SourceRow(file="f", line=line, value=trace)


def numbered(kinds: Sequence[tuple[int, str]]) -> list[SourceRow]:
    """Return rows from the number of a trace and the beginning of its text, or "bad"."""
    return [_row(line, what) for line, what in enumerate(kinds, start=1)]


def plain(count: int) -> list[SourceRow]:
    """Return so many rows without anything special."""
    return numbered([(number, "good") for number in range(count)])


# Few ids, so that there are duplicates, and ids used for two texts.
KINDS = st.sampled_from(["good"] * 6 + ["bad", "boom", "lost", "part"])
ROWS = st.lists(st.tuples(st.integers(0, 15), KINDS), max_size=24).map(numbered)
FUSES = st.lists(
    st.tuples(st.sampled_from(["", "after "]), st.integers(0, 15)).map(lambda f: f"{f[0]}t{f[1]}"),
    max_size=6,
)


def content(out: Path) -> dict[str, Any]:
    """Return all that must not depend on where a job was stopped."""
    reader = JobReader(out)
    counts = reader.manifest.counts
    return {
        "pairs": list(reader.pairs()),
        "quarantine": list(reader.quarantined()),
        "counts": {n: getattr(counts, n) for n in counts.__struct_fields__ if n != "parts"},
        "tally": reader.manifest.tally,
        "rows": reader.entries[-1].rows_sha256 if reader.entries else "",
    }


def run_to_the_end(out: Path, rows: list[SourceRow], fuses: Counter[str], **changes: Any) -> int:
    """Resume a job until it ends by itself; return how often it stopped."""
    stops = 0
    while True:
        try:
            run_job(plan(out, fuses, resume=True, **changes), iter(rows))
        except JobStopped:
            manifest = JobReader(out).manifest
            assert (manifest.status, manifest.stopped) == ("interrupted", REASON)
            report = verify_job(JobFolder(out))
            assert (report.problems, report.uncommitted) == ([], [])
            stops += 1
        else:
            return stops
