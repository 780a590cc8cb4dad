"""A forecast holds: what a job takes lies within it, whatever is asked."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from collections import Counter
from typing import Any

import pytest
from asking import Model, asked_of, limits_of, setup_for
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.annotator.hybrid import HybridAnnotator, asked_elements
from cogtrace.annotator.llm.annotator import LlmAnnotator
from cogtrace.annotator.llm.budget import Limits, Prices
from cogtrace.annotator.llm.estimating import estimate_tokens
from cogtrace.annotator.llm.layout import Layout
from cogtrace.annotator.llm.model import LlmOptions
from cogtrace.annotator.llm.pace import Probed, seconds_for
from cogtrace.annotator.llm.planning import Forecast, covered, example_requests, forecast
from cogtrace.annotator.llm.ranges import Range
from cogtrace.annotator.llm.sampling import Sample, draw_sample
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.corpora.sample import sample_path
from cogtrace.engines import Engine, EngineInfo, EngineSettings, Request
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.extensions import AnnotatorSetup, EngineKind
from cogtrace.records import Annotation, Quarantined, SourceRow, Trace, Usage
from cogtrace.taxonomy import Taxonomy, build_taxonomy, load_taxonomy

FENCE = "0123abcd"
# A plan, and what can be done about it: options, and whether cues screen.
JOBS = [
    pytest.param({}, False, id="group"),
    pytest.param({"ask": "element"}, False, id="element"),
    pytest.param({"ask": "all"}, False, id="all"),
    pytest.param({"votes": 3}, False, id="votes"),
    pytest.param({"quotes": True, "evidence": 2}, False, id="quotes"),
    pytest.param({"shots_tokens": 0, "reason_chars": 0}, False, id="bare"),
    pytest.param({"window_tokens": 400, "max_windows": 50}, False, id="windows"),
    pytest.param({"window_tokens": 300, "max_windows": 3, "votes": 2}, False, id="few-windows"),
    pytest.param({"ask": "element"}, True, id="hybrid-element"),
    pytest.param({"ask": "group", "audit": 0.0}, True, id="hybrid-group"),
]


@pytest.fixture(scope="module")
def bundled() -> Taxonomy:
    return load_taxonomy()


@pytest.fixture(scope="module")
def rows() -> list[SourceRow]:
    return list(read_traces(open_inputs([str(sample_path())], None), {}))


@pytest.fixture(scope="module")
def corpus(rows: list[SourceRow]) -> Sample:
    """Return a dozen traces as if they were all there are."""
    return draw_sample(rows[::4], 1_000, seed=0)


_WORDS = "the writer counts the boxes again and again, then says so twice over, " * 3


def _plausible(options: LlmOptions) -> Model:
    """Return a model that answers as models do: some elements shown, none at great length."""

    def entry(draw: random.Random, first: int, last: int) -> dict[str, Any]:
        shown = draw.random() < 0.6
        pieces = draw.randint(1, min(3, options.evidence)) if shown else 0
        ranges = [sorted(draw.choices(range(first, last + 1), k=2)) for _ in range(pieces)]
        length = draw.randint(options.reason_chars // 3, options.reason_chars)
        return {
            "evidence": [{"sentences": found, "quote": _WORDS[:50]} for found in ranges]
            if options.quotes
            else ranges,
            "reason": _WORDS[:length],
            "score": draw.choice([1, 2]) if shown else 0,
        }

    def model(request: Request) -> str | None:
        names = asked_of(request)
        if not names:
            return None
        draw = random.Random(request.key)
        found = {name: entry(draw, *limits_of(request)) for name in names}
        return json.dumps(found, separators=(",", ":"))

    return model


class _Uncounting(ScriptedEngine):
    """Keeps to itself what a token is, as servers do."""

    def count_tokens(self, text: str) -> None:  # type: ignore[override]
        return None


def _setup(taxonomy: Taxonomy, options: dict[str, Any], *, counts: bool) -> AnnotatorSetup:
    model = _plausible(LlmOptions(**options))
    kind = ScriptedEngine if counts else _Uncounting
    return dataclasses.replace(
        setup_for(model, taxonomy, options=options),
        engine=EngineKind(
            name="played", summary="a model", build=lambda _: kind.from_function(model)
        ),
    )


def _layout(taxonomy: Taxonomy, options: dict[str, Any], engine: Engine | None = None) -> Layout:
    info = EngineInfo(engine="", model="")
    return Layout.of(taxonomy, LlmOptions(**options), info, EngineSettings(), FENCE, engine)


def _asked(layout: Layout, taxonomy: Taxonomy, sample: Sample, *, screens: bool) -> Any:
    if not screens:
        return [layout.questions] * len(sample.traces)
    names = asked_elements(taxonomy, sample.traces, 0, layout.options.audit)
    return [layout.narrowed(elements) for elements in names]


def _run(setup: AnnotatorSetup, traces: list[Trace], *, screens: bool) -> list[Annotation]:
    annotator = HybridAnnotator(setup) if screens else LlmAnnotator(setup)
    found = annotator.annotate(traces)
    annotator.close()
    return found


def _total(found: list[Annotation]) -> Usage:
    usages = [annotation.usage for annotation in found if annotation.usage is not None]
    return Usage(
        requests=sum(u.requests for u in usages),
        prompt_tokens=sum(u.prompt_tokens for u in usages),
        cached_tokens=sum(u.cached_tokens for u in usages),
        completion_tokens=sum(u.completion_tokens for u in usages),
    )


def _holds(figures: Range, actual: float, near: float) -> None:
    """Make sure that a figure is within its bounds, and what was expected within a share."""
    assert figures.low <= actual <= figures.high, (figures, actual)
    assert math.isclose(figures.expected, actual, rel_tol=near), (figures, actual)


@pytest.mark.parametrize(("options", "screens"), JOBS)
def test_what_a_job_takes_is_what_was_planned(
    bundled: Taxonomy, corpus: Sample, options: dict[str, Any], screens: bool
) -> None:
    layout = _layout(bundled, options, ScriptedEngine())
    found = forecast(layout, corpus, _asked(layout, bundled, corpus, screens=screens))

    done = _run(_setup(bundled, options, counts=True), corpus.traces, screens=screens)

    taken = _total(done)
    assert found.exact
    # No answer is of no use here, so no question is put twice.
    assert found.requests.low == taken.requests
    _holds(found.requests, taken.requests, near=0.03)
    _holds(found.prompt_tokens, taken.prompt_tokens, near=0.04)
    _holds(found.cached_share, taken.cached_tokens / taken.prompt_tokens, near=0.1)
    _holds(found.completion_tokens, taken.completion_tokens, near=0.5)
    too_long = [a for a in done if a.unanswered and a.unanswered[0].reason == "too-many-windows"]
    assert found.too_long == len(too_long)


def test_random_answers_of_the_scripted_engine_are_within_the_bounds(
    bundled: Taxonomy, corpus: Sample
) -> None:
    layout = _layout(bundled, {}, ScriptedEngine())
    found = forecast(layout, corpus, _asked(layout, bundled, corpus, screens=False))

    setup = setup_for(lambda request: None, bundled, arguments={"fill": "random"})
    taken = _total(_run(setup, corpus.traces, screens=False))

    assert found.requests.low == taken.requests
    assert found.prompt_tokens.low <= taken.prompt_tokens <= found.prompt_tokens.high
    assert found.completion_tokens.low <= taken.completion_tokens <= found.completion_tokens.high


def test_the_shortest_answers_are_not_below_the_bounds(bundled: Taxonomy, corpus: Sample) -> None:
    layout = _layout(bundled, {}, ScriptedEngine())
    found = forecast(layout, corpus, _asked(layout, bundled, corpus, screens=False))

    taken = _total(_run(setup_for(lambda _: None, bundled), corpus.traces, screens=False))

    assert found.completion_tokens.low <= taken.completion_tokens


@pytest.mark.parametrize(("options", "screens"), JOBS)
def test_without_a_tokenizer_requests_are_the_same_and_tokens_within_the_bounds(
    bundled: Taxonomy, corpus: Sample, options: dict[str, Any], screens: bool
) -> None:
    layout = _layout(bundled, options)
    found = forecast(layout, corpus, _asked(layout, bundled, corpus, screens=screens))

    taken = _total(_run(_setup(bundled, options, counts=False), corpus.traces, screens=screens))

    assert not found.exact
    assert layout.count is estimate_tokens
    _holds(found.requests, taken.requests, near=0.03)
    _holds(found.prompt_tokens, taken.prompt_tokens, near=0.1)
    _holds(found.completion_tokens, taken.completion_tokens, near=0.5)


def test_windows_that_another_tokenizer_may_cut_widen_the_bounds(
    bundled: Taxonomy, corpus: Sample
) -> None:
    options = {"window_tokens": 400, "max_windows": 50}
    layout = _layout(bundled, options)
    asked = _asked(layout, bundled, corpus, screens=False)
    kept, recounted = (
        forecast(layout, corpus, asked, recounted=recounted) for recounted in (False, True)
    )
    counted = _layout(bundled, options, ScriptedEngine())
    exact = forecast(counted, corpus, asked)

    assert kept.requests.high < recounted.requests.high
    assert recounted.requests.low < kept.requests.low
    assert recounted.requests.low <= exact.requests.low <= recounted.requests.high
    assert recounted.requests.expected == kept.requests.expected


def test_a_sample_stands_for_its_corpus_within_the_bounds(
    bundled: Taxonomy, rows: list[SourceRow]
) -> None:
    layout = _layout(bundled, {}, ScriptedEngine())

    def of(size: int, seed: int) -> Forecast:
        drawn = draw_sample(rows, size, seed)
        return forecast(layout, drawn, _asked(layout, bundled, drawn, screens=False))

    everything = of(1_000, 0)
    held = 0
    for seed in range(20):
        some = of(10, seed)
        held += (
            some.prompt_tokens.low <= everything.prompt_tokens.expected <= (some.prompt_tokens.high)
        )
        assert some.rows == everything.rows == len(rows)
        assert some.requests.expected == everything.requests.expected
        wide = some.prompt_tokens.high / some.prompt_tokens.low
        assert wide > everything.prompt_tokens.high / everything.prompt_tokens.low
    assert held >= 18  # two standard errors: 19 of 20 at least, on average


def test_a_limit_takes_its_share_and_widens_the_bounds(
    bundled: Taxonomy, rows: list[SourceRow]
) -> None:
    layout = _layout(bundled, {}, ScriptedEngine())

    def of(limit: int | None) -> Forecast:
        drawn = draw_sample(rows, 1_000, 0, limit)
        return forecast(layout, drawn, _asked(layout, bundled, drawn, screens=False))

    whole, half, same = of(None), of(len(rows) // 2), of(10 * len(rows))

    assert half.prompt_tokens.expected == pytest.approx(whole.prompt_tokens.expected / 2, abs=1)
    assert _width(half.prompt_tokens) > _width(whole.prompt_tokens)
    assert half.requests.low == whole.requests.low / 2
    assert same.prompt_tokens == whole.prompt_tokens


def _rows(*texts: str | None) -> list[SourceRow]:
    return [
        SourceRow(
            file="f",
            line=line,
            value=Quarantined.of("f", line, "bad-json", "broken", None, None)
            if text is None
            else Trace(trace_id=str(line), text=text),
        )
        for line, text in enumerate(texts, 1)
    ]


def test_copies_and_unreadable_rows_cost_nothing_and_are_counted(
    tiny_taxonomy: dict[str, Any],
) -> None:
    taxonomy = build_taxonomy(tiny_taxonomy, "tiny")
    layout = _layout(taxonomy, {}, ScriptedEngine())
    drawn = draw_sample(_rows("One.", "Two.", None, "One.", "One.", "Three."), 100, seed=0)

    found = forecast(layout, drawn, [layout.questions] * len(drawn.traces))

    assert (found.rows, found.unreadable, found.copies, found.sampled) == (6, 1, 2, 3)
    assert found.requests.low == 3 * len(layout.questions)


def test_any_trace_is_as_likely_in_a_sample_as_any_other() -> None:
    drawn: Counter[str] = Counter()
    for seed in range(2_000):
        sample = draw_sample(_rows(*"abcde", *"ab"), 2, seed)
        assert sample.distinct == 5
        assert len({trace.text for trace in sample.traces}) == 2
        drawn[sample.traces[0].text] += 1

    # 400 of each, within five standard deviations of 18.
    assert all(abs(drawn[text] - 400) < 90 for text in "abcde"), drawn


_TEXTS = st.lists(
    st.sampled_from(["", "One.", "Two is more. " * 30, "x" * 3_000, "No. " * 400]), max_size=6
)
_OPTIONS = st.fixed_dictionaries(
    {
        "ask": st.sampled_from(["element", "group", "all"]),
        "votes": st.integers(1, 3),
        "evidence": st.integers(1, 5),
        "reason_chars": st.sampled_from([0, 80, 300]),
        "quotes": st.booleans(),
        "window_tokens": st.sampled_from([None, 128, 150, 1_000]),
        "max_windows": st.integers(1, 4),
        "shots_tokens": st.sampled_from([0, 500]),
    }
)
_USAGE = st.builds(
    Usage,
    requests=st.integers(0, 50),
    prompt_tokens=st.integers(0, 10**6),
    cached_tokens=st.integers(0, 2 * 10**6),
    completion_tokens=st.integers(0, 10**6),
    seconds=st.floats(0, 1_000),
)
_PROBES = st.none() | st.builds(
    Probed,
    traces=st.integers(1, 6),
    seconds=st.floats(0, 100),
    usage=_USAGE,
    concurrency=st.integers(1, 500),
)
_PRICES = st.none() | st.builds(
    Prices,
    input=st.floats(0, 100),
    output=st.floats(0, 100),
    cached=st.none() | st.floats(0, 300),
)


@settings(deadline=None)
@given(
    texts=_TEXTS,
    size=st.integers(1, 6),
    options=_OPTIONS,
    probe=_PROBES,
    prices=_PRICES,
    price_hour=st.none() | st.floats(0, 50),
    exact=st.booleans(),
    recounted=st.booleans(),
)
def test_low_is_never_above_expected_nor_that_above_high(
    tiny_taxonomy: dict[str, Any],
    texts: list[str],
    size: int,
    options: dict[str, Any],
    probe: Probed | None,
    prices: Prices | None,
    price_hour: float | None,
    exact: bool,
    recounted: bool,
) -> None:
    taxonomy = build_taxonomy(tiny_taxonomy, "tiny")
    layout = _layout(taxonomy, options, ScriptedEngine() if exact else None)
    drawn = draw_sample(_rows(*texts), size, seed=0)

    found = forecast(
        layout,
        drawn,
        [layout.questions] * len(drawn.traces),
        prices=prices,
        price_hour=price_hour,
        probe=probe,
        recounted=recounted,
    )

    ranges = [found.requests, found.prompt_tokens, found.cached_share, found.completion_tokens]
    ranges += [each for each in (found.seconds, found.cost) if each is not None]
    limits = Limits(max_tokens_total=1_000, max_cost=1.0, max_minutes=1.0)
    ranges += [each.share for each in covered(found, limits) if each.share is not None]
    for each in ranges:
        assert 0 <= each.low <= each.expected <= each.high < math.inf, found
    assert found.cached_share.high <= 1
    assert (found.cost is None) == (
        (prices is None and price_hour is None) or (price_hour is not None and not found.seconds)
    )


def _forecast(**given: Any) -> Forecast:
    base: dict[str, Any] = {
        "rows": 1,
        "limit": None,
        "unreadable": 0,
        "copies": 0,
        "sampled": 1,
        "too_long": 0,
        "several_windows": 0,
        "window_tokens": 1,
        "exact": True,
        "questions": 1,
        "asked_share": 1.0,
        "requests": Range(low=1, expected=2, high=3),
        "prompt_tokens": Range(low=800, expected=900, high=1_800),
        "cached_share": Range(low=0, expected=0, high=0),
        "completion_tokens": Range(low=100, expected=100, high=200),
        "seconds": None,
        "cost": None,
    }
    return Forecast(**base | given)


def test_a_limit_covers_most_where_a_job_takes_least() -> None:
    limits = Limits(max_tokens_total=450, max_cost=8.0, max_minutes=2.0)

    found = covered(_forecast(cost=Range(low=4.0, expected=10.0, high=16.0)), limits)

    assert [entry.limit for entry in found] == [
        "--max-tokens-total 450",
        "--max-cost 8",
        "--max-minutes 2",
    ]
    assert found[0].share == Range(low=0.225, expected=0.45, high=0.5)
    assert found[1].share == Range(low=0.5, expected=0.8, high=1.0)
    assert found[2].share is None


def _probed(traces: int, corpus: Sample, taxonomy: Taxonomy, **extra: float) -> Probed:
    setup = _setup(taxonomy, {}, counts=False)
    usage = _total(_run(setup, corpus.traces[:traces], screens=False))
    scaled = {name: round(getattr(usage, name) * factor) for name, factor in extra.items()}
    usage = Usage(**{**_figures(usage), **scaled, "seconds": 60.0})
    return Probed(traces=traces, seconds=6.0, usage=usage, concurrency=10)


def _figures(usage: Usage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in usage.__struct_fields__}


def test_a_probe_takes_the_place_of_what_is_assumed(bundled: Taxonomy, corpus: Sample) -> None:
    layout = _layout(bundled, {})
    asked = _asked(layout, bundled, corpus, screens=False)
    taken = _total(_run(_setup(bundled, {}, counts=False), corpus.traces, screens=False))

    plain = forecast(layout, corpus, asked)
    found = forecast(layout, corpus, asked, probe=_probed(4, corpus, bundled))
    dear = forecast(
        layout,
        corpus,
        asked,
        probe=_probed(
            4, corpus, bundled, requests=1.5, prompt_tokens=2, completion_tokens=3, cached_tokens=0
        ),
    )

    _holds(found.requests, taken.requests, near=0.001)
    _holds(found.prompt_tokens, taken.prompt_tokens, near=0.03)
    _holds(found.completion_tokens, taken.completion_tokens, near=0.1)
    assert _width(found.prompt_tokens) < _width(plain.prompt_tokens)
    assert _width(found.completion_tokens) < _width(plain.completion_tokens)
    assert dear.requests.expected == pytest.approx(1.5 * found.requests.expected, rel=0.01)
    assert dear.prompt_tokens.expected == pytest.approx(2 * found.prompt_tokens.expected, rel=0.01)
    assert dear.completion_tokens.expected == pytest.approx(
        3 * found.completion_tokens.expected, rel=0.01
    )
    assert dear.cached_share.expected == 0
    assert dear.cached_share.high > 0


def _width(figures: Range) -> float:
    return figures.high / figures.low


def test_a_server_that_counts_no_tokens_leaves_what_is_assumed_of_them(
    bundled: Taxonomy, corpus: Sample
) -> None:
    layout = _layout(bundled, {})
    asked = _asked(layout, bundled, corpus, screens=False)
    mute = _probed(
        4, corpus, bundled, prompt_tokens=0, completion_tokens=0, cached_tokens=0, requests=1.25
    )

    plain = forecast(layout, corpus, asked)
    found = forecast(layout, corpus, asked, probe=mute)

    assert found.prompt_tokens == plain.prompt_tokens
    assert found.completion_tokens == plain.completion_tokens
    assert found.requests.expected == pytest.approx(1.25 * plain.requests.low, rel=0.01)


def _at_pace(in_flight: float, concurrency: int = 100) -> Range:
    probe = Probed(
        traces=5,
        seconds=10.0,
        usage=Usage(requests=20, seconds=10.0 * in_flight),
        concurrency=concurrency,
    )
    found = seconds_for(Range(low=1_000, expected=1_000, high=1_000), probe)
    assert found is not None
    return found


def test_time_is_the_pace_of_the_probe_where_that_filled_the_engine() -> None:
    found = _at_pace(100).times(1 / 500)

    assert (found.low, found.expected, found.high) == pytest.approx((0.8, 1.0, 1.25))


def test_time_may_be_much_less_where_the_probe_left_places_empty() -> None:
    # Four in flight of a hundred: up to 25 times as fast, and 5 times in between.
    found = _at_pace(4).times(1 / 500)

    assert found.low == pytest.approx(0.8 / 25)
    assert found.expected == pytest.approx(1 / 5)
    assert found.high == pytest.approx(1.25)


def test_time_that_is_not_the_engines_does_not_shrink() -> None:
    assert _at_pace(0.5) == _at_pace(100)


def test_time_is_unknown_after_a_probe_that_asked_nothing() -> None:
    probe = Probed(traces=1, seconds=1.0, usage=Usage(), concurrency=4)

    assert seconds_for(Range(low=1, expected=1, high=1), probe) is None


def test_examples_are_of_a_short_a_middling_and_a_long_trace_and_as_they_would_be_sent(
    bundled: Taxonomy,
) -> None:
    sent: list[Request] = []

    def model(request: Request) -> str | None:
        sent.append(request)
        return None

    sample = draw_sample(_rows("A. B.", "", "Yes. " * 50, "No. " * 400, "Is it? " * 9), 10, seed=0)
    options = {"ask": "element", "window_tokens": 600}
    _run(setup_for(model, bundled, options=options), sample.traces, screens=True)
    layout = _layout(bundled, options, ScriptedEngine())
    asked = _asked(layout, bundled, sample, screens=True)

    found = example_requests(layout, sample, asked)

    assert [trace.text[:2] for trace, _ in found] == ["A.", "Ye", "No"]
    known = {(request.messages, str(request.schema), request.max_tokens) for request in sent}
    for _, request in found:
        assert (request.messages, str(request.schema), request.max_tokens) in known


def test_there_are_no_examples_of_nothing(bundled: Taxonomy) -> None:
    layout = _layout(bundled, {}, ScriptedEngine())
    sample = draw_sample(_rows("", ""), 10, seed=0)

    assert example_requests(layout, sample, [layout.questions]) == []
