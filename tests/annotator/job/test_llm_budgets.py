"""Budgets stop a job with a language model cleanly; what is done then is a random sample."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from llm_jobs import (
    GROUPS,
    annotate,
    asked_by,
    cases,
    cogtrace_here,
    ids,
    judge,
    judging,
    questions,
    same,
    sound,
    undisturbed,
    when,
    whole,
)
from loopback import answer, wait

from cogtrace.annotator.job import JobReader

COUNT = 20
IDS = [row["id"] for row in cases(COUNT)]
ASKED = COUNT * len(GROUPS)
ALL = sorted((n, group) for n in range(COUNT) for group in GROUPS)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "traces.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in cases(COUNT)))
    return path


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return undisturbed(source, tmp_path_factory.mktemp("whole") / "out")


def _tokens(out: Path) -> int:
    usage = JobReader(out).manifest.usage
    assert usage is not None
    return usage.prompt_tokens + usage.completion_tokens


def test_a_budget_of_tokens_stops_the_job_over_all_its_runs_and_a_higher_one_ends_it(
    source: Path, expected: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    budget = _tokens(expected) // 2
    job = ("--concurrency", 4, "--part-traces", 6, "--max-tokens-total")
    with judging() as server:
        done = annotate(source, out, server, *job, budget)

        assert done.code == 3, done.err
        assert done.says(f"--max-tokens-total {budget:,} reached", "--resume")
        manifest = JobReader(out).manifest
        assert manifest.stopped == f"--max-tokens-total {budget:,} reached"
        assert (manifest.order.kind, manifest.order.seed) == ("random", 0)
        assert manifest.rows_in_input == COUNT
        # Two requests' worth of tokens is room enough for those in flight.
        assert 0.8 * budget < _tokens(out) < 1.1 * budget
        sound(out, "interrupted")
        done_first = ids(out)
        assert 4 < len(done_first) < COUNT
        whole(out, done_first)
        assert done_first == ids(expected)[: len(done_first)]
        assert done_first != IDS[: len(done_first)], "in order of the input"

        server.requests.clear()
        again = annotate(source, out, server, *job, budget, "--resume")
        assert again.code == 3, again.err
        assert questions(server) == []
        assert ids(out)[: len(done_first)] == done_first

        shown = cogtrace_here("status", out)
        assert shown.code == 3
        assert "random sample of the input (seed 0)" in shown.out

        server.requests.clear()
        higher = annotate(source, out, server, *job, 10 * budget, "--resume")
        assert higher.code == 0, higher.err
        usage = JobReader(out).manifest.usage
        assert usage is not None
        assert usage.requests == ASKED, "over all runs"
    whole(out, IDS)
    sound(out)
    assert same(out, expected)


def test_a_budget_of_money_stops_the_job_too_and_says_what_was_spent(
    source: Path, expected: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    prices = ("--price-in", 1, "--price-out", 2, "--concurrency", 4)
    with judging() as server:
        done = annotate(source, out, server, *prices, "--max-cost", _tokens(expected) / 2e6)
        assert done.code == 3, done.err
        assert done.says("--max-cost", "reached", "--resume")
        sound(out, "interrupted")

        again = annotate(source, out, server, *prices, "--resume")
        assert again.code == 0, again.err
        assert again.says("; cost 0.")
    assert same(out, expected)


def test_what_is_in_flight_when_a_budget_is_spent_is_kept_also_of_another_part(
    tmp_path: Path,
) -> None:
    path, out = tmp_path / "four.jsonl", tmp_path / "out"
    path.write_text("".join(json.dumps(row) + "\n" for row in cases(4)))
    job = ("--part-traces", 2, "--order", "input", "--concurrency", 16, "--max-tokens-total")
    dear = answer("{}", usage={"prompt_tokens": 1_000_000, "completion_tokens": 1})
    with judging() as server:
        # The first part stops for an answer that spends the budget and is of no use; by
        # then the first question about each trace of the second part is in flight.
        server.decide = when(
            lambda case, asked, tries: (
                wait(0.8, answer(judge))
                if case > 1
                else wait(0.3, dear)
                if (case, asked, tries) == (0, GROUPS[0], 0)
                else None
            )
        )
        stopped = annotate(path, out, server, *job, 500_000)
        assert stopped.code == 3, stopped.err
        before = sorted(questions(server))
        assert before == [ALL[0], *ALL[3:6], ALL[6], ALL[9]]
        sound(out, "interrupted")

        asked = asked_by(server, lambda: annotate(path, out, server, *job, 10**9, "--resume"))
    assert asked == sorted([ALL[0], *set(ALL[:12]).difference(before)])
    sound(out)


def test_a_budget_of_time_counts_for_one_run(source: Path, expected: Path, tmp_path: Path) -> None:
    out, runs = tmp_path / "out", 0
    job = ("--concurrency", 4, "--max-minutes", 0.01)
    with judging() as server:
        server.always = wait(0.06, answer(judge))
        while (done := annotate(source, out, server, *job, "--resume")).code == 3:
            runs += 1
            assert done.says("--max-minutes 0.01 reached"), done.err
            sound(out, "interrupted")
            assert runs < 20, "no run gets on"
        assert done.code == 0, done.err
        assert runs >= 1
        assert sorted(questions(server)) == ALL, "what was in flight was asked again"
    assert same(out, expected)


def test_a_limit_takes_a_random_sample_which_a_higher_one_extends(
    source: Path, expected: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with judging() as server:
        assert len(asked_by(server, lambda: annotate(source, out, server, "--limit", 7))) == 21
        first = ids(out)
        assert first == ids(expected)[:7] != IDS[:7]
        assert JobReader(out).manifest.rows_in_input == COUNT

        asked = asked_by(server, lambda: annotate(source, out, server, "--limit", 14, "--resume"))
        assert len(asked) == 21
        assert ids(out) == ids(expected)[:14]
        sound(out)

        others = tmp_path / "others"
        assert annotate(source, others, server, "--limit", 7, "--seed", 5).code == 0
        assert set(ids(others)) != set(first)

        assert len(asked_by(server, lambda: annotate(source, out, server, "--resume"))) == 18
    assert same(out, expected)
