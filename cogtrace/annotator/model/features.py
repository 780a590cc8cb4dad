"""What a trained model looks at in a sentence.

Families of features: its words and those that follow each other, how it opens and ends,
pieces of words, its shape (formulas, numbers, length, list items), the same of the
sentences around it, and the cues found in it. Features of a family that a sentence has
share a weight of 1, so that no family grows with the length of the sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from cogtrace.annotator.cues.folding import fold
from cogtrace.annotator.cues.forms import sentence_forms
from cogtrace.annotator.cues.matcher import word_mask
from cogtrace.annotator.cues.page import CellArray, FloatArray, IntArray, Page
from cogtrace.annotator.model.hashing import HashArray, Tokens, mix, plain, runs, tokens

# Goes up with every change that may change a feature: older models do not fit then.
VERSION: Final = 2

FAMILIES: Final = ("words", "opening", "shape", "characters", "before", "after")

_U: Final = np.uint64
_WORDS: Final = (1, 2, 3)  # that follow each other
_WORDS_AROUND: Final = (1, 2)  # the same in the sentences before and after
_CHARACTERS: Final = (3, 4, 5)
_OPENING: Final = 3  # words
_MOST_NUMBERS: Final = 6  # told apart
_PLACES: Final = 8  # parts of a trace told apart
_NEAR: Final = 6  # sentences from either end of it
_SHARES: Final = 5  # of a sentence that stands in the question


class FeatureSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked at, and how much it weighs. Part of a model's config."""

    buckets: int = 2**17  # rows of the table of weights, a power of two
    characters: float = 1.5  # weight of the pieces of words
    around: float = 0.5  # weight of the sentences before and after
    cues: float = 1.0  # weight of the cues of the taxonomy
    position: bool = False  # also where in the trace the sentence stands
    question: bool = False  # also how much of the sentence stands in the question

    def scale(self, family: str) -> float:
        """Return the weight of a family."""
        own = {"characters": self.characters, "before": self.around, "after": self.around}
        return own.get(family, 1.0)


@dataclass(frozen=True, slots=True)
class Family:
    """Features of a kind, each at most once in a sentence, sorted by sentence."""

    sentence: IntArray
    bucket: IntArray


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a page."""

    families: dict[str, Family]
    cues: FloatArray  # a row per sentence: probability by its cues, for each element


@dataclass(frozen=True, slots=True)
class _Found:
    """Features as hashes, in any order."""

    sentence: IntArray
    hash: HashArray

    def salted(self, salt: int) -> _Found:
        """Return the same features as those of another kind."""
        return _Found(self.sentence, mix(self.hash ^ mix(np.array([salt], dtype=_U))))


def features(page: Page, cells: CellArray, settings: FeatureSettings) -> Features:
    """Return the features of all sentences of a page; ``cells`` is the evidence of its cues."""
    words = tokens(page.codes, word_mask(page.codes)[1:-1], page.limits)
    found = {
        "words": _words(words, _WORDS),
        "opening": _opening(words, len(page.limits)),
        "shape": _shape(page, words, settings),
    }
    if settings.characters:
        found["characters"] = _characters(page)
    if settings.around:
        whole = _joined([_words(words, _WORDS_AROUND), found["opening"], found["shape"]])
        found["before"] = _moved(whole, 1, page).salted(61)
        found["after"] = _moved(whole, -1, page).salted(62)
    families = {name: _unique(each, settings.buckets) for name, each in found.items()}
    return Features(families, 1 - np.exp(-cells.T.astype(np.float64)))


def _words(words: Tokens, lengths: tuple[int, ...]) -> _Found:
    parts = []
    for length in lengths:
        hashes, place = runs(words.hash, words.sentence, length)
        parts.append(_Found(words.sentence[place], hashes).salted(length))
    return _joined(parts)


def _opening(words: Tokens, sentences: int) -> _Found:
    """Return the first words of each sentence, alone and together, and its last word or mark."""
    first = np.searchsorted(words.sentence, np.arange(sentences))
    parts = []
    for length in range(1, _OPENING + 1):
        hashes, place = runs(words.hash, words.sentence, length)
        opens = place == first[words.sentence[place]]
        parts.append(_Found(words.sentence[place[opens]], hashes[opens]).salted(10 + length))
    last = np.append(words.sentence[1:] != words.sentence[:-1], True)[: len(words.sentence)]
    parts.append(_Found(words.sentence[last], words.hash[last]).salted(20))
    return _joined(parts)


def _characters(page: Page) -> _Found:
    place_of = np.arange(len(page.codes))
    owner = np.searchsorted(page.starts, place_of, side="right") - 1
    if len(page.limits):
        owner[place_of >= page.limits[owner, 1]] = -1  # between sentences
    codes = plain(page.codes)
    parts = []
    for length in _CHARACTERS:
        hashes, place = runs(codes, owner, length)
        inside = owner[place] >= 0
        parts.append(_Found(owner[place[inside]], hashes[inside]).salted(20 + length))
    return _joined(parts)


def _shape(page: Page, words: Tokens, settings: FeatureSettings) -> _Found:
    count = len(page.limits)
    every = np.arange(count)
    sentence, form = np.nonzero(sentence_forms(page))
    length = np.bincount(words.sentence[words.word], minlength=count)
    numbers = np.bincount(words.sentence[words.number], minlength=count)
    parts = [
        _number(sentence, form, 31),
        _number(every, np.floor(1.5 * np.log2(length + 1)), 32),
        _number(every, np.minimum(numbers, _MOST_NUMBERS), 33),
        _number(every, _opens_paragraph(page), 34),
    ]
    if settings.position:
        size = np.diff(page.first)[page.owner]
        place = every - page.first[page.owner]
        parts += [
            _number(every, place * _PLACES // np.maximum(size, 1), 41),
            _number(every, np.minimum(place, _NEAR), 42),
            _number(every, np.minimum(size - 1 - place, _NEAR), 43),
        ]
    if settings.question:
        parts.append(_number(every, _in_question(page, words), 51))
    return _joined(parts)


def _number(sentence: IntArray, value: FloatArray | IntArray, salt: int) -> _Found:
    return _Found(sentence, value.astype(_U)).salted(salt)


def _opens_paragraph(page: Page) -> IntArray:
    """Say of each sentence whether a blank line stands before it."""
    before = np.concatenate([[0], page.limits[:-1, 1]])
    gaps = page.starts - before
    gaps[page.opening()] = 0  # what stands before is another trace
    opens: IntArray = (gaps > 1).astype(np.int64)
    return opens


def _in_question(page: Page, words: Tokens) -> IntArray:
    """Return how much of each sentence stands in the question, in fifths; 0 without one."""
    shared = np.zeros(len(page.limits))
    for trace, question in enumerate(page.questions):
        if not question:
            continue
        codes = np.frombuffer(fold(question).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        asked = tokens(codes, word_mask(codes)[1:-1], np.array([[0, len(codes)]]))
        pairs = runs(asked.hash, asked.sentence, 2)[0]
        mine = slice(*np.searchsorted(words.sentence, page.first[trace : trace + 2]).tolist())
        hashes, place = runs(words.hash[mine], words.sentence[mine], 2)
        hit = np.isin(hashes, pairs)
        np.add.at(shared, words.sentence[mine][place[hit]], 1)
    length = np.bincount(words.sentence, minlength=len(shared)) - 1
    share: IntArray = np.ceil(_SHARES * shared / np.maximum(length, 1)).astype(np.int64)
    return share


def _moved(found: _Found, step: int, page: Page) -> _Found:
    """Return features as those of the sentence ``step`` further on in the same trace."""
    goal = found.sentence + step
    kept = (goal >= 0) & (goal < len(page.owner))
    kept[kept] = page.owner[goal[kept]] == page.owner[found.sentence[kept]]
    return _Found(goal[kept], found.hash[kept])


def _joined(parts: Iterable[_Found]) -> _Found:
    known = list(parts)
    return _Found(
        np.concatenate([part.sentence for part in known]),
        np.concatenate([part.hash for part in known]),
    )


def _unique(found: _Found, buckets: int) -> Family:
    bits = buckets.bit_length() - 1  # a power of two: shifts are faster than division
    keys = (found.sentence << bits) | (found.hash & _U(buckets - 1)).view(np.int64)
    keys.sort()  # several times as fast as np.unique
    keys = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]
    return Family(keys >> bits, keys & (buckets - 1))
