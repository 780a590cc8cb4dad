"""Which problems of a bank are most like a question, by the words they share.

Similarity is the cosine of two vectors with one number per word: how often the word occurs,
by its logarithm, times how rare it is in the bank (TF-IDF). Words are runs of letters in
lower case; numbers count as one word, "0", since analogous problems have other ones.
"""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+|\d+")


def words(text: str) -> list[str]:
    """Return the words of a text, every number as "0"."""
    return ["0" if word.isdecimal() else word for word in _WORD.findall(text.casefold())]


class Index:
    """Texts by their words."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(words(text)) for text in texts]
        seen = Counter(word for count in counts for word in count)
        self._rare = {word: math.log((1 + len(texts)) / n) for word, n in seen.items()}
        self._places: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, count in enumerate(counts):
            for word, weight in self._vector(count).items():
                self._places[word].append((place, weight))

    def nearest(
        self, text: str, count: int, least: float = 0.0, without: Collection[int] = ()
    ) -> list[tuple[int, float]]:
        """Return the places of the most similar texts with their similarity, best first.

        Of equal similarity the earlier one comes first. A text that shares no word is
        never among them.
        """
        sums: dict[int, float] = defaultdict(float)
        for word, weight in self._vector(Counter(words(text))).items():
            for place, other in self._places.get(word, ()):
                sums[place] += weight * other
        found = ((-value, place) for place, value in sums.items() if place not in without)
        best = heapq.nsmallest(count, ((v, p) for v, p in found if -v >= least and v < 0))
        return [(place, -value) for value, place in best]

    def _vector(self, count: Counter[str]) -> dict[str, float]:
        raw = {w: (1 + math.log(n)) * self._rare[w] for w, n in count.items() if w in self._rare}
        length = math.sqrt(math.fsum(weight * weight for weight in raw.values()))
        return {word: weight / length for word, weight in raw.items()} if length else {}
