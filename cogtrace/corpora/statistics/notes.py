"""What a reader of the figures should keep in mind, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from cogtrace.corpora.statistics.comparison import Sides
from cogtrace.corpora.statistics.corpus import Corpus
from cogtrace.corpora.statistics.figures import GroupFigure

_FEW: Final = 10  # clusters


def notes(
    corpus: Corpus, sides: Sides | None, groups: Sequence[GroupFigure], min_n: int
) -> list[str]:
    """Return sentences for people; names from traces are not in them."""
    found = [*_about_sources(corpus), *_about_questions(corpus), *_about_answers(corpus)]
    if sides is not None:
        found += _about_sides(corpus, sides)
    few = sum(group.clusters < _FEW for group in groups)
    if few:
        found.append(
            f"{few:,} of {len(groups):,} groups have fewer than {_FEW} clusters; their bootstrap "
            "intervals are too narrow."
        )
    small = sum(group.small for group in groups)
    if small:
        found.append(f"{small:,} of {len(groups):,} groups have fewer than {min_n} traces.")
    return found


def _about_sources(corpus: Corpus) -> list[str]:
    manifests = [source.manifest for source in corpus.sources]
    found = []
    if len({manifest.taxonomy.sha256 for manifest in manifests}) > 1:
        found.append("The folders were annotated with different taxonomies.")
    if len({manifest.annotator.fingerprint for manifest in manifests}) > 1:
        found.append(
            "The folders were annotated by different annotators; a difference between them may "
            "be one between annotators."
        )
    if corpus.repeated:
        found.append(
            f"{corpus.repeated:,} texts are in more than one folder and count once in each."
        )
    for source in corpus.sources:
        if source.manifest.status != "finished":
            how = (
                "a random sample"
                if source.manifest.order.kind == "random"
                else "only the beginning, which need not be like the rest"
            )
            found.append(f"The job in {source.folder} is not finished; what is there is {how}.")
    return found


def _about_questions(corpus: Corpus) -> list[str]:
    without = int((~corpus.by_question).sum())
    if not without:
        return []
    return [
        f"{without:,} of {len(corpus.length):,} traces have no question; each is a cluster of "
        "its own, which makes intervals too narrow where some answer the same question."
    ]


def _about_answers(corpus: Corpus) -> list[str]:
    asked = (corpus.score >= 0).sum(axis=0)
    part = int(np.count_nonzero(asked < len(corpus.length)))
    if not part:
        return []
    return [
        f"{part:,} of {len(asked):,} elements were not asked about, or not answered, in some "
        "traces; these are left out and not counted as absent."
    ]


def _about_sides(corpus: Corpus, sides: Sides) -> list[str]:
    a, b = (set(corpus.cluster[sides.side == side].tolist()) for side in (0, 1))
    if a == b:
        return []
    return [
        f"Of {len(a | b):,} questions in the comparison, {len(a & b):,} were answered by both "
        "sides; a difference may be one between questions."
    ]
