"""Which traces a page shows: all of them, or a random sample that it can hold."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cogtrace.corpora.statistics import Condition, read_corpus


@dataclass(frozen=True, slots=True)
class Choice:
    """The traces to show, by folder, and how many there are to choose from."""

    folders: list[str]
    ids: list[set[str]]  # per folder
    elements: list[str]  # that any folder asked about
    shown: int  # a trace in several folders counts once
    traces: int
    cut_by_text: bool  # the texts, not the number of traces, set the limit


def choose(
    folders: Sequence[Path],
    *,
    max_traces: int,
    max_text: int,
    seed: int,
    where: Sequence[Condition] = (),
) -> Choice:
    """Draw traces without replacement, each with the same chance.

    A trace that is in several folders is one trace, and is shown from all of them.

    Args:
        folders: Job folders.
        max_traces: How many traces to show at most.
        max_text: How much text to show at most, in code points; one trace is always shown.
        seed: Of the draw.
        where: Conditions that traces must meet.

    Raises:
        JobError: there is no job in a folder, or no trace in any that meets ``where``.
        JobDamaged: a folder contradicts itself.
        OptionError: a column of ``where`` is nowhere in the traces.
    """
    corpus = read_corpus(folders, columns=("trace_id", "text_sha256"), where=where)
    ids, texts = (corpus.columns[name] for name in ("trace_id", "text_sha256"))
    pairs = list(zip(ids.codes.tolist(), texts.codes.tolist(), strict=True))
    first: dict[tuple[int, int], int] = {}  # each trace, and the row in which it first comes
    for row, pair in enumerate(pairs):
        first.setdefault(pair, row)
    traces = list(first)
    drawn = random.Random(seed).sample(traces, min(max_traces, len(traces)))
    fitting = _fitting([int(corpus.length[first[pair]]) for pair in drawn], max_text)
    kept = set(drawn[:fitting])
    chosen: list[set[str]] = []
    row = 0
    for source in corpus.sources:
        mine = pairs[row : row + source.traces]
        chosen.append({str(ids.values[pair[0]]) for pair in mine if pair in kept})
        row += source.traces
    return Choice(
        folders=[source.folder for source in corpus.sources],
        ids=chosen,
        elements=corpus.elements,
        shown=len(kept),
        traces=len(traces),
        cut_by_text=fitting < len(drawn),
    )


def _fitting(lengths: Sequence[int], limit: int) -> int:
    """Return how many of the first texts go within the limit, from their mean length.

    Cutting where the running sum overflows would leave out long traces more often.
    """
    total = sum(lengths)
    return len(lengths) if total <= limit else max(1, len(lengths) * limit // total)
