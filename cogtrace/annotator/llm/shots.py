"""Worked examples of the taxonomy, made into answers that show a model how it is done."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from cogtrace.annotator.llm.answers import QUOTE_CHARS
from cogtrace.annotator.llm.model import Line, LlmOptions, Window
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.taxonomy.model import Element, Example

Shot = tuple[Element, Example]

# The kinds of examples, in the order in which they take turns.
_TURNS: Final = ("present", "hard negative", "partial")
_FRAME_TOKENS: Final = 20  # heading and labels of an example, beside text and answer
_LABEL_TOKENS: Final = 5  # per sentence


def choose_shots(
    elements: Sequence[Element], budget_tokens: int, count: Callable[[str], int]
) -> tuple[Shot, ...]:
    """Return worked examples that take about ``budget_tokens`` together, in turns.

    By turns an example of score 2, a hard negative and one of score 1 is taken. Each time
    it is one of the element that has given fewest so far, among equals of the dimension
    that has, then from the domain that has, then the first of the taxonomy. So no element
    comes twice before each has come once, and dimensions and domains are spread over what
    fits. A kind of which nothing fits any more is passed over. The same taxonomy, budget and
    ``count`` give the same choice.

    Examples with a score above 0 whose quotes cannot be found in their text are no use.
    Elements without hard negatives give plain ones.
    """
    pool = [
        (element, example, cost(element, example, count), order)
        for order, (element, example) in enumerate(_usable(elements))
    ]
    chosen: list[Shot] = []
    used: Counter[tuple[str, str | None]] = Counter()
    left, turn, idle = budget_tokens, 0, 0
    while idle < len(_TURNS):
        kind = _TURNS[turn % len(_TURNS)]
        fitting = [e for e in pool if e[2] <= left and _kind(e[0], e[1]) == kind]
        turn += 1
        if not fitting:
            idle += 1
            continue
        idle = 0
        best = min(
            fitting,
            key=lambda e: (
                used["element", e[0].id],
                used["dimension", e[0].dimension],
                used["domain", e[1].domain],
                e[3],
            ),
        )
        element, example, price, _ = best
        pool.remove(best)
        chosen.append((element, example))
        left -= price
        used.update(
            [("element", element.id), ("dimension", element.dimension), ("domain", example.domain)]
        )
    return tuple(chosen)


def cost(element: Element, example: Example, count: Callable[[str], int]) -> int:
    """Return about how many tokens an example takes in a prompt, its answer included."""
    # By default options: what is chosen must not depend on them. Quotes add some tokens.
    answer = shot_answer(element, example, LlmOptions())
    labels = _LABEL_TOKENS * len(sentence_ranges(example.text))
    return count(example.text) + count(answer) + labels + _FRAME_TOKENS


def shot_window(example: Example) -> Window:
    """Return the sentences of an example, all in one window."""
    ranges = sentence_ranges(example.text)
    return Window(tuple(Line(number, *at) for number, at in enumerate(ranges, 1)))


def shot_answer(element: Element, example: Example, options: LlmOptions) -> str:
    """Return the right answer to an example, in exactly the form that is asked for.

    Quotes become the ranges of the sentences they lie in, in the order of the taxonomy.
    The reason is the example's own, cut to its length between clauses or words.
    """
    pieces: list[Any] = []
    for quote in example.quotes:
        found = _sentences(example.text, quote)
        if found is None:
            continue
        piece = {"sentences": found, "quote": _cut(quote, QUOTE_CHARS)} if options.quotes else found
        if piece not in pieces:
            pieces.append(piece)
    verdict = {
        "evidence": pieces[: options.evidence],
        "reason": _cut(example.why or "", options.reason_chars),
        "score": example.score,
    }
    return json.dumps({element.id: verdict}, ensure_ascii=False, separators=(",", ":"))


def _usable(elements: Sequence[Element]) -> list[Shot]:
    return [
        (element, example)
        for element in elements
        for example in element.examples
        if example.score == 0 or any(_sentences(example.text, quote) for quote in example.quotes)
    ]


def _kind(element: Element, example: Example) -> str:
    if example.score > 0:
        return "present" if example.score == 2 else "partial"
    if example.hard_negative or not any(other.hard_negative for other in element.examples):
        return "hard negative"
    return "plain negative"  # never shown: a hard one teaches more


def _sentences(text: str, quote: str) -> list[int] | None:
    """Return the first and last sentence that a quote lies in, or None if it is not there."""
    start = text.find(quote)
    if start < 0 or not quote:
        return None
    end = start + len(quote)
    ranges = enumerate(sentence_ranges(text), 1)
    touched = [number for number, (low, high) in ranges if low < end and high > start]
    return [touched[0], touched[-1]] if touched else None


def _cut(text: str, length: int) -> str:
    """Return a text of at most ``length`` characters, cut between clauses, or else words."""
    if len(text) <= length:
        return text
    kept = text[: length + 1]
    clause = max(kept.rfind(mark) for mark in ("; ", ", ", ": ", ". "))
    if clause < length // 3:
        clause = kept.rfind(" ")
    return (kept[:clause] if clause > 0 else text[:length]).rstrip()
