"""Records go into the table and come out of it as they were."""

from __future__ import annotations

import io

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.engines import Message
from cogtrace.plugins.guidance import Sampling
from cogtrace.plugins.job.tables import RUN_COLUMNS, parquet, run_frame, runs_of
from cogtrace.plugins.pipeline.records import (
    AskedBack,
    Call,
    CandidateRecord,
    ChoiceRecord,
    GuidanceRun,
    ModelRef,
    PlacedScaffold,
    PlanStep,
    RunError,
    VerdictRecord,
)
from cogtrace.records import Usage

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MAYBE = st.none() | TEXT
SHARE = st.none() | st.floats(0, 1)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
COUNT = st.integers(0, 2**40)
OPTIONS = st.dictionaries(TEXT, ANY, max_size=2)
USAGE = st.builds(
    Usage,
    requests=COUNT,
    prompt_tokens=COUNT,
    cached_tokens=COUNT,
    completion_tokens=COUNT,
    seconds=st.floats(0, 1e6),
)
MESSAGES = st.lists(
    st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=TEXT),
    max_size=2,
).map(tuple)
RUNS = st.builds(
    GuidanceRun,
    task_id=TEXT,
    question=TEXT,
    problem_type=MAYBE,
    context=MAYBE,
    outcome=st.sampled_from(["answered", "unanswered", "clarification", "failed"]),
    answer=MAYBE,
    reference_answer=MAYBE,
    correct=st.none() | st.booleans(),
    model=st.none() | st.builds(ModelRef, engine=TEXT, model=TEXT, version=MAYBE),
    sampling=st.builds(Sampling, samples=st.integers(1, 9), temperature=st.floats(0, 2)),
    plan=st.lists(
        st.builds(PlanStep, plugin=TEXT, version=TEXT, options=OPTIONS),
        max_size=2,
    ).map(tuple),
    clarification=st.none()
    | st.builds(AskedBack, plugin=TEXT, question=TEXT, answer=MAYBE, flaw=MAYBE),
    scaffolds=st.lists(
        st.builds(
            PlacedScaffold,
            plugin=TEXT,
            position=st.sampled_from(["system", "before", "after"]),
            text=TEXT,
        ),
        max_size=2,
    ).map(tuple),
    calls=st.lists(
        st.builds(
            Call,
            plugin=TEXT,
            messages=MESSAGES,
            text=TEXT,
            reasoning=MAYBE,
            usage=USAGE,
            finish_reason=MAYBE,
            failure=MAYBE,
        ),
        max_size=2,
    ).map(tuple),
    candidates=st.lists(
        st.builds(
            CandidateRecord,
            id=TEXT,
            text=TEXT,
            answer=MAYBE,
            plugin=TEXT,
            reasoning=MAYBE,
            confidence=SHARE,
            source=TEXT,
            correct=st.none() | st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    verdicts=st.lists(
        st.builds(
            VerdictRecord,
            plugin=TEXT,
            candidate=TEXT,
            verdict=st.sampled_from(["keep", "drop", "weight"]),
            weight=st.floats(0, 9),
            reason=TEXT,
        ),
        max_size=2,
    ).map(tuple),
    choice=st.none() | st.builds(ChoiceRecord, plugin=TEXT, candidate=MAYBE, reason=TEXT),
    usage_by_plugin=st.dictionaries(TEXT, USAGE, max_size=2),
    errors=st.lists(
        st.builds(RunError, plugin=TEXT, hook=TEXT, kind=st.just("raised"), message=TEXT),
        max_size=2,
    ).map(tuple),
    seconds=st.floats(0, 1e6),
    meta=st.dictionaries(TEXT, ANY, max_size=2),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(RUNS, max_size=4))
def test_whatever_a_record_holds_it_comes_back(runs: list[GuidanceRun]) -> None:
    written = parquet(run_frame(runs), {"cogtrace": "{}"})
    read = pl.read_parquet(io.BytesIO(written))

    assert dict(read.schema) == RUN_COLUMNS
    assert list(runs_of(read)) == runs
