"""Tokens and a prefix cache without a model: what a plan needs to be tested.

A token is a run of letters, a digit, or any other character but a blank. That is near to
what tokenizers of language models make of English (about 4 characters each), and the
same everywhere.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from cogtrace.engines.base import Message

BLOCK: Final = 16  # tokens; caches hold whole blocks, as vLLM's does
_PIECE: Final = re.compile(r"[^\W\d_]+|[^\s]")


def pieces(text: str) -> list[str]:
    """Return the tokens of a text, in order."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """Return how many tokens a text has."""
    return len(pieces(text))


def cut(text: str, tokens: int) -> str:
    """Return the text up to and with its token number ``tokens``."""
    end = 0
    for number, found in enumerate(_PIECE.finditer(text)):
        if number == tokens:
            return text[:end]
        end = found.end()
    return text


def prompt_tokens(messages: Sequence[Message]) -> list[str]:
    """Return the tokens of a prompt; each message begins with one for its role."""
    tokens = []
    for message in messages:
        tokens.append(f"<{message.role}>")
        tokens += pieces(message.content)
    return tokens


class PrefixCache:
    """Remembers the blocks of prompts, each with all that stands before it.

    Holds at most ``blocks`` of them; those not used for longest are forgotten first.
    """

    def __init__(self, blocks: int = 200_000) -> None:
        self._limit = blocks
        self._known: OrderedDict[int, None] = OrderedDict()

    def cached(self, chain: Sequence[int], tokens: int) -> int:
        """Return how many of a prompt's first tokens are remembered.

        ``chain`` is that of `blocks`. Never all tokens: an engine has to compute at least
        the last one.
        """
        known = self._known
        found = 0
        for link in chain[: max(tokens - 1, 0) // BLOCK]:
            if link not in known:
                break
            known.move_to_end(link)
            found += BLOCK
        return found

    def add(self, chain: Sequence[int]) -> None:
        """Remember the whole blocks of a prompt."""
        known = self._known
        for link in chain:
            known[link] = None
            known.move_to_end(link)
        while len(known) > self._limit:
            known.popitem(last=False)


def blocks(tokens: Sequence[str]) -> list[int]:
    """Return one number per whole block, which depends on it and on all before it."""
    chain, before = [], 0
    for start in range(0, len(tokens) - BLOCK + 1, BLOCK):
        before = hash((before, *tokens[start : start + BLOCK]))
        chain.append(before)
    return chain
