"""A job with a language model asks nothing twice, whatever it is run again for."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llm_jobs import (
    ELEMENTS,
    GROUPS,
    annotate,
    asked_by,
    cases,
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
from loopback import answer, status, wait, wrong_schema

from cogtrace.annotator.job import JobReader
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

        asked = asked_by(server, lambda: annotate(source, out, server, "--retry"))
    assert asked == [(4, GROUPS[2])]
    assert same(out, expected)


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
            len(asked_by(server, lambda: annotate(source, out, server, "--taxonomy", path)))
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

        asked = asked_by(
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
        asked = asked_by(server, lambda: annotate(source, out, server, *job, "--update"))
        assert asked == ALL

        # What was asked under the first settings is still known.
        assert not asked_by(
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
        assert not asked_by(server, lambda: annotate(source, out, server, *speed, how))
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

        assert not asked_by(
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
        asked = asked_by(
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
