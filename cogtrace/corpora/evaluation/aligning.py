"""Predictions and gold side by side: the same traces, the same elements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from cogtrace.corpora.evaluation.jobs import Job
from cogtrace.corpora.evaluation.labels import LabelSet, Marked, Place
from cogtrace.corpora.statistics.arrays import Array
from cogtrace.corpora.statistics.corpus import QUESTION_IDS
from cogtrace.corpora.statistics.selecting import Codes, meta_text
from cogtrace.errors import InputError
from cogtrace.records import Trace, text_sha256

_SHOWN: Final = 5  # ids in a message


@dataclass(frozen=True, slots=True)
class Places:
    """Spans of one side, by owner and start. An owner is ``row * elements + element``."""

    owner: Array
    start: Array
    end: Array
    confidence: Array  # NaN where there is none
    known: Array  # per row and element: whether one knows where it is shown

    def only(self, keep: Array) -> Places:
        """Return some of the spans."""
        return replace(
            self,
            owner=self.owner[keep],
            start=self.start[keep],
            end=self.end[keep],
            confidence=self.confidence[keep],
        )


@dataclass(frozen=True, slots=True)
class Side:
    """What one side says. First axis: rows; second: elements."""

    score: Array  # -1 where it was not asked
    places: Places


@dataclass(frozen=True, slots=True)
class Aligned:
    """Rows that two sides speak of: a row is a trace, and an annotator of the gold."""

    elements: tuple[str, ...]
    traces: list[Trace]
    annotators: list[str]  # of the gold, per row
    cluster: Array  # number of the question
    predicted: Side
    gold: Side
    weight: Array  # per row and element, 1 but where several annotators are compared

    @property
    def length(self) -> Array:
        """Code points of each text."""
        return np.array([len(trace.text) for trace in self.traces], dtype=np.float64)

    @property
    def asked(self) -> Array:
        """Where both sides were asked about an element."""
        asked: Array = (self.predicted.score >= 0) & (self.gold.score >= 0)
        return asked


@dataclass(frozen=True, slots=True)
class Matched:
    """The gold rows that a job knows, and what was left out."""

    job: Job
    rows: list[Marked]  # of the gold, under the ids of the job
    unmatched: list[str]
    differing: list[str]  # traces whose text is another one


def match(job: Job, gold: LabelSet) -> Matched:
    """Return the rows of a gold whose traces are in a job: by id, else by their text.

    Raises:
        InputError: there is none; names some ids of both.
    """
    by_text = {digest: trace_id for trace_id, digest in job.sha256.items()}
    found: list[Marked] = []
    unmatched: list[str] = []
    differing: list[str] = []
    for row in gold.rows:
        trace_id = row.trace_id if row.trace_id in job.traces else by_text.get(row.sha256 or "")
        if trace_id is None:
            unmatched.append(row.trace_id)
        elif not _fits(row, job.traces[trace_id], job.sha256[trace_id]):
            differing.append(row.trace_id)
        else:
            found.append(replace(row, trace_id=trace_id))
    if not found:
        raise InputError(_nothing(job, gold, differing))
    place = {trace_id: number for number, trace_id in enumerate(job.traces)}
    found.sort(key=lambda row: place[row.trace_id])  # those of one trace together
    return Matched(job, found, list(dict.fromkeys(unmatched)), list(dict.fromkeys(differing)))


def align(matched: Matched, elements: Sequence[str]) -> Aligned:
    """Return predictions and gold of the matched rows as arrays."""
    job = matched.job
    traces = [job.traces[row.trace_id] for row in matched.rows]
    theirs = [job.marked[row.trace_id] for row in matched.rows]
    names = [row.annotator for row in matched.rows]
    return _aligned(traces, theirs, matched.rows, names, elements)


def align_annotators(matched: Matched, elements: Sequence[str]) -> Aligned | None:
    """Return every two annotators of a trace as two sides; None if no trace has two.

    A pair of values that m annotators share weighs 1 / (m - 1), as Krippendorff has it.
    """
    by_trace: dict[str, list[Marked]] = {}
    for row in matched.rows:
        by_trace.setdefault(row.trace_id, []).append(row)
    pairs: list[tuple[Trace, Marked, Marked]] = []
    weights = []
    for trace_id, rows in by_trace.items():
        asked = np.array([[name in row.scores for name in elements] for row in rows])
        each = 1 / np.maximum(asked.sum(axis=0) - 1, 1)
        for a, b in combinations(rows, 2):
            pairs.append((matched.job.traces[trace_id], a, b))
            weights.append(each)
    if not pairs:
        return None
    traces, left, right = (list(part) for part in zip(*pairs, strict=True))
    names = [f"{a.annotator}, {b.annotator}" for a, b in zip(left, right, strict=True)]
    return replace(_aligned(traces, left, right, names, elements), weight=np.array(weights))


def cluster_of(trace: Trace) -> tuple[str, str]:
    """Return what a trace is put together by: its question, or else its own text.

    As in the statistics of a corpus.
    """
    question = (trace.question or "").strip()
    if question:
        return "question", question
    for name in QUESTION_IDS:
        value = meta_text(trace.meta, name)
        if value:
            return "question", f"\0{value}"
    return "trace", text_sha256(trace.text)


def _aligned(
    traces: list[Trace],
    left: Sequence[Marked],
    right: Sequence[Marked],
    names: list[str],
    elements: Sequence[str],
) -> Aligned:
    return Aligned(
        elements=tuple(elements),
        traces=traces,
        annotators=names,
        cluster=Codes().numbers(cluster_of(trace) for trace in traces),
        predicted=_side(traces, left, elements),
        gold=_side(traces, right, elements),
        weight=np.ones((len(traces), len(elements))),
    )


def _side(traces: list[Trace], rows: Sequence[Marked], elements: Sequence[str]) -> Side:
    score = np.array([[row.scores.get(name, -1) for name in elements] for row in rows], np.int8)
    score = np.minimum(score.reshape(len(rows), len(elements)), 2)
    known = score == 0
    found: list[tuple[int, int, int, float]] = []
    for number, (trace, row) in enumerate(zip(traces, rows, strict=True)):
        for place, name in enumerate(elements):
            mine = row.places.get(name) if score[number, place] > 0 else None
            if mine:
                known[number, place] = True
                owned = number * len(elements) + place
                found += [(owned, *_trimmed(trace.text, one)) for one in mine]
    found = [one for one in found if one[1] < one[2]]
    found.sort(key=lambda one: one[:3])
    table = np.array(found, dtype=np.float64).reshape(len(found), 4)
    owner, start, end = (table[:, column].astype(np.int64) for column in range(3))
    return Side(score, Places(owner, start, end, table[:, 3], known))


def _trimmed(text: str, place: Place) -> tuple[int, int, float]:
    """Return a place without the blanks at its ends, which nobody meant to mark."""
    start, end, confidence = place
    piece = text[start:end]
    end -= len(piece) - len(piece.rstrip())
    start += len(piece) - len(piece.lstrip())
    return start, end, float("nan") if confidence is None else confidence


def _fits(row: Marked, trace: Trace, sha256: str) -> bool:
    """Say whether labels can be about a text: the same hash, the same words."""
    if row.sha256 is not None and row.sha256 != sha256:
        return False
    size = len(trace.text)
    inside = all(end <= size for places in row.places.values() for _, end, _ in places)
    return inside and all(trace.text[a:b] == quote for (a, b), quote in row.quotes.items())


def _nothing(job: Job, gold: LabelSet, differing: list[str]) -> str:
    if differing:
        return (
            f"{gold.source}: its labels are for other texts than those in {job.folder}, e.g. "
            f"{_some(differing)}; the hashes of the texts, or the words at the spans, differ"
        )
    return (
        f"no trace of {gold.source} is in {job.folder}: the gold has "
        f"{_some(row.trace_id for row in gold.rows)}; the job has {_some(job.some_ids)}"
    )


def _some(ids: Iterable[str]) -> str:
    found = list(dict.fromkeys(ids))
    more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    return ", ".join(repr(name[:80]) for name in found[:_SHOWN]) + more
