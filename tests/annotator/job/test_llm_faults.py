"""A job comes through what servers do: complete, or with what failed set aside by reason."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from llm_jobs import (
    GROUPS,
    annotate,
    cases,
    ids,
    judging,
    questions,
    same,
    sound,
    undisturbed,
    when,
    whole,
)
from loopback import (
    Behaviour,
    LoopbackServer,
    Seen,
    answer,
    blanks,
    cut,
    hang,
    raw,
    status,
    truncated,
    wrong_schema,
)

from cogtrace.annotator.job import JobReader

pytestmark = pytest.mark.slow

Write = Callable[..., Path]
COUNT = 16
IDS = [row["id"] for row in cases(COUNT)]
ASKED = COUNT * len(GROUPS)
# Parts of a few traces, so that faults meet their borders too.
PARTS = ("--part-traces", 6, "--concurrency", 24)
LATER = {"Retry-After": "0.2"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "traces.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in cases(COUNT)))
    return path


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a job without faults ends with."""
    out = undisturbed(source, tmp_path_factory.mktemp("whole") / "out", *PARTS)
    whole(out, IDS)
    sound(out)
    return out


def _quarantine(out: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the elements in quarantine by trace and reason; none stands for the whole trace."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in JobReader(out).quarantined():
        key = (row.trace_id or "", row.reason)
        found[key] = found.get(key, ()) + (row.elements or ())
    return found


@pytest.mark.parametrize(
    ("fault", "options", "repaired"),
    [
        pytest.param(status(500), [], False, id="500"),
        pytest.param(status(429, headers=LATER), [], False, id="429 with Retry-After"),
        pytest.param(hang(), ["--timeout", 1], False, id="hangs", marks=pytest.mark.slow),
        pytest.param(cut(0.7), [], False, id="cut in its answer"),
        pytest.param(cut(0), [], False, id="cut before its answer"),
        pytest.param(truncated(), [], False, id="half of the response"),
        pytest.param(raw(b"<html>busy</html>"), [], False, id="a page instead of JSON"),
        pytest.param(answer('{"self-aware'), [], True, id="half of the answer"),
        pytest.param(wrong_schema(), [], True, id="an answer for another schema"),
        pytest.param(blanks(), [], True, id="blanks without end"),
    ],
)
def test_a_fault_that_passes_leaves_no_mark(
    source: Path,
    expected: Path,
    tmp_path: Path,
    fault: Behaviour,
    options: list[object],
    repaired: bool,
) -> None:
    out = tmp_path / "out"
    with judging() as server:
        # All that are in flight at first, and a third of the others, meet it once.
        server.decide = when(
            lambda case, asked, tries: (
                fault if tries == 0 and (case % 3 == 0 or len(server.chats) < 10) else None
            )
        )
        done = annotate(source, out, server, *PARTS, *options)

        assert done.code == 0, done.err
        assert len(questions(server)) > len(set(questions(server))) == ASKED
    whole(out, IDS)
    sound(out)
    assert same(out, expected, but=("tally",) if repaired else ())
    tally = JobReader(out).manifest.tally
    assert (tally.get("repairs", 0) > 0) is repaired


@pytest.mark.parametrize(
    ("fault", "reason", "options", "kept"),
    [
        pytest.param(status(500), "engine-server-error", ["--retries", 0], False, id="500"),
        pytest.param(status(429), "engine-overloaded", ["--retries", 0], False, id="429"),
        pytest.param(
            hang(),
            "engine-timeout",
            ["--retries", 0, "--timeout", 0.5],
            False,
            id="hangs",
            marks=pytest.mark.slow,
        ),
        pytest.param(cut(), "engine-unreachable", ["--retries", 0], False, id="cut"),
        pytest.param(truncated(), "engine-bad-answer", ["--retries", 0], False, id="half"),
        pytest.param(status(400), "request-rejected", [], False, id="400"),
        pytest.param(wrong_schema(), "schema-broken", [], True, id="another schema"),
        pytest.param(answer('{"verif'), "not-json", [], True, id="half of the answer"),
        pytest.param(blanks(), "blank", [], True, id="blanks without end"),
    ],
)
def test_a_fault_that_stays_sets_aside_just_what_it_touches_until_a_retry_gets_it(
    source: Path,
    expected: Path,
    tmp_path: Path,
    fault: Behaviour,
    reason: str,
    options: list[object],
    kept: bool,
) -> None:
    out, group = tmp_path / "out", GROUPS[1]
    job = (*PARTS, *options)
    with judging() as server:
        # One question about some traces, and for one trace all of them.
        server.decide = when(
            lambda case, asked, tries: (
                fault if (case % 6 == 1 and asked == group) or case == 8 else None
            )
        )
        done = annotate(source, out, server, *job)

        assert done.code == 1, done.err
        assert done.says(f" answers: {reason}, first at {source}:", f"quarantined 1 {reason}")
        lost = {(f"t{n}", reason): group for n in (1, 7, 13)} | {("t8", reason): ()}
        assert _quarantine(out) == lost
        whole(out, IDS)
        sound(out)

        server.requests.clear()
        again = annotate(source, out, server, *job, "--update")
        assert (again.code, bool(questions(server))) == (1, not kept), again.err
        assert _quarantine(out) == lost

        server.decide = None
        server.requests.clear()
        retried = annotate(source, out, server, *job, "--retry")
        assert retried.code == 0, retried.err
        touched = [(n, group) for n in (1, 7, 13)] + [(8, asked) for asked in GROUPS]
        assert sorted(questions(server)) == sorted(touched)
    whole(out, IDS)
    sound(out)
    assert same(out, expected)


def test_what_failed_is_allowed_to_be_missing_where_the_user_says_so(
    source: Path, tmp_path: Path
) -> None:
    with judging() as server:
        server.decide = when(lambda case, asked, tries: wrong_schema() if case == 3 else None)
        done = annotate(source, tmp_path / "out", server, "--allow-quarantine")

    assert done.code == 0, done.err
    assert ids(tmp_path / "out").count("t3") == 0
    whole(tmp_path / "out", IDS)


def test_a_mix_of_all_faults_at_random_costs_nothing_but_time(
    source: Path, expected: Path, tmp_path: Path
) -> None:
    faults = [status(500), status(503), cut(), cut(0), truncated(), wrong_schema(), blanks()]
    with judging() as server:
        server.decide = when(
            lambda case, asked, tries: (
                faults[(case + len(asked[0])) % len(faults)] if tries == 0 and case % 2 else None
            )
        )
        done = annotate(source, tmp_path / "out", server, *PARTS)

    assert done.code == 0, done.err
    whole(tmp_path / "out", IDS)
    assert same(tmp_path / "out", expected, but=("tally",))


def _fails_after(server: LoopbackServer, count: int, fault: Behaviour) -> None:
    server.decide = when(
        lambda case, asked, tries: fault if len(questions(server)) > count else None
    )


def _goes_down_after(server: LoopbackServer, count: int) -> None:
    """Take the server down once it has seen so many requests."""
    ends: list[asyncio.Task[None]] = []

    def decide(seen: Seen) -> Behaviour | None:
        if len(server.chats) <= count:
            return None
        if not ends:
            ends.append(asyncio.get_running_loop().create_task(server.close()))
        return hang()

    server.decide = decide


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(status(500, "out of memory"), "out of memory", id="500"),
        pytest.param(status(401, "key revoked"), "key", id="401"),
        pytest.param(status(429, "quota used up"), "quota used up", id="429"),
        pytest.param(status(404, "no such model"), "no such model", id="404"),
        pytest.param(cut(0), "connection", id="cut"),
        pytest.param(hang(), "no answer in 0.5 seconds", id="hangs", marks=pytest.mark.slow),
        pytest.param(None, "connection", id="gone"),
    ],
)
def test_a_server_that_fails_at_everything_stops_the_job_which_goes_on_when_it_is_back(
    source: Path, expected: Path, tmp_path: Path, fault: Behaviour | None, says: str
) -> None:
    out = tmp_path / "out"
    # One part: what fails before the engine is known to be gone is not set aside.
    job = ("--concurrency", 8, "--retries", 1, "--timeout", 0.5)
    with judging() as server:
        if fault is None:
            _goes_down_after(server, 20)
        else:
            _fails_after(server, 20, fault)
        done = annotate(source, out, server, *job)

        assert done.code == 3, done.err
        assert done.says("requests in a row failed", says, "--resume")
        manifest = JobReader(out).manifest
        assert manifest.status == "interrupted"
        assert "requests in a row failed" in (manifest.stopped or "")
        assert says in (manifest.stopped or "")
        sound(out, "interrupted")
        assert _quarantine(out) == {}
        answered = set(_answered(out))

        if fault is None:
            server.up()
        server.decide = None
        server.requests.clear()
        again = annotate(source, out, server, *job, "--resume")

        assert again.code == 0, again.err
        assert len(questions(server)) == ASKED - len(answered)
    whole(out, IDS)
    sound(out)
    assert same(out, expected)


def _answered(out: Path) -> list[bytes]:
    """Return the keys of the answers that a job keeps."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(out / "answers.sqlite")) as base:
        return [key for (key,) in base.execute("SELECT key FROM units")]


@pytest.mark.slow
def test_a_server_that_is_gone_for_ten_seconds_costs_ten_seconds_and_nothing_else(
    source: Path, expected: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with judging() as server:
        _goes_down_after(server, 20)

        def return_well() -> None:
            server.decide = None
            server.up()

        back = threading.Timer(11.0, return_well)
        back.start()
        # A connection made at the very moment the server goes may hang instead of breaking.
        done = annotate(source, out, server, *PARTS, "--timeout", 3)
        back.join()

        assert done.code == 0, done.err
        assert Counter(questions(server)).most_common(1)[0][1] <= 2
    whole(out, IDS)
    sound(out)
    assert same(out, expected)
