"""What traces show of each element: scores, and where the spans lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from cogtrace.corpora.statistics.arrays import Array
from cogtrace.corpora.statistics.sample import Sparse
from cogtrace.corpora.statistics.spans import (
    TENTHS,
    Entries,
    covered,
    firsts,
    step_columns,
    steps,
    tenths,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What some traces show. First axis: traces; second: elements."""

    score: Array  # -1 where there is none
    spans: Array  # how many
    covered: Array  # share of the text
    first: Array  # where the first span starts, as a share of the text; NaN without one
    covered_by_any: Array  # share of the text that is in a span of any element
    bins: Entries
    steps: Entries

    @classmethod
    def joined(cls, parts: Sequence[Shown]) -> Shown:
        """Return several as one, their traces one after the other."""
        begins = np.cumsum([0, *(len(part.score) for part in parts)])

        def entries(name: str) -> Entries:
            found: list[Entries] = [getattr(part, name) for part in parts]
            rows = [e[0] + begin for e, begin in zip(found, begins[:-1], strict=True)]
            return (
                np.concatenate(rows),
                np.concatenate([e[1] for e in found]),
                np.concatenate([e[2] for e in found]),
            )

        return cls(
            score=np.concatenate([part.score for part in parts]),
            spans=np.concatenate([part.spans for part in parts]),
            covered=np.concatenate([part.covered for part in parts]),
            first=np.concatenate([part.first for part in parts]),
            covered_by_any=np.concatenate([part.covered_by_any for part in parts]),
            bins=entries("bins"),
            steps=entries("steps"),
        )

    def table(self, entries: Entries, columns: int) -> Sparse:
        """Return entries as a table with a row per trace."""
        row, column, value = entries
        return Sparse.of(row, column, value, (len(self.score), columns))


def showing(rows: pl.DataFrame, length: Array, elements: int) -> Shown:
    """Return what traces of these lengths show, from rows of ``row, code, score, spans``.

    Spans count where the score is above 0. ``code`` is the number of an element.
    """
    traces = len(length)
    score = np.full((traces, elements), -1, dtype=np.int8)
    score[rows["row"].to_numpy(), rows["code"].to_numpy()] = rows["score"].to_numpy()
    row, code, start, end = _flat(rows)
    length = np.maximum(length, 1)  # an empty text has no span that could be divided by it
    owner = row * elements + code
    count = np.bincount(owner, minlength=traces * elements)
    shape = (traces, elements)
    middle = owner * TENTHS + tenths(start, end, length[row])
    keys, each = np.unique(middle, return_counts=True)
    width = elements * TENTHS
    return Shown(
        score=score,
        spans=count.reshape(shape).astype(np.int32),
        covered=_shares(covered(owner, start, end, traces * elements).reshape(shape), length),
        first=_shares(firsts(owner, start, traces * elements).reshape(shape), length),
        covered_by_any=_shares(covered(row, start, end, traces)[:, None], length)[:, 0],
        bins=(keys // width, keys % width, each / count[keys // TENTHS]),
        steps=steps(row, code, start, elements),
    )


def tables(shown: Shown, elements: int) -> tuple[Sparse, Sparse]:
    """Return positions and steps as tables with a row per trace."""
    return (
        shown.table(shown.bins, elements * TENTHS),
        shown.table(shown.steps, step_columns(elements)),
    )


def _flat(rows: pl.DataFrame) -> tuple[Array, Array, Array, Array]:
    """Return trace, element, start and end of every span."""
    place = pl.col("spans").struct
    spans = (
        rows.filter((pl.col("score") > 0) & (pl.col("spans").list.len() > 0))
        .select("row", "code", pl.col("spans"))
        .explode("spans")
        .select("row", "code", place.field("start"), place.field("end"))
    )
    row, code, start, end = (spans[name].to_numpy() for name in ("row", "code", "start", "end"))
    return row, code, start, end


def _shares(values: Array, length: Array) -> Array:
    """Return lengths in characters as shares of the text."""
    return np.minimum(values / length[:, None], 1).astype(np.float32)
