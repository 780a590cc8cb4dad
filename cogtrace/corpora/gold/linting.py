"""What may be wrong with the gold corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.corpora.gold.counting import count
from cogtrace.corpora.gold.records import GoldPassage
from cogtrace.corpora.gold.splitting import Split, splits
from cogtrace.taxonomy import Taxonomy

FEWEST_SHOWN: Final = 60
FEWEST_ABSENT: Final = 40
MOST_OF_A_SCORE: Final = 0.68  # share of the shown that may have one of the scores 1 and 2
LENGTH_RATIO: Final = 1.45  # between the medians of any two scores
ALIKE: Final = 90.0  # likeness of two sentences, of 100, from which they are near-duplicates
_SHORTEST: Final = 25  # characters; shorter ones are alike by chance


def lint_gold(passages: Sequence[GoldPassage], taxonomy: Taxonomy) -> list[str]:
    """Return all that is wrong, one line each; nothing for a sound corpus.

    Needs rapidfuzz (``pip install 'cogtrace[llm]'``) for near-duplicates.
    """
    where = splits(passages)
    return [
        *_names(passages, taxonomy),
        *_sentences(passages),
        *_balance(passages, taxonomy),
        *_near_duplicates(passages, where),
        *_leaks(passages, where, taxonomy),
    ]


def _names(passages: Sequence[GoldPassage], taxonomy: Taxonomy) -> Iterator[str]:
    known = set(taxonomy.element_ids)
    for name, times in Counter(passage.id for passage in passages).items():
        if times > 1:
            yield f"{name}: {times} passages have this id"
    for passage in passages:
        used = {label for sentence in passage.sentences for label in sentence.labels}
        if passage.element:
            used.add(passage.element)
        for label in sorted(used - known):
            yield f"{passage.id}: {label} is no element"


def _sentences(passages: Sequence[GoldPassage]) -> Iterator[str]:
    for passage in passages:
        found = sentence_ranges(passage.text)
        for start, end in passage.ranges:
            if (start, end) not in found:
                yield f"{passage.id}: our splitter cuts {passage.text[start:end]!r} otherwise"


def _balance(passages: Sequence[GoldPassage], taxonomy: Taxonomy) -> Iterator[str]:
    for name in taxonomy.element_ids:
        found = count(passages, name)
        absent, partial, clear = found.sentences
        shown = partial + clear
        if shown < FEWEST_SHOWN:
            yield f"{name}: {shown} sentences show it, of {FEWEST_SHOWN} at least"
        if absent < FEWEST_ABSENT:
            yield f"{name}: {absent} sentences are hard negatives, of {FEWEST_ABSENT} at least"
        if max(partial, clear) > MOST_OF_A_SCORE * shown:
            yield f"{name}: {partial} partial and {clear} clear, which is out of balance"
        if min(found.lengths) * LENGTH_RATIO < max(found.lengths):
            yield f"{name}: medians of length {found.lengths}, which tell the score"


def _near_duplicates(passages: Sequence[GoldPassage], where: dict[str, Split]) -> Iterator[str]:
    """Find sentences of different splits that are nearly the same."""
    from rapidfuzz import fuzz, process

    texts: dict[str, list[str]] = {}
    for passage in passages:
        bare = [sentence.text.strip().lower() for sentence in passage.sentences]
        texts.setdefault(where[passage.id], []).extend(t for t in bare if len(t) >= _SHORTEST)
    names = sorted(texts)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            for text in texts[one]:
                hit = process.extractOne(text, texts[other], scorer=fuzz.ratio, score_cutoff=ALIKE)
                if hit is not None:
                    yield f"{one} and {other} have nearly the same sentence: {text!r}, {hit[0]!r}"


def _leaks(
    passages: Sequence[GoldPassage], where: dict[str, Split], taxonomy: Taxonomy
) -> Iterator[str]:
    """Find sentences of the test split that stand in a worked example of the taxonomy."""
    examples = [
        example.text.lower() for element in taxonomy.elements for example in element.examples
    ]
    shown = {text[start:end] for text in examples for start, end in sentence_ranges(text)}
    for passage in passages:
        if where[passage.id] != "test":
            continue
        for sentence in passage.sentences:
            text = sentence.text.strip().lower()
            if len(text) >= _SHORTEST and text in shown:
                yield f"{passage.id}: stands in a worked example too: {text!r}"
