"""Reading the gold corpus."""

from __future__ import annotations

import functools
from importlib.resources import files

import msgspec

from cogtrace.corpora.gold.records import GoldPassage
from cogtrace.corpora.gold.splitting import Split, splits

_FOLDERS = ("passages", "traces")


def read_gold(split: Split | None = None) -> list[GoldPassage]:
    """Return the passages of a split, or all of them, in a fixed order.

    >>> passage = read_gold("train")[0]
    >>> start, end = passage.ranges[0]
    >>> passage.text[start:end] == passage.sentences[0].text.strip()
    True
    """
    if split is None:
        return list(_all())
    where = _splits()
    return [passage for passage in _all() if where[passage.id] == split]


@functools.cache
def _all() -> tuple[GoldPassage, ...]:
    root = files(__package__)
    decoder = msgspec.json.Decoder(GoldPassage)
    return tuple(
        passage
        for folder in _FOLDERS
        for entry in sorted(root.joinpath(folder).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".jsonl")
        for passage in map(decoder.decode, entry.read_bytes().splitlines())
    )


@functools.cache
def _splits() -> dict[str, Split]:
    return splits(_all())
