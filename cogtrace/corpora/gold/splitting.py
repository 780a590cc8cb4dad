"""Which passages are for training, for tuning and for testing.

A passage belongs to a split as a whole. Among the passages of an element, ordered by a
hash of their ids, the first quarter is for testing and the next 15 % for tuning; complete
passages, of which there are two per element, are ordered all together. So the split
rests on nothing but the ids, and every element has its share of each. Of the traces, which
were written for no single element, a tenth is for testing and a tenth for tuning.
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
TRACES_SHARE: Final = 0.1  # of the traces, for testing and for tuning each

# Part of what is hashed; another one would be another split.
_SALT: Final = "cogtrace gold 1"


def splits(passages: Iterable[GoldPassage]) -> dict[str, Split]:
    """Return the split of each of *all* passages, by its id."""
    groups: dict[str, list[str]] = defaultdict(list)
    traces = []
    for passage in passages:
        if not passage.element:
            traces.append(passage.id)
        else:
            groups["" if passage.complete else passage.element].append(passage.id)
    cuts = [_cut(group, TEST_SHARE, DEV_SHARE) for group in groups.values()]
    cuts.append(_cut(traces, TRACES_SHARE, TRACES_SHARE))
    return {name: split for cut in cuts for name, split in cut.items()}


def _cut(ids: list[str], test_share: float, dev_share: float) -> dict[str, Split]:
    ordered = sorted(ids, key=lambda name: hashlib.sha256(f"{_SALT}\0{name}".encode()).digest())
    test = round(len(ordered) * test_share)
    dev = test + round(len(ordered) * dev_share)
    return {
        name: "test" if place < test else "dev" if place < dev else "train"
        for place, name in enumerate(ordered)
    }
