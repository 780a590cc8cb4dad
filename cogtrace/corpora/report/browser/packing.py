"""The data of the trace browser: columns of traces and of spans, compressed.

One JSON object. Texts, questions and names that recur are stored once and named by number.
``traces`` holds a list per column, in step. ``scores`` is a string per trace with a sign per
element: 0, 1, 2; "." not asked about, "?" without a usable answer. The spans of all traces
follow each other in flat lists; ``traces.spans`` counts those of each trace, and a span's
start is given as the distance from the one before in the same trace. Offsets are code
points. Confidences are thousandths, -1 where there is none.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Hashable, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from cogtrace.records import Annotation, Trace

NAMED: Final = ("model", "task", "problem_type")  # columns of few values
NOT_ASKED: Final = "."
UNANSWERED: Final = "?"

_Value = TypeVar("_Value", bound=Hashable)


class _Table(Generic[_Value]):
    """Values stored once, in the order in which they first come."""

    def __init__(self) -> None:
        self._numbers: dict[_Value, int] = {}

    def number(self, value: _Value | None) -> int:
        """Return the number of a value; -1 for None."""
        return -1 if value is None else self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[_Value]:
        return list(self._numbers)


class Packing:
    """Columns that grow by a trace at a time."""

    def __init__(self, elements: Sequence[str]) -> None:
        self._elements = {element: number for number, element in enumerate(elements)}
        names = ("texts", "questions", "sources", *NAMED)
        self._tables: dict[str, _Table[str]] = {name: _Table() for name in names}
        columns = "id folder length text question correct answer reference_answer meta scores"
        self._traces: dict[str, list[Any]] = {
            name: [] for name in (*columns.split(), *NAMED, "spans", "explanations")
        }
        self._spans: dict[str, list[int]] = {
            name: [] for name in ("element", "start", "length", "confidence", "source")
        }
        self._explanations: dict[str, list[Any]] = {"element": [], "text": []}

    def add(self, folder: int, trace: Trace, annotation: Annotation) -> None:
        """Add a trace of a folder, by the folder's number."""
        row = {
            "id": trace.trace_id,
            "folder": folder,
            "length": len(trace.text),
            "text": self._tables["texts"].number(trace.text),
            "question": self._tables["questions"].number(trace.question),
            "correct": trace.correct,
            "answer": trace.answer,
            "reference_answer": trace.reference_answer,
            "meta": msgspec.json.encode(trace.meta).decode() if trace.meta else None,
            "scores": self._scores(annotation),
            "spans": self._add_spans(annotation),
            "explanations": self._add_explanations(annotation),
        } | {name: self._tables[name].number(getattr(trace, name)) for name in NAMED}
        for name, value in row.items():
            self._traces[name].append(value)

    def content(self) -> dict[str, Any]:
        """Return all columns."""
        tables = {name: table.values() for name, table in self._tables.items()}
        return tables | {
            "traces": self._traces,
            "spans": self._spans,
            "explanations": self._explanations,
        }

    def _scores(self, annotation: Annotation) -> str:
        signs = [NOT_ASKED] * len(self._elements)
        for lost in annotation.unanswered:
            for element in lost.elements:
                if element in self._elements:
                    signs[self._elements[element]] = UNANSWERED
        for entry in annotation.elements:
            signs[self._elements[entry.element]] = str(entry.score)
        return "".join(signs)

    def _add_spans(self, annotation: Annotation) -> int:
        found = sorted(
            (
                (span.start, span.end, self._elements[entry.element], span)
                for entry in annotation.elements
                for span in entry.spans
            ),
            key=lambda item: item[:3],
        )
        before = 0
        for start, end, element, span in found:
            confidence = -1 if span.confidence is None else round(span.confidence * 1000)
            source = self._tables["sources"].number(span.source)
            values = (element, start - before, end - start, confidence, source)
            for column, value in zip(self._spans.values(), values, strict=True):
                column.append(value)
            before = start
        return len(found)

    def _add_explanations(self, annotation: Annotation) -> int:
        given = [entry for entry in annotation.elements if entry.explanation]
        self._explanations["element"] += [self._elements[entry.element] for entry in given]
        self._explanations["text"] += [entry.explanation for entry in given]
        return len(given)


def encode(content: dict[str, Any]) -> str:
    """Return data as text for a page: JSON, gzip, base64; the same for the same data."""
    return base64.b64encode(gzip.compress(msgspec.json.encode(content), 9, mtime=0)).decode()
