"""The passages of the gold corpus: sentences, and what was judged of each."""

from __future__ import annotations

from functools import cached_property
from typing import Final, Literal

import msgspec

Register = Literal["model", "student", "expert", "spoken"]
REGISTERS: Final[tuple[Register, ...]] = ("model", "student", "expert", "spoken")


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both records share: immutable, built by keyword, strict about fields."""


class GoldSentence(_Record, frozen=True, omit_defaults=True, kw_only=True):
    """A sentence, as it stands in its passage, with the elements that were judged of it.

    2 says that it clearly shows an element, 1 partly, 0 not at all, though it may look so.
    An element without an entry was not judged.
    """

    text: str  # may begin with line breaks or a list marker
    labels: dict[str, int] = {}


class GoldPassage(_Record, frozen=True, omit_defaults=True, kw_only=True, dict=True):
    """Sentences that follow each other in a piece of reasoning.

    In a ``complete`` passage every sentence was judged for every element of the taxonomy:
    there an element without an entry is 0.
    """

    id: str
    element: str = ""  # the one it was written for; empty: for no single one
    register: Register
    domain: str
    sentences: tuple[GoldSentence, ...]
    complete: bool = False

    @cached_property
    def text(self) -> str:
        """The passage as it reads."""
        return self._laid_out[0]

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Where each sentence stands in the text, without the white space around it."""
        return self._laid_out[1]

    @cached_property
    def _laid_out(self) -> tuple[str, tuple[tuple[int, int], ...]]:
        text, ranges = "", []
        for sentence in self.sentences:
            bare = sentence.text.lstrip()
            text += sentence.text if not text or len(bare) < len(sentence.text) else f" {bare}"
            ranges.append((len(text) - len(bare), len(text)))
        return text, tuple(ranges)

    def score(self, sentence: int, element: str) -> int | None:
        """Return what was judged of a sentence (from 0); None if it was not judged."""
        return self.sentences[sentence].labels.get(element, 0 if self.complete else None)
