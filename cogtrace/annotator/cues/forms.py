"""What a sentence looks like: heading, list item, mathematics, question…

These are the signals a taxonomy may name as evidence.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from cogtrace.annotator.cues.index import WEIGHT
from cogtrace.annotator.cues.page import BoolArray, CodeArray, FloatArray, IntArray, Page
from cogtrace.taxonomy import Taxonomy

SIGNALS: Final = (
    "heading",
    "numbered-item",
    "bullet-item",
    "code-block",
    "display-math",
    "equation",
    "question",
)

_OPENING: Final = re.compile(
    r"""\s*(?: (?P<heading>\#{1,6}\ |\*\*[^*]{1,80}\*\*:?\s*$)
      | (?P<numbered>(?:\*\*)?\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\ )
      | (?P<bullet>(?:\\?[-*+]|[•–—‣◦])\ )
      | (?P<code>```|~~~) )""",
    re.VERBOSE,
)
_FIRST_COLUMN: Final = {
    name: SIGNALS.index(signal)
    for name, signal in {
        "heading": "heading",
        "numbered": "numbered-item",
        "bullet": "bullet-item",
        "code": "code-block",
    }.items()
}
_CLOSERS: Final = "\"')]*_”’»"
_CODES_CLOSERS: Final = np.array([ord(char) for char in _CLOSERS])
_CODE_QUESTION: Final = ord("?")


def sentence_forms(page: Page) -> BoolArray:
    """Return which signals (columns, in SIGNALS order) each sentence (row) shows."""
    folded, codes, limits = page.folded, page.codes, page.limits
    forms = np.zeros((len(limits), len(SIGNALS)), dtype=bool)
    if not len(limits):
        return forms
    starts, ends = limits[:, 0], limits[:, 1]
    _mark_openings(forms, folded, codes, limits)
    last = codes[np.maximum(ends - 1, 0)]
    asked = (last == _CODE_QUESTION) & (ends > starts)
    for row in np.flatnonzero(np.isin(last, _CODES_CLOSERS)):
        asked[row] = folded[starts[row] : ends[row]].rstrip(_CLOSERS)[-1:] == "?"
    forms[:, SIGNALS.index("question")] = asked
    _mark(forms, "equation", starts, codes == ord("="))
    backslash, dollar = codes == ord("\\"), codes == ord("$")
    opened = (backslash[:-1] & (codes[1:] == ord("["))) | (dollar[:-1] & dollar[1:])
    _mark(forms, "display-math", starts, opened)
    return forms


def _mark(forms: BoolArray, signal: str, starts: IntArray, places: BoolArray) -> None:
    """Mark the sentences in which any of ``places`` (one per character) is True."""
    found = np.flatnonzero(places)
    if len(found):
        forms[np.searchsorted(starts, found, side="right") - 1, SIGNALS.index(signal)] = True


def _mark_openings(forms: BoolArray, folded: str, codes: CodeArray, limits: IntArray) -> None:
    """Mark headings, list items and code by how a sentence opens."""
    starts, ends = limits[:, 0], limits[:, 1]
    padded = np.concatenate([codes, np.zeros(4, dtype=codes.dtype)])
    first = padded[starts]
    letter = (first >= ord("a")) & (first <= ord("z"))
    # A letter can only open a list item if a dot or bracket soon follows it.
    label = np.zeros(len(starts), dtype=bool)
    for step in (1, 2, 3, 4):
        following = padded[np.minimum(starts + step, len(codes))]
        label |= (following == ord(".")) | (following == ord(")"))
    for row in np.flatnonzero((~letter | label) & (ends > starts)):
        opening = _OPENING.match(folded, starts[row], ends[row])
        if opening is not None and opening.lastgroup is not None:
            forms[row, _FIRST_COLUMN[opening.lastgroup]] = True


def is_question(forms: BoolArray) -> BoolArray:
    """Return which sentences are questions."""
    column: BoolArray = forms[:, SIGNALS.index("question")]
    return column


def signal_weights(taxonomy: Taxonomy) -> FloatArray:
    """Return the weight of each signal (row) for each element (column)."""
    weights = np.zeros((len(SIGNALS), len(taxonomy.elements)))
    for column, element in enumerate(taxonomy.elements):
        for signal, strength in element.signals.items():
            weights[SIGNALS.index(signal), column] = WEIGHT[strength]
    return weights


def signal_variety(forms: BoolArray, page: Page, weights: FloatArray) -> FloatArray:
    """Return, per trace and element, the sum of the probabilities of its different signals."""
    found = np.zeros((page.size, len(SIGNALS)))
    sentence, signal = np.nonzero(forms)
    found[page.owner[sentence], signal] = 1
    variety: FloatArray = found @ (1 - np.exp(-weights))
    return variety
