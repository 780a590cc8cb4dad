"""Bounds of a forecast, and what a probe makes of them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planned import asked_by, holds, layout_of, rows_of, run, setup_of, total, width

from cogtrace.annotator.llm.planning import Forecast, covered, forecast
from cogtrace.annotator.llm.sampling import Sample, draw_sample
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.corpora.sample import sample_path
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.jobs.budget import Limits, Prices
from cogtrace.jobs.pace import Probed, seconds_for
from cogtrace.jobs.ranges import Range
from cogtrace.records import Usage
from cogtrace.taxonomy import Taxonomy, build_taxonomy, load_taxonomy


@pytest.fixture(scope="module")
def bundled() -> Taxonomy:
    return load_taxonomy()


@pytest.fixture(scope="module")
def corpus() -> Sample:
    """Return a dozen traces as if they were all there are."""
    rows = list(read_traces(open_inputs([str(sample_path())], None), {}))
    return draw_sample(rows[::4], 1_000, seed=0)


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
    layout = layout_of(taxonomy, options, ScriptedEngine() if exact else None)
    drawn = draw_sample(rows_of(*texts), size, seed=0)

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
    setup = setup_of(taxonomy, {}, counts=False)
    usage = total(run(setup, corpus.traces[:traces], screens=False))
    scaled = {name: round(getattr(usage, name) * factor) for name, factor in extra.items()}
    usage = Usage(**{**_figures(usage), **scaled, "seconds": 60.0})
    return Probed(traces=traces, seconds=6.0, usage=usage, concurrency=10)


def _figures(usage: Usage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in usage.__struct_fields__}


def test_a_probe_takes_the_place_of_what_is_assumed(bundled: Taxonomy, corpus: Sample) -> None:
    layout = layout_of(bundled, {})
    asked = asked_by(layout, bundled, corpus, screens=False)
    taken = total(run(setup_of(bundled, {}, counts=False), corpus.traces, screens=False))

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

    holds(found.requests, taken.requests, near=0.001)
    holds(found.prompt_tokens, taken.prompt_tokens, near=0.03)
    holds(found.completion_tokens, taken.completion_tokens, near=0.1)
    assert width(found.prompt_tokens) < width(plain.prompt_tokens)
    assert width(found.completion_tokens) < width(plain.completion_tokens)
    assert dear.requests.expected == pytest.approx(1.5 * found.requests.expected, rel=0.01)
    assert dear.prompt_tokens.expected == pytest.approx(2 * found.prompt_tokens.expected, rel=0.01)
    assert dear.completion_tokens.expected == pytest.approx(
        3 * found.completion_tokens.expected, rel=0.01
    )
    assert dear.cached_share.expected == 0
    assert dear.cached_share.high > 0


def test_a_server_that_counts_no_tokens_leaves_what_is_assumed_of_them(
    bundled: Taxonomy, corpus: Sample
) -> None:
    layout = layout_of(bundled, {})
    asked = asked_by(layout, bundled, corpus, screens=False)
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
