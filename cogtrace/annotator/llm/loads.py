"""What one trace asks of a model: requests, tokens of prompts, and tokens of answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cogtrace.annotator.llm.layout import Layout, TooLong
from cogtrace.annotator.llm.model import LlmOptions, Question, Ranges, Window
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.records import Trace
from cogtrace.taxonomy.model import Element

# Share of the elements asked about in a window that an answer finds there. In 37 traces
# labelled by hand it was 62 % of them, over whole traces.
_SHOWN: Final = 0.6
_PIECES: Final = 2  # of evidence for such an element
# How much of the length of a reason is used where nothing is shown, and where something is.
_REASON_ABSENT: Final = 0.5
_REASON_SHOWN: Final = 0.75
_TEMPLATE: Final = 12  # tokens of a chat template around the messages
_BLOCK: Final = 16  # tokens in a block of a prefix cache


class Load(NamedTuple):
    """What asking about one trace takes. Additive; bounds as low, expected and high."""

    requests: int = 0
    prompt: int = 0  # tokens
    cached: int = 0  # of the prompt, if all that could be shared is
    least: int = 0  # tokens of answers that find nothing and say nothing
    expected: float = 0.0  # tokens of answers as they are usually
    most: int = 0  # tokens of answers that find everything, at length


@dataclass(frozen=True, slots=True)
class Spread:
    """The load of a trace, and what it may be if its tokens are counted differently."""

    low: Load
    expected: Load
    high: Load
    too_long: bool  # needs more windows than are allowed; nothing will be asked


class Loads:
    """Works out the loads of traces under one layout.

    ``factors`` are the least and the most by which true counts of tokens may differ from
    those of the layout: with them the number of windows changes.
    """

    def __init__(self, layout: Layout, factors: tuple[float, float]) -> None:
        self._layout = layout
        # More tokens than thought leave less room in a window. The tightest comes first.
        self._around = [
            dataclasses.replace(layout, window_tokens=max(1, round(layout.window_tokens / factor)))
            for factor in sorted(factors, reverse=True)
            if factor != 1
        ]
        self._fixed = layout.count(layout.system) + _TEMPLATE
        self._answers: dict[str, tuple[int, float, int]] = {}

    def of(self, trace: Trace, questions: Sequence[Question]) -> Spread:
        """Return the load of asking some questions about a trace."""
        ranges = sentence_ranges(trace.text)
        if not ranges or not questions:
            return Spread(Load(), Load(), Load(), too_long=False)
        expected = self.windows(self._layout, trace, ranges)
        load = Load() if expected is None else self._load(trace, expected, questions)
        around = [load]
        for layout in self._around:  # the tightest first
            windows = self.windows(layout, trace, ranges)
            if windows is None:
                continue
            if len(windows) != len(expected or ()):
                around.append(self._load(trace, windows, questions))
            elif len(windows) == 1:
                break  # and so it is with more room
        return Spread(
            low=_each(min, around),
            expected=load,
            high=_each(max, around),
            too_long=expected is None,
        )

    @staticmethod
    def windows(layout: Layout, trace: Trace, ranges: Ranges) -> list[Window] | None:
        """Return the windows of a trace; None if there would be too many."""
        try:
            return layout.windows(trace, ranges)
        except TooLong:
            return None

    def _load(self, trace: Trace, windows: Sequence[Window], questions: Sequence[Question]) -> Load:
        layout = self._layout
        votes = layout.options.votes
        prompt = cached = 0
        for window in windows:
            asked = [layout.prompts.question(q, window, layout.options) for q in questions]
            shown = self._fixed + layout.count(layout.sheet(trace, window, window.last).text)
            for number, text in enumerate(asked):
                tokens = shown + layout.count(text)
                prompt += votes * tokens
                # The instructions are there from the trace before, the trace from the
                # question before, and everything from the vote before.
                cached += _whole(self._fixed if number == 0 else shown)
                cached += (votes - 1) * _whole(tokens - 1)
        times = votes * len(windows)
        answers = [self._answer(question) for question in questions]
        return Load(
            requests=times * len(questions),
            prompt=prompt,
            cached=cached,
            least=times * sum(a[0] for a in answers),
            expected=times * sum(a[1] for a in answers),
            most=times * sum(a[2] for a in answers),
        )

    def _answer(self, question: Question) -> tuple[int, float, int]:
        """Return the tokens of an answer: the least, the usual, and the most."""
        each = [self._entry(element) for element in question.elements]
        braces = 2
        return (
            braces + sum(entry[0] for entry in each),
            braces + sum(entry[1] for entry in each),
            braces + sum(entry[2] for entry in each),
        )

    def _entry(self, element: Element) -> tuple[int, float, int]:
        if element.id not in self._answers:
            self._answers[element.id] = _entry_tokens(
                element.id, self._layout.options, self._layout.count
            )
        return self._answers[element.id]


def _entry_tokens(
    name: str, options: LlmOptions, count: Callable[[str], int]
) -> tuple[int, float, int]:
    """Return the tokens of what an answer says of one element."""
    piece = "[100,104]"
    if options.quotes:
        piece = '{"sentences":[100,104],"quote":"' + _prose(60) + '"}'

    def tokens(pieces: int, reason: float) -> int:
        evidence = ",".join([piece] * pieces)
        said = _prose(round(options.reason_chars * reason))
        return count(f'"{name}":{{"evidence":[{evidence}],"reason":"{said}","score":2}},')

    absent = tokens(0, _REASON_ABSENT)
    shown = tokens(min(_PIECES, options.evidence), _REASON_SHOWN)
    return tokens(0, 0.0), (1 - _SHOWN) * absent + _SHOWN * shown, tokens(options.evidence, 1.0)


def _prose(length: int) -> str:
    """Return words to count, as reasons and quotes are made of them."""
    words = "the total is checked again by adding both parts "
    return (words * (length // len(words) + 1))[:length]


def _whole(tokens: int) -> int:
    """Return how many tokens of a prefix a cache holds: whole blocks only."""
    return max(tokens, 0) // _BLOCK * _BLOCK


def _each(choose: Callable[..., Any], loads: Sequence[Load]) -> Load:
    return Load(*(choose(values) for values in zip(*loads, strict=True)))
