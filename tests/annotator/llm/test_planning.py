"""A forecast holds: what a job takes lies within it, whatever is asked."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from asking import setup_for
from planned import asked_by, holds, layout_of, rows_of, run, setup_of, total, width

from cogtrace.annotator.llm.estimating import estimate_tokens
from cogtrace.annotator.llm.planning import Forecast, example_requests, forecast
from cogtrace.annotator.llm.sampling import Sample, draw_sample
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.corpora.sample import sample_path
from cogtrace.engines import Request
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.records import SourceRow
from cogtrace.taxonomy import Taxonomy, build_taxonomy, load_taxonomy

pytestmark = pytest.mark.slow

# A plan, and what can be done about it: options, and whether cues screen.
JOBS = [
    pytest.param({}, False, id="group"),
    pytest.param({"ask": "element"}, False, id="element"),
    pytest.param({"ask": "all"}, False, id="all"),
    pytest.param({"votes": 3}, False, id="votes"),
    pytest.param({"quotes": True, "evidence": 2}, False, id="quotes"),
    pytest.param({"shots_tokens": 0, "reason_chars": 0}, False, id="bare"),
    pytest.param({"window_tokens": 400, "max_windows": 50}, False, id="windows"),
    pytest.param({"window_tokens": 300, "max_windows": 3, "votes": 2}, False, id="few-windows"),
    pytest.param({"ask": "element"}, True, id="hybrid-element"),
    pytest.param({"ask": "group", "audit": 0.0}, True, id="hybrid-group"),
]


@pytest.fixture(scope="module")
def bundled() -> Taxonomy:
    return load_taxonomy()


@pytest.fixture(scope="module")
def rows() -> list[SourceRow]:
    return list(read_traces(open_inputs([str(sample_path())], None), {}))


@pytest.fixture(scope="module")
def corpus(rows: list[SourceRow]) -> Sample:
    """Return a dozen traces as if they were all there are."""
    return draw_sample(rows[::4], 1_000, seed=0)


@pytest.mark.parametrize(("options", "screens"), JOBS)
def test_what_a_job_takes_is_what_was_planned(
    bundled: Taxonomy, corpus: Sample, options: dict[str, Any], screens: bool
) -> None:
    layout = layout_of(bundled, options, ScriptedEngine())
    found = forecast(layout, corpus, asked_by(layout, bundled, corpus, screens=screens))

    done = run(setup_of(bundled, options, counts=True), corpus.traces, screens=screens)

    taken = total(done)
    assert found.exact
    # No answer is of no use here, so no question is put twice.
    assert found.requests.low == taken.requests
    holds(found.requests, taken.requests, near=0.03)
    holds(found.prompt_tokens, taken.prompt_tokens, near=0.04)
    holds(found.cached_share, taken.cached_tokens / taken.prompt_tokens, near=0.1)
    holds(found.completion_tokens, taken.completion_tokens, near=0.5)
    too_long = [a for a in done if a.unanswered and a.unanswered[0].reason == "too-many-windows"]
    assert found.too_long == len(too_long)


def test_random_answers_of_the_scripted_engine_are_within_the_bounds(
    bundled: Taxonomy, corpus: Sample
) -> None:
    layout = layout_of(bundled, {}, ScriptedEngine())
    found = forecast(layout, corpus, asked_by(layout, bundled, corpus, screens=False))

    setup = setup_for(lambda request: None, bundled, arguments={"fill": "random"})
    taken = total(run(setup, corpus.traces, screens=False))

    assert found.requests.low == taken.requests
    assert found.prompt_tokens.low <= taken.prompt_tokens <= found.prompt_tokens.high
    assert found.completion_tokens.low <= taken.completion_tokens <= found.completion_tokens.high


def test_the_shortest_answers_are_not_below_the_bounds(bundled: Taxonomy, corpus: Sample) -> None:
    layout = layout_of(bundled, {}, ScriptedEngine())
    found = forecast(layout, corpus, asked_by(layout, bundled, corpus, screens=False))

    taken = total(run(setup_for(lambda _: None, bundled), corpus.traces, screens=False))

    assert found.completion_tokens.low <= taken.completion_tokens


@pytest.mark.parametrize(("options", "screens"), JOBS)
def test_without_a_tokenizer_requests_are_the_same_and_tokens_within_the_bounds(
    bundled: Taxonomy, corpus: Sample, options: dict[str, Any], screens: bool
) -> None:
    layout = layout_of(bundled, options)
    found = forecast(layout, corpus, asked_by(layout, bundled, corpus, screens=screens))

    taken = total(run(setup_of(bundled, options, counts=False), corpus.traces, screens=screens))

    assert not found.exact
    assert layout.count is estimate_tokens
    holds(found.requests, taken.requests, near=0.03)
    holds(found.prompt_tokens, taken.prompt_tokens, near=0.1)
    holds(found.completion_tokens, taken.completion_tokens, near=0.5)


def test_windows_that_another_tokenizer_may_cut_widen_the_bounds(
    bundled: Taxonomy, corpus: Sample
) -> None:
    options = {"window_tokens": 400, "max_windows": 50}
    layout = layout_of(bundled, options)
    asked = asked_by(layout, bundled, corpus, screens=False)
    kept, recounted = (
        forecast(layout, corpus, asked, recounted=recounted) for recounted in (False, True)
    )
    counted = layout_of(bundled, options, ScriptedEngine())
    exact = forecast(counted, corpus, asked)

    assert kept.requests.high < recounted.requests.high
    assert recounted.requests.low < kept.requests.low
    assert recounted.requests.low <= exact.requests.low <= recounted.requests.high
    assert recounted.requests.expected == kept.requests.expected


def test_a_sample_stands_for_its_corpus_within_the_bounds(
    bundled: Taxonomy, rows: list[SourceRow]
) -> None:
    layout = layout_of(bundled, {}, ScriptedEngine())

    def of(size: int, seed: int) -> Forecast:
        drawn = draw_sample(rows, size, seed)
        return forecast(layout, drawn, asked_by(layout, bundled, drawn, screens=False))

    everything = of(1_000, 0)
    held = 0
    for seed in range(20):
        some = of(10, seed)
        held += (
            some.prompt_tokens.low <= everything.prompt_tokens.expected <= (some.prompt_tokens.high)
        )
        assert some.rows == everything.rows == len(rows)
        assert some.requests.expected == everything.requests.expected
        wide = some.prompt_tokens.high / some.prompt_tokens.low
        assert wide > everything.prompt_tokens.high / everything.prompt_tokens.low
    assert held >= 18  # two standard errors: 19 of 20 at least, on average


def test_a_limit_takes_its_share_and_widens_the_bounds(
    bundled: Taxonomy, rows: list[SourceRow]
) -> None:
    layout = layout_of(bundled, {}, ScriptedEngine())

    def of(limit: int | None) -> Forecast:
        drawn = draw_sample(rows, 1_000, 0, limit)
        return forecast(layout, drawn, asked_by(layout, bundled, drawn, screens=False))

    whole, half, same = of(None), of(len(rows) // 2), of(10 * len(rows))

    assert half.prompt_tokens.expected == pytest.approx(whole.prompt_tokens.expected / 2, abs=1)
    assert width(half.prompt_tokens) > width(whole.prompt_tokens)
    assert half.requests.low == whole.requests.low / 2
    assert same.prompt_tokens == whole.prompt_tokens


def test_copies_and_unreadable_rows_cost_nothing_and_are_counted(
    tiny_taxonomy: dict[str, Any],
) -> None:
    taxonomy = build_taxonomy(tiny_taxonomy, "tiny")
    layout = layout_of(taxonomy, {}, ScriptedEngine())
    drawn = draw_sample(rows_of("One.", "Two.", None, "One.", "One.", "Three."), 100, seed=0)

    found = forecast(layout, drawn, [layout.questions] * len(drawn.traces))

    assert (found.rows, found.unreadable, found.copies, found.sampled) == (6, 1, 2, 3)
    assert found.requests.low == 3 * len(layout.questions)


def test_any_trace_is_as_likely_in_a_sample_as_any_other() -> None:
    drawn: Counter[str] = Counter()
    for seed in range(2_000):
        sample = draw_sample(rows_of(*"abcde", *"ab"), 2, seed)
        assert sample.distinct == 5
        assert len({trace.text for trace in sample.traces}) == 2
        drawn[sample.traces[0].text] += 1

    # 400 of each, within five standard deviations of 18.
    assert all(abs(drawn[text] - 400) < 90 for text in "abcde"), drawn


def test_examples_are_of_a_short_a_middling_and_a_long_trace_and_as_they_would_be_sent(
    bundled: Taxonomy,
) -> None:
    sent: list[Request] = []

    def model(request: Request) -> str | None:
        sent.append(request)
        return None

    sample = draw_sample(
        rows_of("A. B.", "", "Yes. " * 50, "No. " * 400, "Is it? " * 9), 10, seed=0
    )
    options = {"ask": "element", "window_tokens": 600}
    run(setup_for(model, bundled, options=options), sample.traces, screens=True)
    layout = layout_of(bundled, options, ScriptedEngine())
    asked = asked_by(layout, bundled, sample, screens=True)

    found = example_requests(layout, sample, asked)

    assert [trace.text[:2] for trace, _ in found] == ["A.", "Ye", "No"]
    known = {(request.messages, str(request.schema), request.max_tokens) for request in sent}
    for _, request in found:
        assert (request.messages, str(request.schema), request.max_tokens) in known


def test_there_are_no_examples_of_nothing(bundled: Taxonomy) -> None:
    layout = layout_of(bundled, {}, ScriptedEngine())
    sample = draw_sample(rows_of("", ""), 10, seed=0)

    assert example_requests(layout, sample, [layout.questions]) == []
