"""Every measure, against scikit-learn, the krippendorff package, or a plain loop."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from cogtrace.corpora.evaluation import metrics
from cogtrace.corpora.evaluation.estimating import Draws, estimates
from cogtrace.corpora.evaluation.observing import Distances, Observed, reliability
from cogtrace.corpora.statistics.arrays import Array

_SCORES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=40)

Pairs = list[tuple[int, int]]


def _confusion(pairs: Pairs) -> Array:
    table = np.zeros(9)
    for predicted, gold in pairs:
        table[predicted * 3 + gold] += 1
    return table


@settings(deadline=None)
@given(_SCORES)
def test_kappa_is_that_of_scikit_learn(pairs: Pairs) -> None:
    predicted, gold = zip(*pairs, strict=True)
    found = float(metrics.kappa(_confusion(pairs)))

    if len({*predicted, *gold}) == 1:
        assert np.isnan(found)
        return
    expected = sklearn.cohen_kappa_score(gold, predicted, weights="quadratic", labels=[0, 1, 2])
    assert found == pytest.approx(expected, nan_ok=True)


@settings(deadline=None)
@given(_SCORES)
def test_alpha_is_that_of_the_krippendorff_package(pairs: Pairs) -> None:
    found = float(metrics.alpha(_confusion(pairs)))

    values = {value for pair in pairs for value in pair}
    if len(values) == 1:
        assert np.isnan(found)
        return
    data = np.array(pairs, dtype=float).T
    expected = krippendorff.alpha(data, level_of_measurement="ordinal", value_domain=[0, 1, 2])
    assert found == pytest.approx(expected)


@settings(deadline=None)
@given(_SCORES)
def test_shares_of_presence_are_those_of_scikit_learn(pairs: Pairs) -> None:
    predicted = [a > 0 for a, _ in pairs]
    gold = [b > 0 for _, b in pairs]
    table = _confusion(pairs)
    sums = metrics.presence(table)

    p, r, f, _ = sklearn.precision_recall_fscore_support(
        gold, predicted, average="binary", zero_division=np.nan
    )
    assert float(metrics.precision(sums)) == pytest.approx(p, nan_ok=True)
    assert float(metrics.recall(sums)) == pytest.approx(r, nan_ok=True)
    if any(gold) or any(predicted):
        assert float(metrics.f1(sums)) == pytest.approx(f)
    clear = [not a for a, b in zip(predicted, gold, strict=True) if not b]
    expected = np.mean(clear) if clear else np.nan
    assert float(metrics.specificity(table)) == pytest.approx(expected, nan_ok=True)
    assert float(metrics.excess(table)) == pytest.approx(np.mean(predicted) - np.mean(gold))


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_calibration_is_that_of_a_plain_loop(spans: list[tuple[float, bool]]) -> None:
    confidence = np.array([c for c, _ in spans])
    right = np.array([r for _, r in spans])
    sums = reliability(np.zeros(len(spans), dtype=np.int64), confidence, right, 1)[0]

    error = 0.0
    for place in range(10):
        mine = [(c, r) for c, r in spans if min(9, int(c * 10)) == place]
        if mine:
            gap = abs(sum(c for c, _ in mine) - sum(r for _, r in mine))
            error += gap / len(spans)
    assert float(metrics.calibration_error(sums)) == pytest.approx(error, abs=1e-9)
    expected = sum((c - r) ** 2 for c, r in spans) / len(spans)
    assert float(metrics.brier(sums)) == pytest.approx(expected)


def _observed(rank: list[float], shown: list[bool], values: list[float]) -> Observed:
    rows = len(rank)
    blocks = {metric.block: np.zeros((rows, 1, 1)) for metric in metrics.METRICS}
    blocks |= {name: np.zeros((rows, 1, 9)) for name in ("confusion", "pairs")}
    blocks |= {
        name: np.zeros((rows, 1, 4)) for name in ("sentences", "tokens", "onsets", "soft", "exact")
    }
    blocks["calibration"] = np.zeros((rows, 1, 31))
    return Observed(
        blocks=blocks,
        rank=np.array(rank, dtype=float)[:, None],
        shown=np.array(shown)[:, None],
        distances=Distances(
            np.arange(len(values)) % rows, np.zeros(len(values), dtype=int), np.array(values)
        ),
    )


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from([0, 0.5, 1, 2.25]), st.booleans()), min_size=3, max_size=30),
    st.integers(0, 9),
)
def test_the_area_and_its_draws_are_those_of_scikit_learn(
    rows: list[tuple[float, bool]], seed: int
) -> None:
    rank, shown = [value for value, _ in rows], [yes for _, yes in rows]
    cluster = np.arange(len(rows)) % 3
    draws = Draws.of(cluster, np.arange(len(rows)), 5, np.random.default_rng(seed))

    (found,), _ = estimates(_observed(rank, shown, []), draws)

    if len(set(shown)) < 2:
        assert found["presence_auc"].value is None
        return
    assert found["presence_auc"].value == pytest.approx(sklearn.roc_auc_score(shown, rank))
    # Each draw is the same figure with rows repeated as often as their cluster was drawn.
    areas = []
    for counts in draws.counts:
        weight = counts[cluster]
        if len({yes for yes, w in zip(shown, weight, strict=True) if w}) == 2:
            areas.append(sklearn.roc_auc_score(shown, rank, sample_weight=weight))
    if len(areas) == len(draws.counts):
        assert found["presence_auc"].se == pytest.approx(np.std(areas, ddof=1), abs=1e-6)


def test_the_median_distance_and_its_draws_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 40, 50).astype(float).tolist()
    cluster = np.arange(20) % 6
    draws = Draws.of(cluster, np.arange(20), 40, rng)

    (found,), _ = estimates(_observed([0.0] * 20, [True] * 20, values), draws)

    estimate = found["boundary_distance"]
    assert estimate.value is not None
    assert (estimate.value, estimate.n) == (float(np.median(values)), 50)
    owner = cluster[np.arange(50) % 20]
    medians = [np.median(np.repeat(values, counts[owner].astype(int))) for counts in draws.counts]
    assert estimate.se == pytest.approx(np.std(medians, ddof=1))
    assert estimate.low == pytest.approx(min(float(np.quantile(medians, 0.025)), estimate.value))


def test_a_share_of_all_or_none_has_the_exact_interval_for_its_clusters() -> None:
    observed = _observed([0.0] * 30, [True] * 30, [])
    observed.blocks["confusion"][:, 0, 8] = 1  # all found
    draws = Draws.of(np.arange(30) % 15, np.arange(30), 50, np.random.default_rng(0))

    (found,), _ = estimates(observed, draws)

    recall = found["presence_recall"]
    assert (recall.value, recall.high, recall.n) == (1.0, 1.0, 30)
    assert recall.low == pytest.approx(0.025 ** (1 / 15))
    assert found["presence_specificity"].value is None
