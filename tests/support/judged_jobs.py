"""Jobs and golds that a test makes up: who says what of which trace, and how surely."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cogtrace.annotator.job import JobFolder, JobPlan, run_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.annotator.sentences import sentence_starts
from cogtrace.extensions import AnnotatorKind, AnnotatorSetup
from cogtrace.records import (
    Annotation,
    AnnotatorRef,
    ElementAnnotation,
    SourceRow,
    Span,
    Trace,
    text_sha256,
)
from cogtrace.taxonomy import Taxonomy

Place = tuple[int, int] | tuple[int, int, float]

NAMES = ("re-reading", "turning-back", "guessing")  # of the taxonomy "tiny"
_WORDS = "one two three go stop well then so 漢字 😀 é it is a sum".split()


@dataclass(frozen=True, slots=True)
class Judged:
    """A trace, and what somebody says of it: scores, places, perhaps with confidence."""

    trace_id: str
    text: str
    scores: Mapping[str, int]
    places: Mapping[str, Sequence[Place]] = field(default_factory=dict)
    question: str | None = None
    model: str | None = None
    problem_type: str | None = None

    def trace(self) -> Trace:
        """Return the trace alone."""
        return Trace(
            trace_id=self.trace_id,
            text=self.text,
            question=self.question,
            model=self.model,
            problem_type=self.problem_type,
        )


class _Told:
    """An annotator that says what it was told."""

    def __init__(self, rows: Iterable[Judged], taxonomy: Taxonomy, name: str) -> None:
        self.ref = AnnotatorRef(name=name, version="1", fingerprint=f"{name:0<16}")
        self._rows = {row.trace_id: row for row in rows}
        self._taxonomy = taxonomy

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        return [self._annotation(self._rows[trace.trace_id]) for trace in traces]

    def spent(self) -> None:
        return None

    def close(self) -> None:
        pass

    def _annotation(self, row: Judged) -> Annotation:
        starts = sentence_starts(row.text)
        return Annotation(
            trace_id=row.trace_id,
            text_sha256=text_sha256(row.text),
            sentences=len(starts),
            taxonomy=self._taxonomy.ref,
            annotator=self.ref,
            elements=tuple(
                ElementAnnotation(
                    element=element,
                    score=score,
                    spans=tuple(
                        _span(row.text, starts, *place) for place in row.places.get(element, ())
                    ),
                )
                for element, score in row.scores.items()
            ),
        )


def _span(
    text: str, starts: list[int], start: int, end: int, confidence: float | None = None
) -> Span:
    return Span(
        start=start,
        end=end,
        quote=text[start:end],
        first_sentence=sum(at <= start for at in starts),
        last_sentence=sum(at < end for at in starts),
        anchor="exact",
        source="told",
        confidence=confidence,
    )


def judged_job(path: Path, rows: Sequence[Judged], taxonomy: Taxonomy, name: str = "told") -> Path:
    """Write a job folder in which an annotator says what the rows say; return its path."""
    annotator = _Told(rows, taxonomy, name)
    kind = AnnotatorKind(name=name, summary="told", build=lambda setup: annotator)
    plan = JobPlan(
        folder=JobFolder(path), spec=AnnotatorSpec(kind, AnnotatorSetup(taxonomy=taxonomy))
    )
    lines = enumerate(rows, start=1)
    run_job(plan, (SourceRow(file="f", line=n, value=row.trace()) for n, row in lines))
    return path


def gold_table(path: Path, rows: Mapping[str, Sequence[Judged]]) -> Path:
    """Write a table in long form: what each annotator says; return its path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["trace_id", "annotator", "element", "score", "start", "end"])
        for annotator, mine in rows.items():
            for row in mine:
                for element, score in row.scores.items():
                    head = [row.trace_id, annotator, element, score]
                    spans: list[list[object]] = [
                        list(place[:2]) for place in row.places.get(element, ())
                    ]
                    table.writerows([*head, *span] for span in spans or [["", ""]])
    return path


def random_judged(seed: int, count: int = 40, questions: int = 12) -> list[Judged]:
    """Return traces of all kinds; equal seeds give equal texts and questions."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        text = " ".join(
            " ".join(draw.choices(_WORDS, k=draw.randint(2, 8))).capitalize() + "."
            for _ in range(draw.randint(1, 9))
        )
        rows.append(
            Judged(
                trace_id=f"t{number}",
                text=text,
                scores={},
                question=f"Q{number % questions}",
                model=draw.choice(["small", "large"]),
            )
        )
    return rows


def judged(rows: Sequence[Judged], seed: int, asked: float = 1.0) -> list[Judged]:
    """Return the same traces, judged at random."""
    draw = random.Random(seed)
    found = []
    for row in rows:
        scores = {name: draw.choice((0, 0, 1, 2)) for name in NAMES if draw.random() < asked}
        places = {}
        for name, score in scores.items():
            if score:
                size = len(row.text)
                starts = [draw.randrange(size - 3) for _ in range(draw.randint(1, 3))]
                places[name] = [
                    (at, min(size, at + draw.randint(1, 25)), draw.choice((0.25, 0.5, 0.75)))
                    for at in sorted(set(starts))
                ]
        found.append(
            Judged(
                trace_id=row.trace_id,
                text=row.text,
                scores=scores,
                places=places,
                question=row.question,
                model=row.model,
                problem_type=row.problem_type,
            )
        )
    return found
