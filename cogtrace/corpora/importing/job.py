"""Importing annotations: the rows and the annotator of a job that asks nobody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from cogtrace.annotator.job import InputRef, JobFolder, JobPlan, Manifest, run_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.corpora.importing.annotating import annotation_of
from cogtrace.corpora.importing.crosswalk import Crosswalk
from cogtrace.corpora.importing.mapping import (
    Mapping,
    crosswalk_mapping,
    given_mapping,
    own_mapping,
)
from cogtrace.corpora.importing.survey import Survey, survey
from cogtrace.corpora.importing.texts import NoText, Texts, read_texts
from cogtrace.corpora.readers.raw import RawRow, clean, shown
from cogtrace.corpora.readers.traces import Input, judge
from cogtrace.errors import InputError, OptionError
from cogtrace.extensions import AnnotatorKind, AnnotatorSetup, Labels, ReaderKind
from cogtrace.records import Annotation, AnnotatorRef, Quarantined, SourceRow, Trace
from cogtrace.taxonomy import Taxonomy

# Goes up with every change to the code that may change an imported annotation.
VERSION: Final = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What is to be imported, and into which folder."""

    kind: ReaderKind  # that gives annotations
    paths: tuple[str, ...]
    folder: JobFolder
    taxonomy: Taxonomy  # of scored labels, and of a crosswalk
    crosswalk: Crosswalk | None = None  # only the rules that are to be used
    texts: tuple[str, ...] = ()  # files of traces, and job folders
    form: str | None = None  # format of the files of traces
    overrides: dict[str, str] = field(default_factory=dict)  # field: column
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """The finished job, and how labels became elements."""

    manifest: Manifest
    mapping: Mapping


def run_import(plan: ImportPlan) -> Imported:
    """Make a job folder of annotations that were made elsewhere.

    Raises:
        OptionError: texts are needed and not given, or given and not needed.
        InputError: an input cannot be read at all, or holds no usable label.
        JobError: the folder is not fit for the job; nothing was touched.
        JobStopped: it could not go on; it can be resumed.
    """
    if bool(plan.texts) == plan.kind.texts:
        raise OptionError(
            f"--from {plan.kind.name}: it brings its own texts; leave out --traces"
            if plan.kind.texts
            else f"--from {plan.kind.name}: spans without their text cannot be checked; give "
            "the annotated traces with --traces FILE"
        )
    if not plan.resume:
        plan.folder.require_free()
    found = survey(plan.kind, plan.paths, plan.overrides)
    mapping = _mapping(plan, found)
    annotator = ImportedAnnotator(_ref(plan, found, mapping), mapping)
    job = JobPlan(
        folder=plan.folder,
        spec=AnnotatorSpec(
            AnnotatorKind(
                name=annotator.ref.name, summary=plan.kind.summary, build=lambda setup: annotator
            ),
            AnnotatorSetup(taxonomy=mapping.taxonomy),
        ),
        inputs=tuple(
            InputRef(path=source.path, bytes=source.bytes, columns=source.columns)
            for source in found.sources
        ),
        resume=plan.resume,
        options=_options(plan),
    )
    rows = _Rows(plan, mapping, annotator)
    return Imported(run_job(job, rows.of(found.sources)), mapping)


class ImportedAnnotator:
    """Says of each trace what its row in the import said. Each is told first, and asked once."""

    def __init__(self, ref: AnnotatorRef, mapping: Mapping) -> None:
        self.ref = ref
        self._mapping = mapping
        self._labels: dict[str, Labels] = {}

    def tell(self, trace_id: str, labels: Labels) -> None:
        """Take note of the labels of a trace that will be asked about."""
        self._labels[trace_id] = labels

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Return the annotations of traces that it was told about."""
        found = [
            annotation_of(trace, self._labels[trace.trace_id], self._mapping, self.ref)
            for trace in traces
        ]
        for trace in traces:
            del self._labels[trace.trace_id]
        return found

    def spent(self) -> None:
        """Return None: nothing was asked of a model."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


class _Rows:
    """The rows of all inputs; their labels go to the annotator on the way."""

    def __init__(self, plan: ImportPlan, mapping: Mapping, annotator: ImportedAnnotator) -> None:
        self._kind = plan.kind
        self._mapping = mapping
        self._annotator = annotator
        self._texts = Texts(read_texts(plan.texts, plan.form, plan.overrides))
        self._seen: dict[str, bytes] = {}  # a trace's labels, as a hash

    def of(self, sources: list[Input]) -> Iterator[SourceRow]:
        """Yield each row as a trace, or as the reason why it is none."""
        for source in sources:
            for row in self._kind.read(source.path):
                source.rows += 1
                value = self._value(source, row)
                yield SourceRow(file=source.path, line=row.line, value=value)

    def _value(self, source: Input, row: RawRow) -> Trace | Quarantined:
        if row.data is None:
            return judge(source, row)
        if row.labels is None:
            return _refused(source, row, "no-labels", "the row has no labels")
        strange = sorted(label for label in _labels(row.labels) if label in self._mapping.unknown)
        if strange:
            message = (
                f"not an element of {self._mapping.taxonomy.id!r}: {strange[0]!r:.80}; give the "
                "right taxonomy with --taxonomy, or a --crosswalk"
            )
            return _refused(source, row, "unknown-element", message)
        try:
            trace = (
                judge(source, row)
                if self._kind.texts
                else self._texts.find(row.data, self._mapping.taxonomy)
            )
        except NoText as error:
            return _refused(source, row, error.reason, str(error))
        return self._once(source, row, trace, row.labels)

    def _once(
        self, source: Input, row: RawRow, trace: Trace | Quarantined, labels: Labels
    ) -> Trace | Quarantined:
        """Hand on a trace that is new, or that is labelled as it was before."""
        if isinstance(trace, Quarantined):
            return trace
        digest = hashlib.sha256(repr(labels).encode("utf-8", "backslashreplace")).digest()[:16]
        known = self._seen.get(trace.trace_id)
        if known is None:
            self._seen[trace.trace_id] = digest
            self._annotator.tell(trace.trace_id, labels)
        elif known != digest:
            message = f"trace {trace.trace_id!r:.80} was labelled before, and differently"
            return _refused(source, row, "duplicate-id", message, trace.trace_id)
        return trace


def _labels(labels: Labels) -> set[str]:
    return {*labels.faults, *(labels.scores or ()), *(mark.label for mark in labels.marks)}


def _refused(
    source: Input, row: RawRow, reason: str, message: str, trace_id: str | None = None
) -> Quarantined:
    raw = None if row.data is None else shown(row.data)
    return Quarantined.of(source.path, row.line, reason, clean(message), trace_id, raw)


def _mapping(plan: ImportPlan, found: Survey) -> Mapping:
    if not found.labels:
        why = f"; the first row refused is {found.refused}" if found.refused else ""
        raise InputError(f"--from {plan.kind.name}: no label in any of the inputs{why}")
    if plan.crosswalk is not None:
        return crosswalk_mapping(plan.taxonomy, plan.crosswalk, found.labels)
    if found.scored:
        return given_mapping(plan.taxonomy, found.labels)
    return own_mapping(plan.kind.name, found.labels)


def _ref(plan: ImportPlan, found: Survey, mapping: Mapping) -> AnnotatorRef:
    """Return who annotated: equal content under equal rules is the same annotator."""
    crosswalk = None if plan.crosswalk is None else plan.crosswalk.sha256
    content = json.dumps(
        [plan.kind.name, VERSION, mapping.taxonomy.sha256, crosswalk, found.digests]
    )
    fingerprint = hashlib.sha256(content.encode()).hexdigest()[:16]
    return AnnotatorRef(name=f"imported-{plan.kind.name}", version=VERSION, fingerprint=fingerprint)


def _options(plan: ImportPlan) -> dict[str, Any]:
    options: dict[str, Any] = {"from": plan.kind.name, "map": plan.overrides}
    if plan.texts:
        options |= {"traces": list(plan.texts), "format": plan.form}
    if plan.crosswalk is not None:
        options["crosswalk"] = {"scheme": plan.crosswalk.scheme, "sha256": plan.crosswalk.sha256}
    return options
