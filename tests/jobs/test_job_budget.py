"""What a job may cost: prices, and which limit ends it."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.errors import OptionError
from cogtrace.jobs.budget import Limits, Meter, Prices
from cogtrace.records import Usage

TOKENS = st.integers(0, 10**9)
PRICE = st.floats(0, 1_000)
USAGES = st.builds(
    Usage, requests=TOKENS, prompt_tokens=TOKENS, cached_tokens=TOKENS, completion_tokens=TOKENS
)


def test_a_million_tokens_of_each_kind_cost_their_prices() -> None:
    prices = Prices(input=2.0, cached=0.5, output=8.0)
    usage = Usage(prompt_tokens=3_000_000, cached_tokens=1_000_000, completion_tokens=1_000_000)
    assert prices.cost(usage) == pytest.approx(2 * 2.0 + 0.5 + 8.0)


def test_cached_tokens_cost_as_much_as_others_unless_they_have_a_price() -> None:
    usage = Usage(prompt_tokens=1_000_000, cached_tokens=400_000)
    assert Prices(input=2.0, output=8.0).cost(usage) == pytest.approx(2.0)
    assert Prices(input=2.0, output=8.0, cached=0.0).cost(usage) == pytest.approx(1.2)


@given(USAGES, USAGES, st.builds(Prices, input=PRICE, output=PRICE, cached=st.none() | PRICE))
def test_what_has_been_paid_never_shrinks_whatever_a_server_reports(
    one: Usage, other: Usage, prices: Prices
) -> None:
    meter = Meter(Limits(), prices, one)
    before = meter.cost
    meter.add(other)

    assert before is not None
    assert meter.cost is not None
    assert before >= 0
    if other.cached_tokens <= other.prompt_tokens and one.cached_tokens <= one.prompt_tokens:
        assert before <= meter.cost * (1 + 1e-9)
    assert meter.usage.prompt_tokens == one.prompt_tokens + other.prompt_tokens


def test_the_limit_on_tokens_counts_prompts_and_answers_of_all_runs() -> None:
    meter = Meter(Limits(max_tokens_total=1_500), None, Usage(prompt_tokens=1_000))
    assert meter.exhausted() is None
    meter.add(Usage(prompt_tokens=300, completion_tokens=199))
    assert meter.exhausted() is None
    meter.add(Usage(completion_tokens=1))
    assert meter.exhausted() == "--max-tokens-total 1,500 reached"


def test_the_limit_on_the_cost_is_met_exactly() -> None:
    meter = Meter(Limits(max_cost=0.25), Prices(input=1.0, output=1.0), Usage())
    meter.add(Usage(prompt_tokens=249_999))
    assert meter.exhausted() is None
    meter.add(Usage(completion_tokens=1))
    assert meter.exhausted() == "--max-cost 0.25 reached"


def test_the_limit_on_minutes_counts_from_the_start_of_this_run() -> None:
    meter = Meter(Limits(max_minutes=0.05 / 60), None, Usage(seconds=1e6))
    assert meter.exhausted() is None
    time.sleep(0.06)
    assert meter.exhausted() == "--max-minutes 0.000833333 reached"


@pytest.mark.parametrize("limits", [Limits(max_tokens_total=0), Limits(max_minutes=0.0)])
def test_a_limit_of_nothing_allows_nothing(limits: Limits) -> None:
    assert Meter(limits, None, Usage()).exhausted() is not None


def test_without_limits_nothing_ends_a_job() -> None:
    meter = Meter(Limits(), None, Usage(prompt_tokens=2**62, completion_tokens=2**62))
    assert (meter.exhausted(), meter.cost) == (None, None)


def test_free_tokens_never_reach_a_limit_on_the_cost() -> None:
    meter = Meter(Limits(max_cost=1.0), Prices(input=0.0, output=0.0), Usage(prompt_tokens=10**12))
    assert (meter.exhausted(), meter.cost) == (None, 0.0)


def test_a_limit_on_the_cost_needs_prices() -> None:
    with pytest.raises(OptionError, match="--price-in"):
        Meter(Limits(max_cost=1.0), None, Usage())


@pytest.mark.parametrize(
    ("limits", "prices"),
    [
        (Limits(max_cost=math.nan), Prices(input=1.0, output=1.0)),
        (Limits(max_minutes=math.nan), None),
        (Limits(max_cost=1.0), Prices(input=math.nan, output=1.0)),
        (Limits(max_cost=1.0), Prices(input=1.0, output=1.0, cached=math.nan)),
    ],
)
def test_a_limit_or_price_that_nothing_would_reach_is_refused(
    limits: Limits, prices: Prices | None
) -> None:
    with pytest.raises(OptionError, match="no amount"):
        Meter(limits, prices, Usage())
