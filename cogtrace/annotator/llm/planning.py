"""What a job will ask of a model, estimated from a sample before anything is asked.

Every figure is a range. Where it rests on an assumption, the assumption stands below
with its reason; a probe, which asks about some traces for real, takes its place.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Final

import msgspec

from cogtrace.annotator.llm.estimating import estimate_tokens
from cogtrace.annotator.llm.layout import Layout
from cogtrace.annotator.llm.loads import Load, Loads, Spread
from cogtrace.annotator.llm.model import Question
from cogtrace.annotator.llm.sampling import Sample
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.engines import Request
from cogtrace.jobs.budget import Limits, Prices
from cogtrace.jobs.pace import Probed, seconds_for
from cogtrace.jobs.ranges import Range
from cogtrace.records import Trace, Usage

_Three = tuple[float, float, float]

# True counts of tokens per estimated one. The estimator was measured to give 1.0 to 1.63
# times the tokens of English traces, 1.25 times in the middle.
_ESTIMATED: Final[_Three] = (0.6, 0.8, 1.05)
# With the model's own tokenizer only the chat template is unknown.
_COUNTED: Final[_Three] = (0.97, 1.0, 1.03)
# Share of what could be cached that is. Many requests at a time evict each other's
# prefixes, servers spread them over machines, and some have no cache at all; a little
# more than thought is shared where traces or questions begin alike.
_CACHE: Final[_Three] = (0.0, 0.95, 1.03)
# Requests per question and window: some answers are of no use and asked for once more.
_REPAIRS: Final[_Three] = (1.0, 1.02, 1.1)
# Servers whose grammar lets a model write blanks between the marks of JSON.
_BLANKS: Final = 1.25
# A probe of a few traces is that far from what the rest will take.
_LIKE_PROBE: Final[_Three] = (0.9, 1.0, 1.1)
_ANSWERS_LIKE_PROBE: Final[_Three] = (0.75, 1.0, 1.25)


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a job will ask of a model."""

    rows: int  # of the input
    limit: int | None  # of the rows, how many the job will take
    unreadable: int  # of these, that hold no trace
    copies: int  # of these, that repeat another one and cost nothing
    sampled: int
    too_long: int  # of the sample, that need too many windows and are not asked about
    several_windows: int  # of the sample, that need more than one
    window_tokens: int
    exact: bool  # tokens counted by the model's own tokenizer
    questions: int  # per trace, before any screen
    asked_share: float  # of the pairs of trace and element, after the screen
    requests: Range
    prompt_tokens: Range
    cached_share: Range  # of the prompt tokens
    completion_tokens: Range
    seconds: Range | None  # None: unknown without a probe
    cost: Range | None  # None: unknown without prices
    probe: Probed | None = None


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a job is done when a limit stops it."""

    limit: str  # e.g. "--max-cost 5"
    share: Range | None  # of the job, 1 at most; None: unknown


def forecast(
    layout: Layout,
    sample: Sample,
    asked: Sequence[tuple[Question, ...]],
    *,
    prices: Prices | None = None,
    price_hour: float | None = None,
    probe: Probed | None = None,
    recounted: bool = False,
) -> Forecast:
    """Return what annotating an input will take, of which ``sample`` is a sample.

    ``asked`` are the questions for each trace of the sample. A ``probe`` is of its first
    ones. ``price_hour`` is what the machine costs, beside what tokens cost. ``recounted``
    says that the job will cut windows by a tokenizer that is not there yet.
    """
    exact = layout.count is not estimate_tokens
    factors = _COUNTED if exact else _ESTIMATED
    loads = Loads(layout, (factors[0], factors[2]) if recounted else (1.0, 1.0))
    found = [loads.of(trace, qs) for trace, qs in zip(sample.traces, asked, strict=True)]
    requests, prompt, cached, completion = _assumed(found, sample, factors)
    if probe is not None and probe.usage.requests:
        requests, prompt, cached, completion = _as_probed(found, sample, factors, probe, cached)
    seconds = None if probe is None else seconds_for(requests, probe)
    whole = sum(len(q.elements) for q in layout.questions) * len(sample.traces)
    return Forecast(
        rows=sample.rows,
        limit=sample.limit,
        unreadable=sample.unreadable,
        copies=sample.copies,
        sampled=len(found),
        too_long=sum(spread.too_long for spread in found),
        several_windows=sum(
            spread.expected.requests > len(questions) * layout.options.votes
            for spread, questions in zip(found, asked, strict=True)
        ),
        window_tokens=layout.window_tokens,
        exact=exact,
        questions=len(layout.questions),
        asked_share=_share(sum(len(q.elements) for qs in asked for q in qs), whole),
        requests=requests.rounded(),
        prompt_tokens=prompt.rounded(),
        cached_share=cached,
        completion_tokens=completion.rounded(),
        seconds=seconds,
        cost=_cost(prices, price_hour, prompt, cached, completion, seconds),
        probe=probe,
    )


def covered(found: Forecast, limits: Limits) -> list[Covered]:
    """Return how much of a job its limits allow."""
    tokens = Range(
        low=found.prompt_tokens.low + found.completion_tokens.low,
        expected=found.prompt_tokens.expected + found.completion_tokens.expected,
        high=found.prompt_tokens.high + found.completion_tokens.high,
    )
    minutes = None if found.seconds is None else found.seconds.times(1 / 60)
    given = (
        ("--max-tokens-total {:,}", limits.max_tokens_total, tokens),
        ("--max-cost {:g}", limits.max_cost, found.cost),
        ("--max-minutes {:g}", limits.max_minutes, minutes),
    )
    return [
        Covered(limit=flag.format(limit), share=None if need is None else need.covered_by(limit))
        for flag, limit, need in given
        if limit is not None
    ]


def example_requests(
    layout: Layout, sample: Sample, asked: Sequence[tuple[Question, ...]], count: int = 3
) -> list[tuple[Trace, Request]]:
    """Return requests as they would be sent: of a short, a middling and a long trace."""
    able = [
        (trace, questions, windows[0])
        for trace, questions in zip(sample.traces, asked, strict=True)
        if questions and (windows := Loads.windows(layout, trace, sentence_ranges(trace.text)))
    ]
    able.sort(key=lambda entry: len(entry[0].text))
    places = sorted({round(at * (len(able) - 1) / max(1, count - 1)) for at in range(count)})
    found = []
    for number, place in enumerate(places if able else []):
        trace, questions, window = able[place]
        sheet = layout.sheet(trace, window, len(sentence_ranges(trace.text)))
        question = questions[number % len(questions)]
        found.append((trace, layout.request(question, sheet, "example")))
    return found


def _assumed(
    found: Sequence[Spread], sample: Sample, factors: _Three
) -> tuple[Range, Range, Range, Range]:
    """Return requests, prompt tokens, cached share and completion tokens, by assumptions."""
    scale = _Scale(found, sample)
    both = _product(factors, _REPAIRS)
    ideal = _share(
        sum(spread.expected.cached for spread in found),
        sum(spread.expected.prompt for spread in found),
    )
    most = factors[2] * _REPAIRS[2] * _BLANKS
    return (
        scale.range("requests", _REPAIRS),
        scale.range("prompt", both),
        Range.of(ideal, _CACHE).at_most(1.0),
        scale.range(("least", "expected", "most"), (factors[0], both[1], most)),
    )


def _as_probed(
    found: Sequence[Spread], sample: Sample, factors: _Three, probe: Probed, assumed: Range
) -> tuple[Range, Range, Range, Range]:
    """Return the same, by what a probe of the first traces took."""
    scale = _Scale(found, sample)
    usage = probe.usage
    thought = _sum([spread.expected for spread in found[: probe.traces]])
    again = _share(usage.requests, thought.requests)
    # Hardly any trouble in a few dozen requests does not promise that there will be none.
    requests = scale.range("requests", (min(1.0, again), again, max(1.5 * again - 0.5, 1.1)))
    if not usage.prompt_tokens:  # a server that counts nothing
        return (requests, *_assumed(found, sample, factors)[1:])
    longer = _share(usage.prompt_tokens, thought.prompt)
    wordier = _share(usage.completion_tokens, thought.expected)
    cached = _share(usage.cached_tokens, usage.prompt_tokens)
    hit = _share(cached, _share(thought.cached, thought.prompt))
    likely = assumed.expected / _CACHE[1] * min(hit, _CACHE[2])
    return (
        requests,
        scale.range("prompt", _product((longer,) * 3, _LIKE_PROBE)),
        # In a long run less is computed for the first time, but more is evicted.
        Range(low=0.8 * likely, expected=likely, high=max(likely, assumed.high)).at_most(1.0),
        scale.range("expected", _product((wordier,) * 3, _ANSWERS_LIKE_PROBE)),
    )


class _Scale:
    """From the loads of a sample to those of the corpus it was drawn from."""

    def __init__(self, found: Sequence[Spread], sample: Sample) -> None:
        self._found = found
        self._factor = sample.wanted / len(found) if found else 0.0
        # How far the mean of the sample is from that of all traces, and how far that is from
        # the mean of those the job will take; as variances, of one trace's.
        parts = (len(found), sample.wanted)
        self._apart = sum(1 / n - 1 / sample.distinct for n in parts if 0 < n < sample.distinct)

    def range(self, name: str | tuple[str, str, str], factors: _Three) -> Range:
        """Return a field of the loads, summed, scaled and multiplied.

        Low and high are widened by twice the standard error of the sample. ``name`` may be
        three fields, for the three figures.
        """
        low, expected, high = (name,) * 3 if isinstance(name, str) else name
        middle = [getattr(spread.expected, expected) for spread in self._found]
        error = 0.0
        if len(middle) > 1 and sum(middle):
            error = 2 * statistics.stdev(middle) * math.sqrt(self._apart) / statistics.mean(middle)
        return Range(
            low=self._sum([getattr(s.low, low) for s in self._found])
            * max(0, 1 - error)
            * factors[0],
            expected=self._sum(middle) * factors[1],
            high=self._sum([getattr(s.high, high) for s in self._found]) * (1 + error) * factors[2],
        )

    def _sum(self, values: Sequence[float]) -> float:
        return sum(values) * self._factor


def _cost(
    prices: Prices | None,
    price_hour: float | None,
    prompt: Range,
    cached: Range,
    completion: Range,
    seconds: Range | None,
) -> Range | None:
    """Return what tokens and time cost together; None if one of them is not known."""
    if (prices is None and price_hour is None) or (price_hour is not None and seconds is None):
        return None

    def tokens(prompt: float, cached: float, completion: float) -> float:
        usage = Usage(
            prompt_tokens=round(prompt),
            cached_tokens=round(prompt * cached),
            completion_tokens=round(completion),
        )
        return 0.0 if prices is None else prices.cost(usage)

    hourly = (price_hour or 0.0) / 3_600
    time = Range(low=0, expected=0, high=0) if seconds is None else seconds.times(hourly)
    ends = (cached.low, cached.expected, cached.high)
    return Range(
        low=time.low + min(tokens(prompt.low, share, completion.low) for share in ends),
        expected=time.expected + tokens(prompt.expected, cached.expected, completion.expected),
        high=time.high + max(tokens(prompt.high, share, completion.high) for share in ends),
    )


def _product(one: _Three, other: _Three) -> _Three:
    return one[0] * other[0], one[1] * other[1], one[2] * other[2]


def _sum(loads: Sequence[Load]) -> Load:
    return Load(*(sum(values) for values in zip(*loads, strict=True))) if loads else Load()


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
