"""Words and pieces of words as numbers, for a whole page at once.

A model keeps its weights in a table whose rows are found by a hash of a word, of words
that follow each other, or of a few characters. Whole-number arithmetic modulo 2**64 gives
the same hashes on every machine, and numpy works them out without a loop over words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cogtrace.annotator.cues.page import BoolArray, CodeArray, IntArray

HashArray = npt.NDArray[np.uint64]

_U: Final = np.uint64
_BASE: Final = 0x9E3779B97F4A7C15
_INVERSE: Final = pow(_BASE, -1, 2**64)
_DIGIT: Final = ord("0")  # all digits look alike
_NUMBER: Final = 7  # and so do all numbers
_APOSTROPHE: Final = ord("'")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Words, numbers and single marks, in their order."""

    hash: HashArray
    sentence: IntArray
    word: BoolArray  # False: a mark
    number: BoolArray


def mix(values: HashArray) -> HashArray:
    """Return hashes whose bits all depend on all bits of ``values``."""
    mixed = values ^ (values >> _U(33))
    mixed *= _U(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> _U(33)
    mixed *= _U(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> _U(33)
    return mixed


def plain(codes: CodeArray) -> HashArray:
    """Return code points as numbers to be hashed, every digit the same."""
    found = codes.astype(_U)
    found[(codes >= ord("0")) & (codes <= ord("9"))] = _DIGIT
    return found


def tokens(codes: CodeArray, in_word: BoolArray, limits: IntArray) -> Tokens:
    """Return the tokens of a page.

    ``in_word`` says of each code point whether it belongs to a word; ``limits`` where each
    sentence begins and ends. What stands between sentences is left out.
    """
    word = in_word | (codes == _APOSTROPHE)
    blank = np.isin(codes, [32, 10, 9, 13])
    begins = ~blank
    begins[1:] &= ~(word[1:] & word[:-1])
    first = np.flatnonzero(begins)
    breaks = np.append(np.flatnonzero(~word), len(codes))
    last = np.where(word[first], breaks[np.searchsorted(breaks, first)], first + 1)
    digits = np.concatenate([[0], np.cumsum((codes >= ord("0")) & (codes <= ord("9")))])
    number = digits[last] - digits[first] == last - first
    hashes = _stretches(plain(codes), first, last)
    hashes[number] = _NUMBER
    sentence = np.searchsorted(limits[:, 0], first, side="right") - 1
    inside = sentence >= 0
    inside[inside] = first[inside] < limits[sentence[inside], 1]
    return Tokens(mix(hashes)[inside], sentence[inside], word[first][inside], number[inside])


def _stretches(codes: HashArray, first: IntArray, last: IntArray) -> HashArray:
    """Return a hash of each stretch of code points: a polynomial, from sums over the page."""
    size = len(codes)
    powers = np.multiply.accumulate(np.full(size + 1, _BASE, dtype=_U))
    inverse = np.multiply.accumulate(np.full(size + 1, _INVERSE, dtype=_U))
    sums = np.concatenate([np.zeros(1, dtype=_U), np.cumsum((codes + _U(1)) * powers[:-1])])
    hashes: HashArray = (sums[last] - sums[first]) * inverse[first] + (last - first).astype(_U)
    return hashes


def runs(hashes: HashArray, sentence: IntArray, length: int) -> tuple[HashArray, IntArray]:
    """Return the hashes of all runs of ``length`` items inside a sentence, and where each is."""
    count = len(hashes) - length + 1
    if count <= 0:
        return np.zeros(0, dtype=_U), np.zeros(0, dtype=np.int64)
    found = np.zeros(count, dtype=_U)
    for step in range(length):
        found = found * _U(_BASE) + hashes[step : step + count] + _U(1)
    place = np.flatnonzero(sentence[:count] == sentence[length - 1 :])
    return found[place], place
