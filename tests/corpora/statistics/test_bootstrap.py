"""The cluster bootstrap: what is drawn, and how wide intervals come out."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statistics_jobs import Made, make_job

from cogtrace.corpora.statistics import Settings, bootstrap, compute, read_corpus
from cogtrace.corpora.statistics.arrays import Array
from cogtrace.corpora.statistics.bootstrap import interval, resample, spread


class _Table:
    """A section whose sums are the rows of an array."""

    def __init__(self, values: Array) -> None:
        self._values = values
        self.width = values.shape[1]

    def block(self, low: int, high: int) -> Array:
        rows: Array = self._values[low:high]
        return rows


@given(st.integers(2, 40), st.integers(1, 9), st.integers(0, 9))
def test_each_draw_has_as_many_clusters_as_there_are(clusters: int, chunk: int, seed: int) -> None:
    table = _Table(np.eye(clusters))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "_CHUNK", chunk)
        (drawn,) = resample((table,), clusters, 7, np.random.default_rng(seed))

    assert drawn.total.tolist() == [[1.0] * clusters]
    assert drawn.draws.shape == (7, clusters)
    assert (drawn.draws.sum(axis=1) == clusters).all()
    assert (drawn.draws == np.floor(drawn.draws)).all()


def test_every_cluster_is_drawn_equally_often_across_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap, "_CHUNK", 7)
    (drawn,) = resample((_Table(np.eye(20)),), 20, 20_000, np.random.default_rng(1))

    # Binomial with mean 1; its mean over the draws has a standard deviation of 0.007.
    assert np.abs(drawn.draws.mean(axis=0) - 1).max() < 0.035
    assert np.abs(drawn.draws.var(axis=0) - 0.95).max() < 0.06


def test_sections_see_the_same_draws() -> None:
    values = np.random.default_rng(2).random((30, 3))

    one, two = resample((_Table(values), _Table(values * 2)), 30, 50, np.random.default_rng(3))

    np.testing.assert_allclose(two.draws, one.draws * 2, rtol=1e-6)


def test_one_cluster_is_not_resampled() -> None:
    (drawn,) = resample((_Table(np.ones((1, 2))),), 1, 100, np.random.default_rng(0))

    low, _ = interval(drawn.draws)
    assert drawn.draws.shape == (0, 2)
    assert np.isnan(low).all()


@given(
    st.lists(st.one_of(st.floats(-9, 9), st.just(math.nan)), min_size=1, max_size=60),
)
def test_intervals_are_the_quantiles_of_what_is_known(values: list[float]) -> None:
    column = np.array(values)[:, None]
    known = column[~np.isnan(column)]

    low, high = interval(column)
    deviation = spread(column)

    if len(known) * 2 < len(values):
        assert np.isnan(low[0])
        assert np.isnan(high[0])
        return
    np.testing.assert_allclose([low[0], high[0]], np.quantile(known, (0.025, 0.975)), atol=1e-9)
    if len(known) > 1:
        np.testing.assert_allclose(deviation[0], known.std(ddof=1), atol=1e-9)


def _rows(copies: int, same_question: bool) -> list[Made]:
    draw = random.Random(6)
    scores = [draw.choice((0, 1)) for _ in range(80)]
    return [
        Made(
            trace_id=f"t{n}-{copy}",
            text="It is so.",
            scores={"counting": score},
            question=f"Q{n}" if same_question else f"Q{n}-{copy}",
        )
        for n, score in enumerate(scores)
        for copy in range(copies)
    ]


def test_repeating_every_answer_makes_no_interval_narrower_but_new_questions_do(
    tmp_path: Path,
) -> None:
    widths = {}
    for name, copies, same in (("once", 1, True), ("again", 9, True), ("more", 9, False)):
        job = make_job(tmp_path / name, _rows(copies, same), elements=["counting"])
        (row,) = compute(read_corpus([job]), Settings(bootstrap=2_000)).prevalence
        assert row.shown_low is not None
        assert row.shown_high is not None
        widths[name] = row.shown_high - row.shown_low

    expected = 2 * 1.96 * math.sqrt(0.25 / 80)
    assert widths["once"] == pytest.approx(expected, rel=0.12)
    assert widths["again"] == pytest.approx(widths["once"], rel=0.1)
    assert widths["more"] == pytest.approx(widths["once"] / 3, rel=0.15)


@pytest.mark.slow
def test_about_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(300):
        easy = rng.beta(2, 3, 60)  # of 60 questions, with 5 answers each
        shown = rng.binomial(5, easy)
        sums = np.stack([shown, np.full(60, 5)], axis=1)
        (drawn,) = resample((_Table(sums),), 60, 400, rng)
        low, high = interval(drawn.draws[:, :1] / drawn.draws[:, 1:])
        held += low[0] <= 0.4 <= high[0]

    assert 0.90 <= held / 300 <= 0.985
