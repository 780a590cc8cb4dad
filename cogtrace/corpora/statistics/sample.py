"""Traces in clusters: what is drawn together in a bootstrap, and sums over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cogtrace.corpora.statistics.arrays import Array, ranges
from cogtrace.corpora.statistics.spans import Entries

if TYPE_CHECKING:
    from cogtrace.corpora.statistics.corpus import Corpus


class Sample:
    """Some traces of a corpus, ordered by cluster."""

    def __init__(self, corpus: Corpus, rows: Array) -> None:
        self.corpus = corpus
        order = np.argsort(corpus.cluster[rows], kind="stable")
        self.rows: Array = rows[order]
        clusters = corpus.cluster[self.rows]
        breaks = np.flatnonzero(np.diff(clusters)) + 1
        begins = np.concatenate(([0], breaks)) if len(rows) else np.zeros(0, dtype=np.int64)
        self._bounds: Array = np.append(begins, len(rows))

    @property
    def traces(self) -> int:
        """How many traces there are."""
        return len(self.rows)

    @property
    def clusters(self) -> int:
        """How many clusters they are in."""
        return len(self._bounds) - 1

    @property
    def elements(self) -> int:
        """How many elements the corpus knows."""
        return len(self.corpus.elements)

    def within(self, low: int, high: int) -> Array:
        """Return the traces of clusters ``low`` to ``high`` (not included)."""
        rows: Array = self.rows[self._bounds[low] : self._bounds[high]]
        return rows

    def sums(self, values: Array, low: int, high: int) -> Array:
        """Return per cluster the sums of values that stand in the order of `within`."""
        begins = self._bounds[low:high] - self._bounds[low]
        sums: Array = np.add.reduceat(values, begins, axis=0)
        return sums

    def owners(self, low: int, high: int) -> Array:
        """Return for each trace of `within` its cluster, counted from ``low``."""
        return np.repeat(np.arange(high - low), np.diff(self._bounds[low : high + 1]))


@dataclass(frozen=True, slots=True)
class Sparse:
    """A table with few values that are not 0: a row per trace, values in order of rows."""

    starts: Array  # of each row among the values; one more than there are rows
    column: Array
    value: Array
    columns: int

    @classmethod
    def of(cls, entries: Entries, shape: tuple[int, int]) -> Sparse:
        """Build a table from values in order of rows."""
        row, column, value = entries
        rows, columns = shape
        starts = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=rows))))
        least = np.min_scalar_type(columns)  # there are many of them
        return cls(starts, column.astype(least), value.astype(np.float32), columns)

    @classmethod
    def joined(cls, parts: Sequence[Sparse]) -> Sparse:
        """Return several tables of the same columns as one, one below the other."""
        shifts = np.cumsum([0, *(part.starts[-1] for part in parts)])
        starts = [part.starts[:-1] + shift for part, shift in zip(parts, shifts, strict=False)]
        return cls(
            np.concatenate([*starts, shifts[-1:]]),
            np.concatenate([part.column for part in parts]),
            np.concatenate([part.value for part in parts]),
            parts[0].columns,
        )

    def sums(self, sample: Sample, low: int, high: int) -> Array:
        """Return the sums per cluster, with all columns."""
        places, lengths = self._places(sample.within(low, high))
        owner = np.repeat(sample.owners(low, high), lengths)
        flat = np.bincount(
            owner * self.columns + self.column[places],
            weights=self.value[places],
            minlength=(high - low) * self.columns,
        )
        return flat.reshape(high - low, self.columns)

    def rows_with(self, sample: Sample) -> Array:
        """Return for each column how many traces have a value there."""
        places, _ = self._places(sample.rows)
        return np.bincount(self.column[places], minlength=self.columns)

    def _places(self, rows: Array) -> tuple[Array, Array]:
        lengths = self.starts[rows + 1] - self.starts[rows]
        return np.repeat(self.starts[rows], lengths) + ranges(lengths), lengths
