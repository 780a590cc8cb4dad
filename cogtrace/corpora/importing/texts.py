"""Finding the text of a trace that was annotated elsewhere and comes without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from cogtrace.annotator.job import JobFolder, JobReader
from cogtrace.annotator.job.folder import TRACES
from cogtrace.annotator.job.tables import traces_of
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.corpora.readers.reference import KEY
from cogtrace.corpora.structure.reference_file import BAD, problem_type
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy

_Known = dict[Any, Trace | None]  # None: several traces answer to this


class NoText(ValueError):
    """A record whose text is not to be had; the reason is a short code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Texts:
    """Traces by their id, and by question and model. All of them are held in memory."""

    def __init__(self, traces: Iterable[Trace]) -> None:
        self._by_id: _Known = {}
        self._by_question: _Known = {}
        for trace in traces:
            _keep(self._by_id, trace.trace_id, trace)
            question = trace.meta.get("question_id") or trace.trace_id
            _keep(self._by_question, (str(question), trace.model), trace)

    def find(self, record: Mapping[str, Any], taxonomy: Taxonomy) -> Trace:
        """Return the trace of a record of the reference layout.

        It is the one whose id is the record's ``sample_id`` or key; else the one with its
        question and model. What the trace does not know of itself, the record adds.

        Raises:
            NoText: there is none, or there are several.
        """
        names = [str(record.get("sample_id")), str(record[KEY])]
        question = (str(record.get("question_id", record[KEY])), record.get("model_name"))
        for known, keys in ((self._by_id, names), (self._by_question, [question])):
            for key in keys:
                if key in known:
                    trace = known[key]
                    if trace is None:
                        raise NoText("ambiguous-text", f"several texts answer to {key!r:.120}")
                    return _filled(trace, record, taxonomy)
        raise NoText(
            "no-text",
            f"none of the given traces has the id {names[0]!r:.80} or the question and model "
            f"{question!r:.160}",
        )


def read_texts(
    paths: Sequence[str], form: str | None, overrides: Mapping[str, str]
) -> Iterator[Trace]:
    """Yield the traces in files, and those of job folders; rows that hold none are passed over.

    Raises:
        InputError: a file cannot be read at all.
        JobError: a folder is no job.
    """
    for path in paths:
        if Path(path).is_dir():
            for part in JobReader(JobFolder(path)).files(TRACES):
                yield from traces_of(pl.read_parquet(part))
        else:
            for row in read_traces(open_inputs([path], form), overrides):
                if isinstance(row.value, Trace):
                    yield row.value


def _keep(known: _Known, key: Any, trace: Trace) -> None:
    other = known.setdefault(key, trace)
    if other is not None and other.text != trace.text:
        known[key] = None


_FIELDS: Final = {"model": "model_name", "task": "task"}


def _filled(trace: Trace, record: Mapping[str, Any], taxonomy: Taxonomy) -> Trace:
    """Return the trace with what only the record knows."""
    new: dict[str, Any] = {}
    for field, column in _FIELDS.items():
        value = record.get(column)
        if getattr(trace, field) is None and isinstance(value, str):
            new[field] = value
    if trace.correct is None and isinstance(record.get("correctness"), bool):
        new["correct"] = record["correctness"]
    if trace.problem_type is None:
        new["problem_type"] = _problem_type(record.get("problem_type"), taxonomy)
    if "question_id" not in trace.meta and isinstance(record.get("question_id"), str | int):
        new["meta"] = {**trace.meta, "question_id": record["question_id"]}
    return msgspec.structs.replace(trace, **new)


def _problem_type(value: Any, taxonomy: Taxonomy) -> str | None:
    """Return the id of a type of problem, or its label where the taxonomy has none such."""
    try:
        label = problem_type(value)
    except BAD:
        return None  # votes of no known meaning
    for found in taxonomy.problem_types:
        if label in (found.id, found.name, *found.aliases):
            return found.id
    return label
