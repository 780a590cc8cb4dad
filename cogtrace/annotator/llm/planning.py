"""What a job will ask of a model, estimated from a sample before anything is asked."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from cogtrace.annotator.llm.budget import Prices
from cogtrace.annotator.llm.layout import Layout, TooLong
from cogtrace.annotator.llm.model import Question, Ranges, Window
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.engines import Request
from cogtrace.records import Trace, Usage

# Without a tokenizer, real counts were found within these factors of the estimate.
_TOKENS: Final = (0.75, 1.0, 1.2)
# Share of the ideal prefix cache that is really hit: engines evict, servers balance.
_CACHE: Final = (0.5, 0.95, 1.0)
# Share of the questions whose answer is of no use at first and is asked again.
_REPAIRS: Final = (0.0, 0.02, 0.10)
# Elements shown in a window, and pieces of evidence for each of them.
_SHOWN: Final = (0.0, 0.4, 1.0)
_TEMPLATE: Final = 12  # tokens of a chat template around the messages
_BLOCK: Final = 16  # tokens in a block of a prefix cache


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its bounds."""

    low: float
    expected: float
    high: float

    def times(self, factor: float) -> Range:
        """Return all three, multiplied."""
        return Range(
            low=self.low * factor, expected=self.expected * factor, high=self.high * factor
        )


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a job will ask of a model."""

    traces: int  # of the input
    sampled: int
    too_long: int  # of the sample, to be quarantined
    window_tokens: int
    questions: int  # per trace, before any screen
    asked_share: float  # of the questions' elements, after the screen
    requests: Range
    prompt_tokens: Range
    cached_share: Range  # low to high as the cache goes; computed tokens go the other way
    completion_tokens: Range
    seconds: Range | None  # None: unknown without a probe
    cost: Range | None  # None: unknown without prices


@dataclass(frozen=True, slots=True)
class _Load:
    """What one trace asks for."""

    requests: int
    prompt: int
    cached: int  # of the prompt, ideally
    elements: int  # asked about, over all windows
    answers: tuple[int, int, int]  # completion tokens


def forecast(
    layout: Layout,
    sample: Sequence[Trace],
    asked: Sequence[tuple[Question, ...]],
    total: int,
    *,
    exact: bool = False,
    prices: Prices | None = None,
    measured: tuple[Usage, float] | None = None,
) -> Forecast:
    """Return what annotating ``total`` traces will take, of which ``sample`` is a sample.

    ``asked`` are the questions for each of these. ``exact`` says that tokens are counted
    by the model's own tokenizer; ``measured`` is what a probe used, and how many seconds
    it took.
    """
    loads, too_long = [], 0
    for trace, questions in zip(sample, asked, strict=True):
        try:
            loads.append(_load(layout, trace, questions))
        except TooLong:
            too_long += 1
    scale = total / len(sample) if sample else 0.0
    tokens = (1.0, 1.0, 1.0) if exact else _TOKENS
    requests = _spread([load.requests for load in loads], scale, [1 + r for r in _REPAIRS])
    prompt = _spread(
        [load.prompt for load in loads],
        scale,
        [t * (1 + r) for t, r in zip(tokens, _REPAIRS, strict=True)],
    )
    ideal = _share(sum(load.cached for load in loads), sum(load.prompt for load in loads))
    cached = Range(low=ideal * _CACHE[0], expected=ideal * _CACHE[1], high=ideal * _CACHE[2])
    completion = Range(
        low=_total(loads, 0) * scale * tokens[0],
        expected=_total(loads, 1) * scale,
        high=_total(loads, 2) * scale * tokens[2],
    )
    if measured is not None:
        completion = _measured(completion, requests, measured[0])
    whole = sum(len(q.elements) for q in layout.questions) * len(sample)
    return Forecast(
        traces=total,
        sampled=len(sample),
        too_long=too_long,
        window_tokens=layout.window_tokens,
        questions=len(layout.questions),
        asked_share=_share(sum(len(q.elements) for qs in asked for q in qs), whole),
        requests=requests,
        prompt_tokens=prompt,
        cached_share=cached,
        completion_tokens=completion,
        seconds=None if measured is None else _seconds(requests, measured),
        cost=None if prices is None else _cost(prices, prompt, cached, completion),
    )


def example_requests(
    layout: Layout, sample: Sequence[Trace], count: int = 3
) -> list[tuple[Trace, Request]]:
    """Return requests as they would be sent: of a short, a middling and a long trace."""
    ordered = sorted(sample, key=lambda trace: len(trace.text))
    places = sorted({round(at * (len(ordered) - 1) / max(1, count - 1)) for at in range(count)})
    found = []
    for number, place in enumerate(places):
        trace = ordered[place]
        try:
            sheets = layout.sheets(trace, sentence_ranges(trace.text))
        except TooLong:
            continue
        question = layout.questions[number % len(layout.questions)]
        found.append((trace, layout.request(question, sheets[0], "example")))
    return found


def _load(layout: Layout, trace: Trace, questions: tuple[Question, ...]) -> _Load:
    ranges: Ranges = sentence_ranges(trace.text)
    windows = layout.windows(trace, ranges)
    votes = layout.options.votes
    system = layout.count(layout.system) + _TEMPLATE
    prompt = cached = 0
    for window in windows:
        shown = _shown_tokens(layout, trace, window)
        for number, question in enumerate(questions):
            asked = layout.count(layout.prompts.question(question, window, layout.options))
            prompt += votes * (system + shown + asked)
            # The system part is there from the trace before, the rest from the question before.
            first = system // _BLOCK * _BLOCK
            again = (system + shown) // _BLOCK * _BLOCK
            cached += (first if number == 0 else again) + (votes - 1) * again
    elements = len(windows) * votes * sum(len(q.elements) for q in questions)
    return _Load(
        requests=len(windows) * votes * len(questions),
        prompt=prompt,
        cached=cached,
        elements=elements,
        answers=_answer_tokens(layout, elements, len(windows) * votes * len(questions)),
    )


def _shown_tokens(layout: Layout, trace: Trace, window: Window) -> int:
    return layout.count(layout.sheet(trace, window, window.last).text)


def _answer_tokens(layout: Layout, elements: int, requests: int) -> tuple[int, int, int]:
    """Return the tokens of answers that show nothing, something, and everything."""
    options = layout.options
    reason = "r" * options.reason_chars
    piece = '{"sentences":[100,104],"quote":"' + "q" * 60 + '"}' if options.quotes else "[100,104]"
    name = "decomposition-and-integration"

    def tokens(pieces: int, reason: str) -> int:
        evidence = ",".join([piece] * pieces)
        return layout.count(f'"{name}":{{"evidence":[{evidence}],"reason":"{reason}","score":2}},')

    empty = tokens(0, reason[: len(reason) // 2])
    usual = tokens(min(2, options.evidence), reason[: 3 * len(reason) // 4])
    full = tokens(options.evidence, reason)
    expected = (1 - _SHOWN[1]) * empty + _SHOWN[1] * usual
    return (
        elements * empty + requests,
        round(elements * expected) + requests,
        elements * full + requests,
    )


def _spread(values: Sequence[int], scale: float, factors: Sequence[float]) -> Range:
    """Scale a sum to the corpus; low and high add twice the standard error of the sample."""
    total = sum(values)
    error = 0.0
    if len(values) > 1:
        error = 2 * statistics.stdev(values) * math.sqrt(len(values))
    if scale <= 1:
        error = 0.0  # the sample is the corpus
    low, expected, high = factors
    return Range(
        low=max(0.0, total - error) * scale * low,
        expected=total * scale * expected,
        high=(total + error) * scale * high,
    )


def _total(loads: Sequence[_Load], kind: int) -> int:
    return sum(load.answers[kind] for load in loads)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _measured(assumed: Range, requests: Range, usage: Usage) -> Range:
    """Return completion tokens as a probe found them, a quarter either way."""
    if not usage.requests:
        return assumed
    each = usage.completion_tokens / usage.requests
    return Range(
        low=0.75 * each * requests.low,
        expected=each * requests.expected,
        high=1.25 * each * requests.high,
    )


def _seconds(requests: Range, measured: tuple[Usage, float]) -> Range | None:
    """Return the time at the pace of a probe, which a long run can only improve on."""
    usage, seconds = measured
    if not usage.requests:
        return None
    each = seconds / usage.requests
    return Range(
        low=0.5 * each * requests.low,
        expected=each * requests.expected,
        high=1.25 * each * requests.high,
    )


def _cost(prices: Prices, prompt: Range, cached: Range, completion: Range) -> Range:
    def cost(prompt: float, cached: float, completion: float) -> float:
        return prices.cost(
            Usage(
                prompt_tokens=round(prompt),
                cached_tokens=round(prompt * cached),
                completion_tokens=round(completion),
            )
        )

    # A good cache makes it cheap, so the bounds of the cache go the other way.
    return Range(
        low=cost(prompt.low, cached.high, completion.low),
        expected=cost(prompt.expected, cached.expected, completion.expected),
        high=cost(prompt.high, cached.low, completion.high),
    )
