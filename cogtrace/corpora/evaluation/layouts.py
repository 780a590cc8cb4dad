"""Gold in layouts of other programs: read as `cogtrace import` does, into no folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from cogtrace.corpora.evaluation.labels import LabelSet, Marked, marked
from cogtrace.corpora.importing import Crosswalk
from cogtrace.corpora.importing.annotating import annotation_of
from cogtrace.corpora.importing.mapping import Mapping, crosswalk_mapping, given_mapping
from cogtrace.corpora.importing.survey import survey
from cogtrace.corpora.importing.texts import NoText, Texts
from cogtrace.corpora.readers.traces import Input, judge
from cogtrace.errors import InputError
from cogtrace.extensions import ReaderKind
from cogtrace.records import AnnotatorRef, Quarantined, Trace
from cogtrace.taxonomy import Taxonomy

_NOT_ASKED: Final = "not-in-record"


def read_layout(
    kind: ReaderKind,
    path: str,
    taxonomy: Taxonomy,
    crosswalk: Crosswalk | None,
    texts: Iterable[Trace],
) -> LabelSet:
    """Read labels with a reader that gives annotations.

    ``texts`` are traces for a layout without their text. Rows and elements that an import
    would set aside are left out, and counted in the notes.

    Raises:
        InputError: the file cannot be read at all, or holds no usable label.
    """
    found = survey(kind, [path], {})
    if not found.labels:
        raise InputError(f"{path}: no label in it{'; ' if found.refused else ''}{found.refused}")
    mapping = (
        given_mapping(taxonomy, found.labels)
        if crosswalk is None
        else crosswalk_mapping(taxonomy, crosswalk, found.labels)
    )
    known = None if kind.texts else Texts(texts)
    lost: Counter[str] = Counter()
    rows = [row for source in found.sources for row in _rows(kind, source, mapping, known, lost)]
    return LabelSet(path, rows, _notes(mapping, lost))


def _rows(
    kind: ReaderKind, source: Input, mapping: Mapping, known: Texts | None, lost: Counter[str]
) -> Iterator[Marked]:
    """Yield what each row says; ``lost`` counts what is left out, by reason."""
    for row in kind.read(source.path):
        source.rows += 1
        if row.data is None or row.labels is None:
            lost[row.reason or "no-labels"] += 1
            continue
        try:
            trace = judge(source, row) if known is None else known.find(row.data, mapping.taxonomy)
        except NoText as error:
            lost[error.reason] += 1
            continue
        if isinstance(trace, Quarantined):
            lost[trace.reason] += 1
            continue
        name = row.labels.annotator or kind.name
        ref = AnnotatorRef(name=name, version="1", fingerprint="")  # of nothing that is kept
        annotation = annotation_of(trace, row.labels, mapping, ref)
        for entry in annotation.unanswered:
            if entry.reason != _NOT_ASKED:
                lost[entry.reason] += 1
        yield marked(annotation, name)


def _notes(mapping: Mapping, lost: Counter[str]) -> list[str]:
    notes = [
        f"{count:,} rows or elements of the gold were left out: {reason}."
        for reason, count in sorted(lost.items())
    ]
    if mapping.unmapped:
        notes.append(f"Labels of the gold without a rule, left out: {', '.join(mapping.unmapped)}.")
    if mapping.unknown:
        unknown = ", ".join(sorted(mapping.unknown)[:12])
        notes.append(f"Labels of the gold that are no elements, left out: {unknown}.")
    return notes
