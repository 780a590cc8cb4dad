"""Which passages are for training, for tuning and for testing.

A passage belongs to a split as a whole. Among the passages of an element, ordered by a
hash of their ids, the first quarter is for testing and the next 15 % for tuning; complete
passages, of which there are two per element, are ordered all together. So the split
rests on nothing but the ids, and every element has its share of each.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, Literal, get_args

from cogtrace.corpora.gold.records import GoldPassage

Split = Literal["train", "dev", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

TEST_SHARE: Final = 0.25
DEV_SHARE: Final = 0.15

# Part of what is hashed; another one would be another split.
_SALT: Final = "cogtrace gold 1"


def splits(passages: Iterable[GoldPassage]) -> dict[str, Split]:
    """Return the split of each of *all* passages, by its id."""
    groups: dict[str, list[str]] = defaultdict(list)
    for passage in passages:
        groups["" if passage.complete else passage.element].append(passage.id)
    return {name: split for group in groups.values() for name, split in _cut(group).items()}


def _cut(ids: list[str]) -> dict[str, Split]:
    ordered = sorted(ids, key=lambda name: hashlib.sha256(f"{_SALT}\0{name}".encode()).digest())
    test = round(len(ordered) * TEST_SHARE)
    dev = test + round(len(ordered) * DEV_SHARE)
    return {
        name: "test" if place < test else "dev" if place < dev else "train"
        for place, name in enumerate(ordered)
    }
