"""A random sample of the traces of an input, drawn in one pass."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from cogtrace.annotator.llm.fingerprints import trace_name
from cogtrace.records import SourceRow, Trace

_NAME_BYTES = 8  # of a text's hash; two of a million texts share it once in 37 million inputs


@dataclass(frozen=True, slots=True)
class Sample:
    """Traces drawn at random, and what they were drawn from."""

    traces: list[Trace]
    rows: int  # of the input
    unreadable: int  # of these, that hold no trace
    distinct: int  # different traces; copies are asked about once
    limit: int | None = None  # of the rows, how many the job will take at random

    @property
    def copies(self) -> int:
        """How many rows repeat the text and question of another one."""
        return self.rows - self.unreadable - self.distinct

    @property
    def wanted(self) -> float:
        """How many different traces the job will ask about; with a limit, on average."""
        if self.limit is None or self.limit >= self.rows:
            return self.distinct
        return self.distinct * self.limit / self.rows


def draw_sample(
    rows: Iterable[SourceRow], size: int, seed: int, limit: int | None = None
) -> Sample:
    """Return ``size`` different traces, any of the input as likely as any other, or all.

    The same input, size and seed give the same sample. ``limit`` is how many rows the job
    itself will take. Takes some hundred bytes of memory
    per row, beside the sample.
    """
    draw = random.Random(seed)
    seen: set[bytes] = set()
    kept: list[Trace] = []
    total = unreadable = 0
    for row in rows:
        total += 1
        trace = row.value
        if not isinstance(trace, Trace):
            unreadable += 1
            continue
        before = len(seen)
        seen.add(trace_name(trace)[:_NAME_BYTES])
        if len(seen) == before:
            continue
        if len(kept) < size:
            kept.append(trace)
        elif (place := draw.randrange(len(seen))) < size:
            kept[place] = trace
    draw.shuffle(kept)  # else the first ones are the first of the input
    return Sample(kept, total, unreadable, len(seen), limit)
