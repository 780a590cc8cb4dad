"""Coroutines for callers in other threads: none is forgotten when the loop closes."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from cogtrace.errors import Stopped
from cogtrace.jobs.loop import LoopThread


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    with closing(LoopThread()) as opened:
        yield opened


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def _for_ever(started: threading.Event) -> None:
    started.set()
    await asyncio.Event().wait()


def test_a_coroutine_gives_its_result_or_its_error(loop: LoopThread) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("its own")

    assert loop.run(_double(4)) == 8
    with pytest.raises(ZeroDivisionError, match="its own"):
        loop.run(fail())
    assert loop.run(_double(5)) == 10


def test_coroutines_of_several_threads_wait_for_each_other_in_one_loop(loop: LoopThread) -> None:
    async def meet(mine: int) -> None:
        there[mine].set()
        await asyncio.wait_for(there[1 - mine].wait(), 10)
        met.append(mine)

    met: list[int] = []
    there = [asyncio.Event(), asyncio.Event()]
    threads = [threading.Thread(target=lambda n=n: loop.run(meet(n))) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(met) == [0, 1]


def test_closing_ends_what_still_runs_and_its_caller_is_told() -> None:
    loop = LoopThread()
    reasons: list[str] = []
    started = threading.Event()

    def wait() -> None:
        try:
            loop.run(_for_ever(started))
        except Stopped as stop:
            reasons.append(stop.reason)

    thread = threading.Thread(target=wait)
    thread.start()
    assert started.wait(10)
    loop.close()
    thread.join(timeout=10)

    assert reasons == ["closed"]
    assert not thread.is_alive()


def test_what_a_coroutine_does_at_its_end_is_done_before_the_loop_is_closed() -> None:
    loop = LoopThread()
    started = threading.Event()
    ended: list[str] = []

    async def tidy() -> None:
        try:
            await _for_ever(started)
        finally:
            await asyncio.sleep(0.05)
            ended.append("tidied")

    def wait() -> None:
        with pytest.raises(Stopped):
            loop.run(tidy())
        ended.append("told")

    thread = threading.Thread(target=wait)
    thread.start()
    assert started.wait(10)
    loop.close()
    assert ended[:1] == ["tidied"]
    thread.join(timeout=10)
    assert ended == ["tidied", "told"]


def test_a_closed_loop_takes_nothing_and_leaves_no_coroutine_waiting() -> None:
    loop = LoopThread()
    loop.close()
    loop.close()
    with pytest.raises(Stopped, match="closed"):
        loop.run(_double(1))
    gc.collect()  # a coroutine that was never awaited would warn, which is an error here


def test_no_caller_waits_for_ever_however_its_call_and_the_closing_meet() -> None:
    draw = random.Random(3)
    for _ in range(60):
        loop = LoopThread()
        outcomes: list[str] = []

        def call(loop: LoopThread = loop, outcomes: list[str] = outcomes) -> None:
            try:
                while True:
                    assert loop.run(_double(3)) == 6
            except Stopped as stop:
                outcomes.append(stop.reason)

        threads = [threading.Thread(target=call, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(draw.uniform(0, 0.005))
        loop.close()
        for thread in threads:
            thread.join(timeout=10)
        assert outcomes == ["closed"] * 3


def test_two_threads_may_close_at_once() -> None:
    loop = LoopThread()
    threads = [threading.Thread(target=loop.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert not any(thread.is_alive() for thread in threads)
    assert loop.closed


def test_a_call_half_handed_over_when_the_closing_begins_is_ended_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = LoopThread()
    closing_thread = threading.Thread(target=loop.close)
    real = asyncio.run_coroutine_threadsafe
    calls: list[str] = []

    def slow(coroutine: Any, to: asyncio.AbstractEventLoop) -> Any:
        calls.append(threading.current_thread().name)
        if len(calls) == 1:
            closing_thread.start()
            time.sleep(0.3)
        return real(coroutine, to)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", slow)
    with pytest.raises(Stopped, match="closed"):
        loop.run(_for_ever(threading.Event()))
    closing_thread.join(timeout=10)

    assert not closing_thread.is_alive()
