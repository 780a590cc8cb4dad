"""Several traces laid end to end, so that array work is done once for all of them.

Most traces are short. Going through them one by one would spend more time on setting
up small arrays than on the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from cogtrace.annotator.cues.folding import fold
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.records import Trace

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
CellArray = npt.NDArray[np.float32]  # half the size for what there is most of
BoolArray = npt.NDArray[np.bool_]
CodeArray = npt.NDArray[np.uint32]

# Characters on a page: enough to make the set-up cheap, little enough to stay in cache.
PAGE: Final = 60_000
_BETWEEN: Final = "\n"


@dataclass(frozen=True, slots=True)
class Page:
    """Folded texts one after the other, and their sentences.

    Sentence s is ``folded[limits[s, 0] : limits[s, 1]]`` and belongs to trace
    ``owner[s]``; trace t has sentences ``first[t]`` to ``first[t + 1]`` (half-open) and
    begins at ``offset[t]``.
    """

    folded: str
    codes: CodeArray  # code points of ``folded``
    limits: IntArray
    owner: IntArray
    first: IntArray
    offset: IntArray
    questions: tuple[str | None, ...]

    @property
    def starts(self) -> IntArray:
        """Where the sentences begin."""
        column: IntArray = self.limits[:, 0]
        return column

    @property
    def size(self) -> int:
        """Number of traces."""
        return len(self.questions)

    def opening(self) -> IntArray:
        """Return the first sentence of each trace that has one."""
        found = self.first[:-1][np.diff(self.first) > 0]
        return found[found >= 0]

    def part(self, begin: int, end: int) -> Page:
        """Return sentences ``begin`` to ``end`` (half-open), with what stands between them.

        Where its first trace begins before it, ``first`` is negative there.
        """
        start = self.limits[begin - 1, 1] if begin else 0
        stop = self.limits[end, 0] if end < len(self.limits) else len(self.codes)
        one, last = self.owner[begin], self.owner[end - 1] + 1
        return Page(
            folded=self.folded[start:stop],
            codes=self.codes[start:stop],
            limits=self.limits[begin:end] - start,
            owner=self.owner[begin:end] - one,
            first=self.first[one : last + 1] - begin,
            offset=self.offset[one:last] - start,
            questions=self.questions[one:last],
        )


def make_page(traces: Sequence[Trace]) -> Page:
    """Lay traces end to end."""
    ranges = [sentence_ranges(trace.text) for trace in traces]
    folded = _BETWEEN.join(fold(trace.text) for trace in traces)
    counts = np.array([len(found) for found in ranges], dtype=np.int64)
    lengths = np.array([len(trace.text) + len(_BETWEEN) for trace in traces], dtype=np.int64)
    offset = np.cumsum(lengths) - lengths
    owner = np.repeat(np.arange(len(traces)), counts)
    bounds = chain.from_iterable(chain.from_iterable(ranges))
    flat = np.fromiter(bounds, np.int64, 2 * int(counts.sum()))
    raw = folded.encode("utf-32-le", "surrogatepass")
    return Page(
        folded=folded,
        codes=np.frombuffer(raw, dtype=np.uint32),
        limits=flat.reshape(-1, 2) + offset[owner][:, None],
        owner=owner,
        first=np.concatenate([[0], np.cumsum(counts)]),
        offset=offset,
        questions=tuple(trace.question for trace in traces),
    )


def pages(traces: Iterable[Trace], most: int = PAGE) -> Iterator[list[Trace]]:
    """Group traces into pages of up to so many characters; a long one has a page to itself."""
    group: list[Trace] = []
    size = 0
    for trace in traces:
        if group and size + len(trace.text) > most:
            yield group
            group, size = [], 0
        group.append(trace)
        size += len(trace.text)
    if group:
        yield group
