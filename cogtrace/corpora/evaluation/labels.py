"""What annotators say of traces, in the one form that all sources are brought into."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cogtrace.corpora.importing import Crosswalk
from cogtrace.errors import InputError, OptionError
from cogtrace.printable import one_line
from cogtrace.records import Annotation
from cogtrace.taxonomy import Taxonomy

Place = tuple[int, int, float | None]  # start, end, confidence

Elements = Callable[[str], Sequence[str]]  # of a label; none: it is to be left out


@dataclass(frozen=True, slots=True)
class Marked:
    """What one annotator says of one trace.

    An element without a score was not asked about. One with a score above 0 and without
    places is shown somewhere, nobody says where.
    """

    trace_id: str
    annotator: str
    scores: dict[str, int]
    places: dict[str, list[Place]]
    sha256: str | None = None  # of the text, where it is known
    quotes: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelSet:
    """All that a source holds."""

    source: str
    rows: list[Marked]
    notes: list[str] = field(default_factory=list)  # what was left out, for people

    @property
    def annotators(self) -> list[str]:
        """Their names, in order of coming."""
        return list(dict.fromkeys(row.annotator for row in self.rows))

    def only(self, annotator: str) -> LabelSet:
        """Return what one annotator says.

        Raises:
            OptionError: there is none of this name.
        """
        rows = [row for row in self.rows if row.annotator == annotator]
        if not rows:
            there = ", ".join(map(one_line, self.annotators[:20]))
            raise OptionError(f"--gold-annotator {annotator!r}: there is {there}")
        return LabelSet(self.source, rows, self.notes)


def marked(annotation: Annotation, annotator: str) -> Marked:
    """Return an annotation in this form."""
    return Marked(
        trace_id=annotation.trace_id,
        annotator=annotator,
        scores={entry.element: entry.score for entry in annotation.elements},
        places={
            entry.element: [(span.start, span.end, span.confidence) for span in entry.spans]
            for entry in annotation.elements
            if entry.spans
        },
        sha256=annotation.text_sha256,
        quotes={
            (span.start, span.end): span.quote
            for entry in annotation.elements
            for span in entry.spans
        },
    )


def own_elements(taxonomy: Taxonomy) -> Elements:
    """Return the reading of labels that are ids or aliases of elements.

    The reading raises UnknownElement for any other.
    """
    return lambda label: (taxonomy.element(label).id,)


def crosswalk_elements(taxonomy: Taxonomy, crosswalk: Crosswalk) -> Elements:
    """Return the reading of labels by a crosswalk; a label without a rule is left out.

    Raises:
        OptionError: the crosswalk is for another taxonomy.
        UnknownElement: it names an element that the taxonomy does not have.
    """
    if crosswalk.taxonomy != taxonomy.id:
        raise OptionError(
            f"--crosswalk: it leads to the taxonomy {crosswalk.taxonomy!r}, and the predictions "
            f"are of {taxonomy.id!r}"
        )
    rules: dict[str, list[str]] = {}
    for rule in crosswalk.rules:
        rules.setdefault(rule.label, []).append(taxonomy.element(rule.element).id)
    return lambda label: rules.get(label, ())


def translated(
    found: LabelSet, elements: Elements, names: dict[str, Sequence[str]] | None = None
) -> LabelSet:
    """Return labels as elements; of several labels of an element the highest score counts.

    ``names`` has other names of a label, by which ``elements`` may know it.

    Raises:
        InputError: none of the labels is an element.
    """
    labels = dict.fromkeys(label for row in found.rows for label in row.scores)
    known = {
        label: list(
            dict.fromkeys(
                element
                for name in (label, *(names or {}).get(label, ()))
                for element in elements(name)
            )
        )
        for label in labels
    }
    if labels and not any(known.values()):
        there = ", ".join(map(one_line, list(labels)[:12]))
        raise InputError(f"{found.source}: no label has a rule in the crosswalk; there is {there}")
    left = [label for label, mine in known.items() if not mine]
    lost = ", ".join(map(one_line, left))
    notes = [f"Labels of the gold without a rule, left out: {lost}."] if left else []
    rows = [_translated(row, known) for row in found.rows]
    return LabelSet(found.source, rows, [*found.notes, *notes])


def _translated(row: Marked, known: dict[str, list[str]]) -> Marked:
    scores: dict[str, int] = {}
    pieces: dict[str, list[list[Place]]] = {}  # of each label
    for label, score in row.scores.items():
        for element in known[label]:
            scores[element] = max(score, scores.get(element, 0))
            if row.places.get(label):
                pieces.setdefault(element, []).append(row.places[label])
    places = {
        # Several labels of one element may mark the same words.
        element: found[0] if len(found) == 1 else united(itertools.chain.from_iterable(found))
        for element, found in pieces.items()
    }
    return Marked(row.trace_id, row.annotator, scores, places, row.sha256, row.quotes)


def united(places: Iterable[Place]) -> list[Place]:
    """Return places in order, those that overlap made one."""
    found: list[Place] = []
    for start, end, confidence in sorted(places, key=lambda place: place[:2]):
        if found and start < found[-1][1]:
            before = found[-1]
            sure = [value for value in (before[2], confidence) if value is not None]
            found[-1] = (before[0], max(end, before[1]), max(sure, default=None))
        else:
            found.append((start, end, confidence))
    return found
