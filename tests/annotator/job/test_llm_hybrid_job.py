"""A hybrid job as a user runs it: what it asks, what it says of the rest, and resuming it."""

from __future__ import annotations

from pathlib import Path

from llm_jobs import (
    cogtrace_here,
    same,
    sound,
    whole,
)

from cogtrace.annotator.job import JobReader
from cogtrace.annotator.screened import savings


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
