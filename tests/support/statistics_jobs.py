"""Job folders with annotations that a test makes up, and what plain Python makes of them.

The plain functions are the second computation that statistics are checked against: loops
over traces, no arrays, nothing from the code under test.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES, JobFolder
from cogtrace.annotator.job.ledger import Entry, Ledger
from cogtrace.annotator.job.manifest import Counts, Manifest
from cogtrace.annotator.job.tables import annotation_frame, parquet, trace_frame
from cogtrace.jobs.ledger import describe
from cogtrace.jobs.provenance import Order, Status, here, now
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    Span,
    TaxonomyRef,
    Trace,
    text_sha256,
)

ELEMENTS = ("counting", "doubting", "planning", "turning-back")
_TAXONOMY = TaxonomyRef(id="made-up", version="1", sha256="a" * 64)
_ANNOTATOR = AnnotatorRef(name="made-up", version="1", fingerprint="b" * 16)


@dataclass(frozen=True, slots=True)
class Made:
    """A trace, and what it shows: score and spans of each element it was asked about."""

    trace_id: str
    text: str
    scores: Mapping[str, int]
    spans: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    question: str | None = None
    model: str | None = None
    correct: bool | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def trace(self) -> Trace:
        """Return the trace alone."""
        return Trace(
            trace_id=self.trace_id,
            text=self.text,
            question=self.question,
            model=self.model,
            correct=self.correct,
            meta=dict(self.meta),
        )

    def annotation(self) -> Annotation:
        """Return the annotation."""
        return Annotation(
            trace_id=self.trace_id,
            text_sha256=text_sha256(self.text),
            sentences=1,
            taxonomy=_TAXONOMY,
            annotator=_ANNOTATOR,
            elements=tuple(
                ElementAnnotation(
                    element=element,
                    score=score,
                    spans=tuple(self._span(*place) for place in self.spans.get(element, ())),
                )
                for element, score in self.scores.items()
            ),
        )

    def _span(self, start: int, end: int) -> Span:
        return Span(
            start=start,
            end=end,
            quote=self.text[start:end],
            first_sentence=1,
            last_sentence=1,
            anchor="sentence",
            source="made-up",
        )


def make_job(
    path: Path,
    rows: Sequence[Made],
    part: int = 50,
    elements: Sequence[str] = ELEMENTS,
    status: Status = "finished",
    order: Order | None = None,
    annotator: AnnotatorRef = _ANNOTATOR,
) -> Path:
    """Write a job folder that holds the rows; return its path."""
    folder = JobFolder(path)
    for table in (TRACES, ANNOTATIONS):
        (path / table).mkdir(parents=True)
    ledger = Ledger(folder.ledger)
    for number, begin in enumerate(range(0, len(rows), part)):
        some = rows[begin : begin + part]
        ledger.append(_write(folder, number, begin + len(some), some))
    Manifest(
        status=status,
        created=now(),
        updated=now(),
        inputs=(),
        taxonomy=_TAXONOMY,
        annotator=annotator,
        elements=tuple(elements),
        options={},
        counts=Counts(rows=len(rows), traces=len(rows)),
        order=order or Order(),
        platform=here(),
    ).write(folder)
    return path


def _write(folder: JobFolder, number: int, reached: int, rows: Sequence[Made]) -> Entry:
    annotations = [row.annotation() for row in rows]
    frames = {
        TRACES: trace_frame([row.trace() for row in rows], annotations),
        ANNOTATIONS: annotation_frame(annotations),
    }
    files = []
    for table, frame in frames.items():
        content = parquet(frame, {})
        folder.part(table, number).write_bytes(content)
        files.append(describe(content, table, folder.part(table, number).name, frame.height))
    return Entry(
        part=number,
        rows=reached,
        rows_sha256="0" * 64,
        quarantine_bytes=0,
        files=tuple(files),
        traces=len(rows),
        duplicates=0,
        quarantined=0,
        sentences=len(rows),
        spans=sum(len(entry.spans) for a in annotations for entry in a.elements),
        text_bytes=sum(len(row.text.encode()) for row in rows),
        seconds=0.0,
    )


def random_rows(seed: int, count: int = 120, asked: float = 0.9) -> list[Made]:
    """Return traces of all kinds: some without question, grade, spans or answers."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        size = draw.randint(40, 400)
        scores = {e: draw.choice((0, 0, 1, 2)) for e in ELEMENTS if draw.random() < asked}
        spans = {}
        for element, score in scores.items():
            if score:
                starts = [draw.randrange(0, size - 20, 10) for _ in range(draw.randint(0, 3))]
                spans[element] = [(start, start + draw.randint(5, 20)) for start in starts]
        rows.append(
            Made(
                trace_id=f"t{number}",
                text="".join(draw.choice("ab é漢😀") for _ in range(size)),
                scores=scores,
                spans=spans,
                question=None if draw.random() < 0.1 else f"Q{draw.randint(1, count // 4)}",
                model=draw.choice(("small", "large", "person")),
                correct=draw.choice((True, False, None)),
                meta={"level": draw.randint(1, 3)},
            )
        )
    return rows


def asked(rows: Iterable[Made], *elements: str) -> list[Made]:
    """Return the traces that were asked about all of the elements."""
    return [row for row in rows if all(element in row.scores for element in elements)]


def share(rows: Sequence[Made], element: str, least: int = 1) -> float:
    """Return the share of the traces asked about an element that score so much."""
    scores = [row.scores[element] for row in asked(rows, element)]
    return sum(score >= least for score in scores) / len(scores)


def coverage(row: Made, elements: Iterable[str]) -> float:
    """Return the share of a text that is in spans of these elements."""
    inside = {
        place
        for element in elements
        for span in row.spans.get(element, ())
        for place in range(*span)
    }
    return len(inside) / len(row.text)


def steps(row: Made) -> list[set[str]]:
    """Return the elements that start at each place where any does, in order."""
    starts: dict[int, set[str]] = {}
    for element, spans in row.spans.items():
        for start, _ in spans:
            starts.setdefault(start, set()).add(element)
    return [starts[start] for start in sorted(starts)]


def followings(rows: Iterable[Made]) -> list[tuple[set[str], set[str]]]:
    """Return every step with its next one."""
    return [pair for row in rows for pair in pairwise(steps(row))]


def clustered(rows: Iterable[Made]) -> dict[object, list[Made]]:
    """Return the traces by question, those without one alone."""
    found: dict[object, list[Made]] = {}
    for row in rows:
        found.setdefault(row.question or id(row), []).append(row)
    return found


def resampled(
    rows: Sequence[Made], figure: Callable[[Sequence[Made]], float], draws: int, seed: int
) -> list[float]:
    """Return a figure of each of so many samples of clusters, in ascending order."""
    draw = random.Random(seed)
    clusters = list(clustered(rows).values())
    return sorted(
        figure([row for one in draw.choices(clusters, k=len(clusters)) for row in one])
        for _ in range(draws)
    )
