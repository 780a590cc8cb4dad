"""The plain forms in which a job can be exported; others have modules of their own.

* ``jsonl``: one annotation a line, valid against the schema "annotation"
* ``csv``: one row per span (per element, where there is none), for spreadsheets
* ``reference``: the layout of the public reference code, one JSON object of records
  keyed by question and model; element names are the reference's labels
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

import msgspec

from cogtrace.annotator.job import JobReader
from cogtrace.errors import OptionError
from cogtrace.extensions import WriterKind
from cogtrace.records import Annotation, Span, Trace
from cogtrace.taxonomy import Taxonomy

Pairs = Iterable[tuple[Trace, Annotation]]

_SPAN_FIELDS: Final = tuple(Span.__struct_fields__)


def to_jsonl(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Yield one annotation a line."""
    for _, annotation in pairs:
        yield msgspec.json.encode(annotation).decode() + "\n"


def to_csv(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Yield a header and one row per span, or per element that has none."""
    yield _csv_line(["trace_id", "element", "score", *_SPAN_FIELDS])
    for _, annotation in pairs:
        for entry in annotation.elements:
            head = [annotation.trace_id, entry.element, entry.score]
            for span in entry.spans:
                yield _csv_line([*head, *(getattr(span, name) for name in _SPAN_FIELDS)])
            if not entry.spans:
                yield _csv_line([*head, *("" for _ in _SPAN_FIELDS)])


def to_reference(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Yield one JSON object: records of the reference layout by question and model."""
    labels = {e.id: (e.aliases or (e.id,))[0] for e in taxonomy.elements}
    types = {p.id: (p.aliases or (p.name,))[0] for p in taxonomy.problem_types}
    yield "{"
    used: set[str] = set()
    for trace, annotation in pairs:
        record = _reference_record(trace, annotation, labels, types)
        key = f"{record['question_id']}_{trace.model}"
        if key in used:  # the same question and model twice: keep both
            key = f"{key}_{trace.trace_id}"
        comma = ",\n" if used else "\n"
        used.add(key)
        yield f"{comma}{_json(key)}: {_json(record)}"
    yield "\n}\n"


WRITERS: Final[dict[str, Callable[[Pairs, Taxonomy], Iterator[str]]]] = {
    "jsonl": to_jsonl,
    "csv": to_csv,
    "reference": to_reference,
}


def find_writer(form: str) -> WriterKind:
    """Return a form of export by its name, built in or of an installed package.

    Raises:
        OptionError: there is no such form.
        PluginError: there is none, but a broken plugin may have had it.
    """
    from cogtrace.corpora.builtin import WRITERS as BUILT_IN
    from cogtrace.plugins import extensions  # installed ones are loaded only when needed

    found = next((kind for kind in BUILT_IN if kind.name == form), None)
    return found or extensions().writer(form)


def write_export(reader: JobReader, form: str) -> Iterator[str]:
    """Yield the text of a job in a form of export, in pieces.

    Raises:
        OptionError: there is no such form, or it is no text.
        PluginError: there is none, but a broken plugin may have had it.
    """
    kind = find_writer(form)
    if kind.binary:
        raise OptionError(f"--to {form}: is no text")
    return cast("Iterator[str]", kind.write(reader.pairs(), reader.taxonomy()))


def _reference_record(
    trace: Trace, annotation: Annotation, labels: dict[str, str], types: dict[str, str]
) -> dict[str, Any]:
    question_id = trace.meta.get("question_id") or trace.trace_id
    return {
        "sample_id": trace.trace_id,
        "question_id": str(question_id),
        "task": trace.task,
        "model_name": trace.model,
        "problem_type": types.get(trace.problem_type or "", trace.problem_type),
        "correctness": trace.correct,
        "element_annotation": {
            labels.get(entry.element, entry.element): {
                "score": entry.score,
                "spans": [[span.start, span.end] for span in entry.spans],
            }
            for entry in annotation.elements
        },
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _csv_line(values: list[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(values)  # ends lines as RFC 4180 has it, and quotes them
    return buffer.getvalue()
