"""Jobs with a language model, as they are promised: asked once, updated, bounded, sampled."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llm_jobs import (
    ELEMENTS,
    GROUPS,
    Done,
    annotate,
    cases,
    cogtrace_here,
    command,
    ids,
    judge,
    judging,
    questions,
    same,
    snapshot,
    sound,
    undisturbed,
    when,
    whole,
)
from loopback import LoopbackServer, answer, status, wait, wrong_schema

from cogtrace.annotator.job import JobReader
from cogtrace.annotator.screened import savings
from cogtrace.schemas import check
from cogtrace.taxonomy import load_taxonomy

Run = Callable[..., subprocess.CompletedProcess[str]]
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


def _asked_by(server: LoopbackServer, run: Callable[[], Done]) -> list[Any]:
    """Return the questions of a run that ends well, in no order of their own."""
    server.requests.clear()
    done = run()
    assert done.code == 0, done.err
    return sorted(questions(server))


# --- Nothing is asked twice -----------------------------------------------------------


def test_a_job_by_the_installed_program_asks_each_question_once_and_says_what_it_took(
    cogtrace: Run, source: Path, expected: Path, tmp_path: Path
) -> None:
    with judging() as server:
        done = cogtrace(*command(source, tmp_path / "out", server))

        assert done.returncode == 0, done.stderr
        assert sorted(questions(server)) == ALL
        assert len(server.chats) == ASKED + 1, "the questions and the canary"
    assert f"{ASKED} requests, " in done.stderr
    usage = JobReader(tmp_path / "out").manifest.usage
    assert usage is not None
    assert usage.requests == ASKED
    whole(tmp_path / "out", IDS)
    assert same(tmp_path / "out", expected)
    verified = cogtrace("verify", tmp_path / "out")
    assert verified.returncode == 0, verified.stdout


@pytest.mark.parametrize("again", ["--resume", "--update", "--retry"])
def test_a_finished_job_sends_nothing_but_the_canary_when_it_is_run_again(
    source: Path, expected: Path, tmp_path: Path, again: str
) -> None:
    out = tmp_path / "out"
    with judging() as server:
        assert annotate(source, out, server).code == 0
        before = JobReader(out).manifest.usage
        server.requests.clear()

        done = annotate(source, out, server, again)

        assert done.code == 0, done.err
        paths = Counter(seen.path for seen in server.requests)
        assert paths["/v1/chat/completions"] == 1
        assert questions(server) == []
    assert JobReader(out).manifest.usage == before
    assert same(out, expected)


def test_traces_with_the_same_text_are_asked_about_once(tmp_path: Path) -> None:
    path = tmp_path / "twins.jsonl"
    rows = [row | {"id": f"{row['id']}-{copy}"} for row in cases(6) for copy in "ab"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with judging() as server:
        server.always = wait(0.05, answer(judge))
        # Twins in one part, and in different ones.
        done = annotate(path, tmp_path / "out", server, "--part-traces", 5)

        assert done.code == 0, done.err
        assert sorted(questions(server)) == [(n, group) for n in range(6) for group in GROUPS]
    whole(tmp_path / "out", [row["id"] for row in rows])
    sound(tmp_path / "out")
    found = {trace.trace_id: a.elements for trace, a in JobReader(tmp_path / "out").pairs()}
    assert all(found[f"t{n}-a"] == found[f"t{n}-b"] for n in range(6))


# --- Changed settings -----------------------------------------------------------------


@pytest.fixture
def taxonomy(tmp_path: Path) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(load_taxonomy())
    (tmp_path / "taxonomy.json").write_text(json.dumps(found))
    return found


def test_an_update_for_a_changed_definition_asks_again_only_the_question_it_is_in(
    source: Path, tmp_path: Path, taxonomy: dict[str, Any]
) -> None:
    out, path = tmp_path / "out", tmp_path / "taxonomy.json"
    with judging() as server:
        assert (
            len(_asked_by(server, lambda: annotate(source, out, server, "--taxonomy", path)))
            == ASKED
        )
        (changed,) = [e for e in taxonomy["elements"] if e["id"] == "evaluation"]
        changed["definition"] += " Written in other words."
        path.write_text(json.dumps(taxonomy))
        before = snapshot(out)

        refused = annotate(source, out, server, "--taxonomy", path, "--resume")

        assert refused.code == 2, refused.err
        assert refused.says("taxonomy", "--update")
        assert snapshot(out) == before

        asked = _asked_by(
            server, lambda: annotate(source, out, server, "--taxonomy", path, "--update")
        )
    assert asked == [(n, GROUPS[1]) for n in range(COUNT)]
    whole(out, IDS)
    sound(out)
    assert JobReader(out).taxonomy().element("evaluation").definition.endswith("other words.")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(["--model", "other"], id="model"),
        pytest.param(["--evidence", 2], id="evidence"),
        pytest.param(["--engine-arg", "top_p=0.5"], id="engine argument"),
        pytest.param(["--temperature", 0.5], id="temperature"),
    ],
)
def test_an_update_for_a_change_that_touches_all_answers_asks_all_again(
    source: Path, tmp_path: Path, change: list[object]
) -> None:
    out = tmp_path / "out"
    with judging(models=("tiny", "other")) as server:
        assert annotate(source, out, server, "--model", "tiny").code == 0
        before = snapshot(out)
        job = ("--model", "tiny", *change)

        refused = annotate(source, out, server, *job, "--resume")

        assert refused.code == 2, refused.err
        assert refused.says("begun with annotator", "--update")
        assert snapshot(out) == before
        asked = _asked_by(server, lambda: annotate(source, out, server, *job, "--update"))
        assert asked == ALL

        # What was asked under the first settings is still known.
        assert not _asked_by(
            server, lambda: annotate(source, out, server, "--model", "tiny", "--update")
        )
    whole(out, IDS)
    sound(out)


@pytest.mark.parametrize("how", ["--resume", "--update"])
def test_speed_and_address_may_change_and_nothing_is_asked_again(
    source: Path, expected: Path, tmp_path: Path, how: str
) -> None:
    out = tmp_path / "out"
    with judging() as server:
        assert annotate(source, out, server, "--concurrency", 4).code == 0
    with judging() as server:
        speed = ("--concurrency", 32, "--timeout", 9, "--retries", 1, "--part-traces", 3)
        assert not _asked_by(server, lambda: annotate(source, out, server, *speed, how))
    assert same(out, expected)


def test_a_changed_order_is_refused_without_an_update(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with judging() as server:
        assert annotate(source, out, server).code == 0
        before = snapshot(out)
        for change in (["--seed", 1], ["--order", "input"]):
            refused = annotate(source, out, server, *change, "--resume")
            assert refused.code == 2, refused.err
            assert refused.says("begun with order", "--update")
        assert snapshot(out) == before

        assert not _asked_by(
            server, lambda: annotate(source, out, server, "--order", "input", "--update")
        )
    assert ids(out) == IDS


def test_fewer_elements_ask_only_the_questions_that_they_make_smaller(
    source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with judging() as server:
        assert annotate(source, out, server).code == 0
        fewer = (*ELEMENTS[:3], *ELEMENTS[4:])
        asked = _asked_by(
            server,
            lambda: annotate(source, out, server, "--elements", ",".join(fewer), "--update"),
        )
    # The system part names the elements that are asked about, so all questions are others.
    assert {group for _, group in asked} == {GROUPS[0], ELEMENTS[2:3], GROUPS[2]}
    whole(out, IDS, fewer)
    sound(out)


def test_an_update_whose_server_is_not_there_leaves_the_job_as_it_was(
    source: Path, expected: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with judging() as server:
        assert annotate(source, out, server).code == 0
        server.decide = lambda seen: status(401, "key revoked")

        assert annotate(source, out, server, "--update", "--evidence", 1).code == 2
    sound(out)
    assert same(out, expected)


# --- Budgets and samples --------------------------------------------------------------


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

        asked = _asked_by(server, lambda: annotate(path, out, server, *job, 10**9, "--resume"))
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
        assert len(_asked_by(server, lambda: annotate(source, out, server, "--limit", 7))) == 21
        first = ids(out)
        assert first == ids(expected)[:7] != IDS[:7]
        assert JobReader(out).manifest.rows_in_input == COUNT

        asked = _asked_by(server, lambda: annotate(source, out, server, "--limit", 14, "--resume"))
        assert len(asked) == 21
        assert ids(out) == ids(expected)[:14]
        sound(out)

        others = tmp_path / "others"
        assert annotate(source, others, server, "--limit", 7, "--seed", 5).code == 0
        assert set(ids(others)) != set(first)

        assert len(_asked_by(server, lambda: annotate(source, out, server, "--resume"))) == 18
    assert same(out, expected)


# --- Hybrid ---------------------------------------------------------------------------


def test_a_hybrid_job_asks_what_cues_leave_open_and_says_what_that_saved_and_may_have_missed(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    job = ("annotate", "@sample", "--annotator", "hybrid", "--engine", "scripted", "--audit", 0.2)
    random = ("--engine-arg", "fill=random")

    done = cogtrace_here(*job, *random, "--out", out, "--allow-quarantine")

    assert done.code == 0, done.err
    manifest = JobReader(out).manifest
    assert manifest.annotator.name == "hybrid"
    found = savings(manifest.tally)
    assert found is not None
    assert 0 < found.shown < found.audited < found.ruled_out
    pairs = manifest.counts.traces * len(manifest.elements)
    assert done.says(
        f"cues ruled out {found.ruled_out:,} of {pairs:,} pairs",
        f"of {found.audited} audited {found.shown} were shown",
        "of the ruled-out pairs missed (95 %)",
    )
    entries = [(e, a.trace_id) for _, a in JobReader(out).pairs() for e in a.elements]
    plain = [e for e, _ in entries if e.explanation == "ruled out by cues; not asked"]
    assert len(plain) == found.ruled_out - found.audited
    assert all(e.score == 0 and not e.spans for e in plain)
    verified = cogtrace_here("verify", out)
    assert verified.code == 0, verified.out
    rows = [trace.trace_id for trace, _ in JobReader(out).pairs()]
    whole(out, rows, manifest.elements)

    more = cogtrace_here(*job[:-1], 0.6, *random, "--out", out, "--update", "--allow-quarantine")
    assert more.code == 0, more.err
    larger = savings(JobReader(out).manifest.tally)
    assert larger is not None
    assert larger.ruled_out == found.ruled_out
    assert larger.audited > found.audited


def test_a_hybrid_job_that_is_stopped_and_resumed_equals_one_that_was_not(tmp_path: Path) -> None:
    job = ("annotate", "@sample", "--annotator", "hybrid", "--engine", "scripted")
    assert cogtrace_here(*job, "--out", tmp_path / "whole").code == 0
    usage = JobReader(tmp_path / "whole").manifest.usage
    assert usage is not None
    budget = (usage.prompt_tokens + usage.completion_tokens) // 2

    cut = (*job, "--out", tmp_path / "cut", "--concurrency", 4, "--part-traces", 5)
    stopped = cogtrace_here(*cut, "--max-tokens-total", budget)
    assert stopped.code == 3, stopped.err
    again = cogtrace_here(*cut, "--resume")

    assert again.code == 0, again.err
    assert same(tmp_path / "cut", tmp_path / "whole")
    sound(tmp_path / "cut")


# --- What is written down -------------------------------------------------------------


def test_manifests_fit_their_schema_and_no_file_of_a_job_holds_a_secret(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, key, password = tmp_path / "out", "sk-secret-0123456789", "hunter2-password"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with judging(key=key) as server:
        # A server that repeats the key in what it refuses, and one that fails on the way.
        server.decide = when(
            lambda case, asked, tries: (
                status(400, f"bad request by {key}") if case in (2, 3) else None
            )
        )
        stopped = annotate(source, out, server, "--max-tokens-total", 9_000, "--concurrency", 4)
        manifest = json.loads((out / "manifest.json").read_bytes())
        check("manifest", manifest)
        assert (stopped.code, manifest["status"]) == (3, "interrupted"), stopped.err
        assert "--max-tokens-total" in manifest["stopped"]

        done = annotate(source, out, server, "--resume")
        assert done.code == 1, done.err
        check("manifest", json.loads((out / "manifest.json").read_bytes()))
        for line in (out / "quarantine.jsonl").read_text().splitlines():
            check("quarantine", json.loads(line))
            assert "bad request by [key]" in line

    url = server.base_url.replace("//", f"//joe:{password}@")
    refused = annotate(source, tmp_path / "other", url)
    assert refused.code == 2, refused.err
    said = stopped.err + done.err + refused.err
    assert key not in said
    assert password not in said
    held = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(held) > 6
    assert not any(secret.encode() in content for content in held for secret in (key, password))


def test_a_password_in_the_address_of_a_server_reaches_it_and_nothing_else(
    source: Path, tmp_path: Path, cogtrace: Run
) -> None:
    out, password = tmp_path / "out", "hunter2-password"
    environment = {n: v for n, v in os.environ.items() if not n.endswith("_API_KEY")}
    with judging() as server:
        url = server.base_url.replace("//", f"//joe:{password}@")
        done = cogtrace(*command(source, out, url), env=environment)

        assert done.returncode == 0, done.stderr
        assert server.chats[0].headers["authorization"].startswith("Basic ")
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["options"]["base_url"] == server.base_url
    held = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    assert not any(password.encode() in content for content in held)
    assert password not in done.stderr


def test_what_failed_by_a_wrong_answer_is_kept_out_of_the_tables_until_retried_alone(
    source: Path, expected: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with judging() as server:
        server.decide = when(
            lambda case, asked, tries: wrong_schema() if (case, asked) == (4, GROUPS[2]) else None
        )
        assert annotate(source, out, server).code == 1
        assert JobReader(out).manifest.counts.unanswered > 0
        server.decide = None

        asked = _asked_by(server, lambda: annotate(source, out, server, "--retry"))
    assert asked == [(4, GROUPS[2])]
    assert same(out, expected)
