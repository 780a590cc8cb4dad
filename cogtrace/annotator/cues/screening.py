"""Which elements need not be looked for in a trace, because nothing speaks for them.

A dear annotator asks about every pair of a trace and an element. Where the cues find
less than an element's ``screen`` threshold, the pair is ruled out and need not be asked.
The thresholds are fitted so that few pairs that do show the element are lost
(``benchmarks/fit_screen.py``); a random share of what was ruled out is asked all the
same, and tells how many those few are.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from cogtrace.annotator.cues.annotator import VERSION as CUES_VERSION
from cogtrace.annotator.cues.forms import signal_weights
from cogtrace.annotator.cues.index import compile_cues
from cogtrace.annotator.cues.matcher import find_evidence
from cogtrace.annotator.cues.page import BoolArray, FloatArray, make_page, pages
from cogtrace.annotator.cues.scoring import trace_evidence
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy

# Goes up with every change to the code that may change what is ruled out or audited.
VERSION: Final = "1"

# A trace in which fewer of the elements than this share have any evidence is too short
# for its silence to mean much, or in a language that the cues are not written in.
READABLE: Final = 1 / 3

_HASH_BYTES: Final = 6  # few enough for a fraction to be below 1 as a float
_RANGE: Final = 256**_HASH_BYTES


class Screen:
    """Rules out pairs of a trace and an element by a lack of cues.

    Build it from a whole taxonomy even where only some elements are asked about: how
    much the cues see of a trace is judged by all elements.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._index = compile_cues(taxonomy)
        self._signals = signal_weights(taxonomy)
        self._below = np.array([element.scoring.screen for element in taxonomy.elements])
        parts = ("screen", VERSION, CUES_VERSION, taxonomy.sha256)
        self.fingerprint = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    @property
    def elements(self) -> tuple[str, ...]:
        """The ids of the elements that can be ruled out at all, in order."""
        found = zip(self.taxonomy.elements, self._below > 0, strict=True)
        return tuple(element.id for element, can_be in found if can_be)

    def evidence(self, traces: list[Trace]) -> FloatArray:
        """Return the cue evidence for each element (column) in each trace (row).

        In the unit of ``scoring.partial``, from which on the cues score an element 1.
        """
        found = [np.zeros((0, len(self.taxonomy.elements)))]
        for group in pages(traces):
            page = make_page(group)
            found.append(trace_evidence(find_evidence(self._index, self._signals, page), page))
        return np.concatenate(found)

    def ruled_out(self, traces: list[Trace]) -> list[frozenset[str]]:
        """Return, for each trace, the ids of the elements that need not be asked about."""
        names = self.taxonomy.element_ids
        out = below(self.evidence(traces), self._below)
        return [frozenset(names[number] for number in np.flatnonzero(row)) for row in out]


def below(evidence: FloatArray, limits: FloatArray) -> BoolArray:
    """Return which pairs are ruled out: a row per trace, a column per element.

    Those with less evidence than the limit of their element, which with a limit of 0
    are none, and none in a trace that the cues cannot read (`READABLE`).
    """
    readable = (evidence > 0).sum(axis=1) >= READABLE * evidence.shape[1]
    out: BoolArray = (evidence < limits) & readable[:, None]
    return out


def audited(seed: int, trace_sha256: str, element: str, share: float) -> bool:
    """Say whether a ruled-out pair is asked about all the same.

    True for a random ``share`` of all pairs (0 never, 1 always). The answer rests on the
    arguments alone, not on order or on other pairs, and stays True when the share grows.
    """
    pair = f"audit\0{seed}\0{trace_sha256}\0{element}".encode()
    digest = hashlib.sha256(pair).digest()[:_HASH_BYTES]
    drawn = int.from_bytes(digest, "big") / _RANGE
    return drawn < share
