"""What was not annotated, counted by reason, with some rows as examples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from cogtrace.annotator.job import JobReader
from cogtrace.records import Quarantined

EXAMPLES: Final = 5  # per reason


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some of it was not annotated."""

    reason: str  # a short code
    whole: int  # rows that are not annotated at all
    parts: int  # traces that lack some elements
    examples: tuple[Quarantined, ...]  # the first ones


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What a job did not annotate."""

    reasons: tuple[Reason, ...] = ()  # the most frequent first


def read_quarantine(reader: JobReader) -> Quarantine:
    """Count the rows of a job's quarantine.

    Raises:
        JobDamaged: a row cannot be read.
    """
    whole: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    examples: dict[str, list[Quarantined]] = {}
    for row in reader.quarantined():
        (whole if row.elements is None else parts)[row.reason] += 1
        some = examples.setdefault(row.reason, [])
        if len(some) < EXAMPLES:
            some.append(row)
    total = whole + parts
    return Quarantine(
        tuple(
            Reason(name, whole[name], parts[name], tuple(examples[name]))
            for name in sorted(total, key=lambda name: (-total[name], name))
        )
    )
