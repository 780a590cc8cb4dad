"""Pauses, wishes of servers, and when to stop trying."""

from __future__ import annotations

import asyncio
import email.utils
import time

import pytest

from cogtrace.engines import Failure
from cogtrace.engines.base import FailureKind
from cogtrace.engines.retrying import Breaker, Hold, RetryPolicy, retry_after

LOST = Failure(kind="unreachable", message="nobody there")


def test_pauses_double_up_to_a_bound_and_half_of_each_is_random() -> None:
    policy = RetryPolicy(first=1.0, longest=10.0)
    for attempt, whole in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 10.0), (5_000, 10.0)]:
        pauses = {policy.pause(attempt) for _ in range(200)}
        assert min(pauses) >= whole / 2
        assert max(pauses) <= whole
        assert max(pauses) - min(pauses) > whole / 4


def test_all_pauses_together_outlast_twenty_seconds_at_their_shortest() -> None:
    policy = RetryPolicy()
    shortest = sum(
        min(policy.longest, policy.first * 2**number) / 2 for number in range(policy.retries)
    )
    assert shortest > 30


@pytest.mark.parametrize(
    ("kind", "attempt", "again"),
    [
        ("server-error", 1, True),
        ("server-error", 3, True),
        ("server-error", 4, False),
        ("bad-answer", 1, True),
        ("bad-answer", 2, False),
        ("rejected", 1, False),
        ("too-long", 1, False),
    ],
)
def test_what_is_tried_again_depends_on_the_failure(
    kind: FailureKind, attempt: int, again: bool
) -> None:
    policy = RetryPolicy(retries=3, bad_answers=1)
    assert policy.again(Failure(kind=kind, message=""), attempt) is again


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, float("inf")),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "?", "retry-after": "1"}, 1.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_a_wish_to_wait_is_read_in_all_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds


def test_a_wish_to_wait_until_a_date_is_counted_from_now() -> None:
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    wish = retry_after({"retry-after": date})
    assert wish is not None
    assert 27 < wish <= 30


def test_a_hold_lasts_as_long_as_the_longest_wish() -> None:
    hold = Hold()
    assert hold.left == 0
    hold.extend(5)
    hold.extend(1)
    assert 4 < hold.left <= 5


def test_twenty_failures_in_a_row_are_trouble_and_one_success_begins_anew() -> None:
    breaker = Breaker(concurrency=64)
    for _ in range(19):
        breaker.failed(LOST, refused=False)
    breaker.succeeded()
    for _ in range(19):
        breaker.failed(LOST, refused=False)
    assert breaker.trouble is None
    breaker.failed(LOST, refused=False)
    assert breaker.trouble is not None
    assert "nobody there" in breaker.trouble
    assert breaker.failure().kind == "unreachable"
    breaker.succeeded()
    assert breaker.trouble is not None


def test_refusals_of_single_requests_must_be_many() -> None:
    assert Breaker(concurrency=8).limit(refused=True) == 100
    assert Breaker(concurrency=256).limit(refused=True) == 768


def test_a_pause_ends_when_trouble_begins() -> None:
    async def run() -> float:
        breaker = Breaker(concurrency=1)
        begun = time.monotonic()
        sleeper = asyncio.create_task(breaker.pause(60))
        await asyncio.sleep(0)
        for _ in range(20):
            breaker.failed(LOST, refused=False)
        await sleeper
        return time.monotonic() - begun

    assert asyncio.run(run()) < 5


def test_a_pause_without_trouble_lasts() -> None:
    begun = time.monotonic()
    asyncio.run(Breaker(concurrency=1).pause(0.1))
    assert time.monotonic() - begun >= 0.099
