"""Corrected prevalence: by independent formulas, at its edges, and in simulations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from judged_jobs import Judged, gold_table, judged_job

from cogtrace.corpora.evaluation import Evaluation, Settings, evaluate
from cogtrace.corpora.evaluation.correcting import Errors, rogan_gladen
from cogtrace.corpora.evaluation.figures import (
    Comparison,
    Counts,
    ElementFigure,
    Estimate,
    Gold,
)
from cogtrace.corpora.statistics import Settings as Statistics
from cogtrace.corpora.statistics import compute, read_corpus
from cogtrace.corpora.statistics.figures import CorrectedFigure, PrevalenceFigure
from cogtrace.errors import OptionError
from cogtrace.records import AnnotatorRef, TaxonomyRef
from cogtrace.schemas import problems
from cogtrace.taxonomy import Taxonomy, build_taxonomy

REF = AnnotatorRef(name="told", version="1", fingerprint="told000000000000")


@pytest.fixture(scope="module")
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    return build_taxonomy(tiny_taxonomy, "tiny")


def _share(hits: int, n: int) -> Estimate:
    value = hits / n if n else None
    se = None if value is None else float(np.sqrt(value * (1 - value) / n))
    return Estimate(value=value, low=None, high=None, se=se, n=n)


def _errors(both: int, extra: int, lost: int, neither: int, sample: bool = False) -> Errors:
    """Return an evaluation in which every trace is a question of its own."""
    n = both + extra + lost + neither
    wrong, bias = extra + lost, (extra - lost) / n
    excess = Estimate(
        value=bias, low=None, high=None, se=float(np.sqrt((wrong / n - bias**2) / n)), n=n
    )
    entry = ElementFigure(
        element="guessing",
        metrics={
            "presence_recall": _share(both, both + lost),
            "presence_specificity": _share(neither, neither + extra),
            "presence_excess": excess,
            "presence_f1": _share(both, n),
        },
        length_only={},
        counts=Counts(
            both=both,
            predicted_only=extra,
            gold_only=lost,
            neither=neither,
            clusters_with=both + lost,
            clusters_without=neither + extra,
        ),
        reliability=[],
        small=False,
    )
    comparison = Comparison(
        predicted="job",
        annotator=REF,
        group={},
        traces=n,
        rows=n,
        clusters=n,
        elements=[entry],
        overall={},
        overall_length_only={},
        disagreements=[],
    )
    return Errors(comparison, 1, sample)


def _corrected(
    errors: Errors, hits: int, n: int, draws: int = 2_000, seed: int = 0
) -> list[CorrectedFigure]:
    rng = np.random.default_rng(seed)
    row = PrevalenceFigure(
        group={},
        element="guessing",
        n=n,
        clusters=n,
        score_0=n - hits,
        score_1=hits,
        score_2=0,
        shown=hits / n,
        shown_low=None,
        shown_high=None,
        shown_exact=hits in (0, n),
        present=0.0,
        present_low=None,
        present_high=None,
        present_exact=False,
        small=False,
    )
    shares = rng.binomial(n, hits / n, (draws, 1)) / n
    return errors.rows({}, [row], shares, rng)


def test_the_formula_undoes_what_errors_do_to_a_share() -> None:
    for true in (0.0, 0.1, 0.5, 1.0):
        for some, all_ in ((0.9, 0.8), (1.0, 1.0), (0.6, 0.95)):
            raw = true * some + (1 - true) * (1 - all_)
            found = rogan_gladen(np.array(raw), np.array(some), np.array(all_))
            assert float(found) == pytest.approx(true)


def test_the_interval_is_about_that_of_the_delta_method() -> None:
    (found,) = _corrected(_errors(170, 30, 30, 370), hits=800, n=2_000, draws=20_000)

    p, some, all_ = 0.4, 0.85, 370 / 400
    gain = some + all_ - 1
    true = (p + all_ - 1) / gain
    variance = (
        p * (1 - p) / 2_000
        + true**2 * some * (1 - some) / 200
        + (1 - true) ** 2 * all_ * (1 - all_) / 400
    ) / gain**2
    assert found.corrected == pytest.approx(true)
    assert found.low == pytest.approx(true - 1.96 * variance**0.5, abs=0.006)
    assert found.high == pytest.approx(true + 1.96 * variance**0.5, abs=0.006)


def test_an_annotator_no_better_than_chance_is_marked_and_not_corrected() -> None:
    (found,) = _corrected(_errors(10, 10, 10, 10), hits=30, n=60)

    assert (found.corrected, found.low, found.high) == (None, None, None)
    assert found.reason == "no-better-than-chance"
    assert found.raw == 0.5


def test_one_kind_of_trace_alone_in_the_gold_leaves_the_errors_unknown() -> None:
    (found,) = _corrected(_errors(20, 0, 5, 0), hits=30, n=60)

    assert (found.corrected, found.reason) == (None, "unknown-errors")


@pytest.mark.parametrize(("hits", "edge"), [(1, 0.0), (59, 1.0)])
def test_what_lies_outside_is_clipped_and_marked(hits: int, edge: float) -> None:
    (found,) = _corrected(_errors(70, 30, 30, 70), hits=hits, n=60)

    assert found.corrected == edge
    assert found.clipped
    assert 0 <= (found.low or 0) <= (found.high or 0) <= 1


def test_a_gold_without_any_error_does_not_make_the_interval_a_point() -> None:
    for found in _corrected(_errors(10, 0, 0, 10, sample=True), hits=250, n=500):
        assert found.corrected == 0.5
        # Half of 500 traces alone would be within 9 points.
        assert (found.high or 0) - (found.low or 0) > 0.12


def test_a_share_of_nothing_has_an_interval_all_the_same() -> None:
    (found,) = _corrected(_errors(50, 0, 0, 50), hits=0, n=20)

    assert (found.corrected, found.low) == (0.0, 0.0)
    assert (found.high or 0) > 0.05


def test_the_prediction_powered_share_is_raw_less_the_mean_error() -> None:
    _, found = _corrected(_errors(50, 20, 10, 120, sample=True), hits=800, n=2_000, draws=20_000)

    error = np.array([1] * 20 + [-1] * 10 + [0] * 170)
    expected = 0.4 - error.mean()
    reach = 1.96 * np.hypot(np.sqrt(0.24 / 2_000), error.std() / np.sqrt(200))
    assert found.method == "prediction-powered"
    assert found.corrected == pytest.approx(expected)
    assert found.low == pytest.approx(expected - reach, abs=0.002)
    assert found.high == pytest.approx(expected + reach, abs=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["rogan-gladen", "prediction-powered"])
@pytest.mark.parametrize(
    ("true", "some", "all_", "gold"),
    [(0.3, 0.85, 0.9, 300), (0.1, 0.7, 0.95, 200), (0.6, 0.9, 0.7, 150)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(
    method: str, true: float, some: float, all_: float, gold: int
) -> None:
    rng = np.random.default_rng(11)
    held = 0
    rounds = 400
    for number in range(rounds):
        shown = rng.binomial(gold, true)
        both, neither = rng.binomial(shown, some), rng.binomial(gold - shown, all_)
        errors = _errors(both, gold - shown - neither, shown - both, neither, sample=True)
        hits = rng.binomial(3_000, true * some + (1 - true) * (1 - all_))
        rows = _corrected(errors, int(hits), 3_000, draws=400, seed=number)
        (found,) = (row for row in rows if row.method == method)
        held += (found.low or 0.0) <= true <= (1.0 if found.high is None else found.high)
    # 95 % of 400, less or more three standard errors.
    assert held / rounds == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / rounds))


def _rows(count: int, shown: int) -> list[Judged]:
    return [
        Judged(
            f"t{n}",
            f"It is {n}. It is so.",
            {"guessing": int(n < shown), "re-reading": 0},
            {"guessing": [(0, 5)]} if n < shown else {},
            f"Q{n}",
        )
        for n in range(count)
    ]


@pytest.fixture
def evaluated(tmp_path: Path, taxonomy: Taxonomy) -> tuple[Path, Evaluation]:
    job = judged_job(tmp_path / "job", _rows(60, 30), taxonomy)
    gold = gold_table(tmp_path / "gold.csv", {"a": _rows(40, 24)})
    settings = Settings(gold=str(gold), bootstrap=100, random_sample=True)
    return job, evaluate([job], settings)


def test_statistics_show_the_corrected_share_beside_the_raw_one(
    evaluated: tuple[Path, Evaluation],
) -> None:
    job, evaluation = evaluated
    corpus = read_corpus([job])
    errors = Errors.of(evaluation, corpus.sources)

    found = compute(corpus, Statistics(bootstrap=200, evaluation="e.json"), (), errors)

    by = {(row.element, row.method): row for row in found.corrected}
    row = by["guessing", "rogan-gladen"]
    # All 24 are found; of the 16 others 6 are named wrongly.
    assert (row.raw, row.sensitivity, row.specificity) == (0.5, 1.0, 10 / 16)
    assert row.corrected == pytest.approx((0.5 + 10 / 16 - 1) / (10 / 16))
    assert by["guessing", "prediction-powered"].corrected == pytest.approx(0.5 - 6 / 40)
    assert by["re-reading", "rogan-gladen"].reason == "unknown-errors"
    raw = {row.element: row.shown for row in found.prevalence}
    assert raw["guessing"] == 0.5
    assert problems("statistics", msgspec.to_builtins(found)) == []


def test_groups_are_corrected_by_errors_on_the_whole_gold_and_never_prediction_powered(
    evaluated: tuple[Path, Evaluation],
) -> None:
    job, evaluation = evaluated
    corpus = read_corpus([job], columns=["model"])
    errors = Errors.of(evaluation, corpus.sources)

    found = compute(corpus, Statistics(bootstrap=0, by=("model",)), (), errors)

    methods = {(bool(row.group), row.method) for row in found.corrected}
    assert methods == {
        (False, "rogan-gladen"),
        (False, "prediction-powered"),
        (True, "rogan-gladen"),
    }
    assert all(row.low is None for row in found.corrected)  # no draws, no intervals


def test_an_evaluation_of_another_annotator_is_refused(
    evaluated: tuple[Path, Evaluation], tmp_path: Path, taxonomy: Taxonomy
) -> None:
    job, evaluation = evaluated
    other = judged_job(tmp_path / "other", _rows(5, 2), taxonomy, "another")

    with pytest.raises(OptionError, match=r"about another annotator.*\(told\)"):
        Errors.of(evaluation, read_corpus([other]).sources)
    with pytest.raises(OptionError, match="by different annotators"):
        Errors.of(evaluation, read_corpus([job, other]).sources)


def test_an_evaluation_of_nothing_corrects_nothing() -> None:
    evaluation = Evaluation(
        taxonomy=TaxonomyRef(id="tiny", version="1", sha256="0" * 64),
        parameters={},
        gold=Gold(source="g", annotators=[], traces=0, unmatched=0, random_sample=False),
        notes=[],
        agreement=[],
        agreement_overall={},
        comparisons=[],
    )
    with pytest.raises(OptionError, match="another annotator"):
        Errors.of(evaluation, [])
