"""Labels to learn from: traces whose sentences were judged, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.annotator.cues.page import BoolArray, IntArray
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.corpora.gold import GoldPassage
from cogtrace.errors import ModelError
from cogtrace.records import Annotation, Trace
from cogtrace.taxonomy import Taxonomy

NOT_JUDGED: Final = -1


@dataclass(frozen=True, slots=True)
class LabelledTrace:
    """A trace with a score for each of its sentences (row) and each element (column).

    Sentences are those of `sentence_ranges`; NOT_JUDGED stands where nobody judged.
    """

    trace: Trace
    scores: IntArray


def require_same_sentences(labelled: LabelledTrace, sentences: int) -> None:
    """Make sure that scores are those of the sentences that our splitter finds.

    Raises:
        ModelError: there are more or fewer.
    """
    if len(labelled.scores) != sentences:
        raise ModelError(
            f"{labelled.trace.trace_id}: {len(labelled.scores)} sentences are labelled, "
            f"and our splitter finds {sentences}"
        )


def of_passages(passages: Iterable[GoldPassage], taxonomy: Taxonomy) -> list[LabelledTrace]:
    """Return passages as labelled traces."""
    return [
        LabelledTrace(
            Trace(trace_id=passage.id, text=passage.text),
            np.array(
                [
                    [_known(passage.score(number, name)) for name in taxonomy.element_ids]
                    for number in range(len(passage.sentences))
                ],
                dtype=np.int64,
            ),
        )
        for passage in passages
    ]


def of_annotation(trace: Trace, annotation: Annotation, taxonomy: Taxonomy) -> LabelledTrace:
    """Return an annotation as labels of sentences.

    A sentence has the score of an element with a span that covers more than half of it, or
    lies in it by more than half; another one has 0. An element that was not asked about,
    or is shown somewhere without a span, is not judged.
    """
    ranges = np.array(sentence_ranges(trace.text), dtype=np.int64).reshape(-1, 2)
    scores = np.full((len(ranges), len(taxonomy.elements)), NOT_JUDGED, dtype=np.int64)
    for column, name in enumerate(taxonomy.element_ids):
        entry = annotation.of(name)
        if entry is None or (entry.score and not entry.spans):
            continue
        scores[:, column] = 0
        for span in entry.spans:
            scores[_touched(ranges, span.start, span.end), column] = entry.score
    return LabelledTrace(trace, scores)


def of_examples(taxonomy: Taxonomy) -> list[LabelledTrace]:
    """Return the worked examples of a taxonomy as labelled traces.

    The sentences that an example quotes have its score, for its element alone; in one that
    shows nothing (a hard negative) all have 0.
    """
    found = []
    for column, element in enumerate(taxonomy.elements):
        for number, example in enumerate(element.examples):
            ranges = np.array(sentence_ranges(example.text), dtype=np.int64).reshape(-1, 2)
            scores = np.full((len(ranges), len(taxonomy.elements)), NOT_JUDGED, dtype=np.int64)
            if not example.score:
                scores[:, column] = 0
            for quote in example.quotes if example.score else ():
                start = example.text.find(quote)
                scores[_touched(ranges, start, start + len(quote)), column] = example.score
            name = f"{element.id}/example-{number + 1}"
            found.append(LabelledTrace(Trace(trace_id=name, text=example.text), scores))
    return found


def _touched(ranges: IntArray, start: int, end: int) -> BoolArray:
    """Return which sentences a span covers by more than half, or lies in by more than half."""
    shared = np.minimum(ranges[:, 1], end) - np.maximum(ranges[:, 0], start)
    mask: BoolArray = 2 * shared > np.minimum(ranges[:, 1] - ranges[:, 0], end - start)
    return mask


def _known(score: int | None) -> int:
    return NOT_JUDGED if score is None else score
