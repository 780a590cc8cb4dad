"""Every table of figures, against plain Python over the same traces."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from statistics import fmean, median

import pytest
from statistics_jobs import (
    ELEMENTS,
    Made,
    asked,
    clustered,
    coverage,
    followings,
    make_job,
    random_rows,
    resampled,
    share,
    steps,
)

from cogtrace.corpora.statistics import Settings, Statistics, compute, read_corpus

SETTINGS = Settings(by=("model",), bootstrap=200, min_n=20)

Case = tuple[list[Made], Statistics]


@pytest.fixture(scope="module", params=[1, 2])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return made-up traces, and their statistics."""
    rows = random_rows(request.param)
    job = make_job(tmp_path_factory.mktemp("jobs") / "job", rows)
    return rows, compute(read_corpus([job], columns=SETTINGS.columns()), SETTINGS)


def _of(rows: list[Made], group: dict[str, str | None]) -> list[Made]:
    return [row for row in rows if not group or row.model == group["model"]]


def test_groups_are_all_traces_and_then_each_value(case: Case) -> None:
    rows, found = case

    assert [g.group for g in found.groups] == [
        {},
        *({"model": name} for name in ("large", "person", "small")),
    ]
    for group in found.groups:
        mine = _of(rows, group.group)
        assert group.n == len(mine)
        assert group.clusters == len(clustered(mine))
        assert group.without_question == sum(row.question is None for row in mine)
        assert group.graded == sum(row.correct is not None for row in mine)
        assert group.correct == sum(row.correct is True for row in mine)
        assert group.length_median == median(len(row.text) for row in mine)
        assert group.length_mean == pytest.approx(fmean(len(row.text) for row in mine))


def test_prevalence_is_the_share_of_traces_that_were_asked(case: Case) -> None:
    rows, found = case

    assert len(found.prevalence) == 4 * len(ELEMENTS)
    for figure in found.prevalence:
        mine = asked(_of(rows, figure.group), figure.element)
        scores = [row.scores[figure.element] for row in mine]
        assert figure.n == len(scores)
        assert figure.clusters == len(clustered(mine))
        counts = (figure.score_0, figure.score_1, figure.score_2)
        assert counts == tuple(scores.count(score) for score in (0, 1, 2))
        assert figure.shown == pytest.approx(share(mine, figure.element, 1))
        assert figure.present == pytest.approx(share(mine, figure.element, 2))
        assert figure.small == (len(scores) < 20)
        assert None not in (figure.shown_low, figure.shown, figure.shown_high)
        assert (figure.shown_low or 0) <= (figure.shown or 0) <= (figure.shown_high or 0)


def test_elements_not_asked_about_are_not_counted_as_absent(case: Case) -> None:
    rows, found = case

    figures = [figure for figure in found.prevalence if not figure.group]
    assert len(figures) == len(ELEMENTS)
    assert all(figure.n < len(rows) for figure in figures)
    assert any("elements were not asked about" in note for note in found.notes)


def test_spans_and_covered_text_are_means_over_the_traces_asked(case: Case) -> None:
    rows, found = case

    for figure in found.spans:
        mine = _of(rows, figure.group)
        names = [figure.element] if figure.element != "ALL" else list(ELEMENTS)
        mine = [row for row in mine if any(name in row.scores for name in names)]
        counts = [sum(len(row.spans.get(name, ())) for name in names) for row in mine]
        shown = sum(any(row.scores.get(name, 0) for name in names) for row in mine)
        assert (figure.n, figure.n_shown) == (len(mine), shown)
        assert figure.spans_per_trace == pytest.approx(fmean(counts))
        assert figure.spans_where_shown == pytest.approx(sum(counts) / shown)
        covered = fmean(coverage(row, names) for row in mine)
        assert figure.covered == pytest.approx(covered, rel=1e-5)


def test_pairs_rest_on_the_traces_asked_about_both(case: Case) -> None:
    rows, found = case

    assert len(found.cooccurrence) == 4 * math.comb(len(ELEMENTS), 2)
    assert {(f.a, f.b) for f in found.cooccurrence} == set(combinations(ELEMENTS, 2))
    for figure in found.cooccurrence:
        mine = asked(_of(rows, figure.group), figure.a, figure.b)
        a = {id(row) for row in mine if row.scores[figure.a]}
        b = {id(row) for row in mine if row.scores[figure.b]}
        n, both = len(mine), len(a & b)
        assert (figure.n, figure.n_a, figure.n_b, figure.both) == (n, len(a), len(b), both)
        bits = math.log2(both * n / (len(a) * len(b)))
        assert figure.npmi == pytest.approx(bits / -math.log2(both / n))
        cells: list[float] = [both, len(a - b), len(b - a), n - len(a | b)]
        if figure.haldane:
            assert 0 in cells
            cells = [cell + 1 / 2 for cell in cells]
        odds = cells[0] * cells[3] / (cells[1] * cells[2])
        assert figure.odds_ratio == pytest.approx(odds)
        assert figure.small == (min(len(a), n - len(a), len(b), n - len(b)) < 20)


def test_positions_count_each_trace_once(case: Case) -> None:
    rows, found = case

    for figure in found.positions:
        mine = [row for row in _of(rows, figure.group) if row.spans.get(figure.element)]
        places = [min(row.spans[figure.element])[0] / len(row.text) for row in mine]
        assert figure.n == len(mine)
        assert figure.first == pytest.approx(fmean(places), rel=1e-5)
        assert figure.first_median == pytest.approx(median(places), rel=1e-5)
        curve = [0.0] * 10
        for row in mine:
            spans = row.spans[figure.element]
            for start, end in spans:
                tenth = min(9, (start + end) * 10 // (2 * len(row.text)))
                curve[tenth] += 1 / len(spans) / len(mine)
        assert figure.bins == pytest.approx(curve, abs=1e-6)
        assert sum(value or 0 for value in figure.bins) == pytest.approx(1, abs=1e-5)


def test_transitions_count_steps_and_leave_out_what_never_comes(case: Case) -> None:
    rows, found = case

    seen = set()
    for figure in found.transitions:
        mine = _of(rows, figure.group)
        pairs = followings(mine)
        n = sum(figure.source in here for here, _ in pairs)
        hits = sum(figure.source in here and figure.target in there for here, there in pairs)
        base = sum(figure.target in there for _, there in pairs) / len(pairs)
        where = sum(
            any(figure.source in here and figure.target in there for here, there in followings([r]))
            for r in mine
        )
        assert (figure.n, figure.count, figure.traces) == (n, hits, where)
        assert figure.count > 0
        assert figure.share == pytest.approx(hits / n)
        assert figure.lift == pytest.approx(hits / n / base)
        if not figure.group:
            seen.add((figure.source, figure.target))
    assert seen == {
        (source, target) for here, there in followings(rows) for source in here for target in there
    }
    assert any(len(step) > 1 for row in rows for step in steps(row))


def test_success_rests_on_graded_traces(case: Case) -> None:
    rows, found = case

    for figure in found.success:
        mine = asked(_of(rows, figure.group), figure.element)
        mine = [row for row in mine if row.correct is not None]
        shown = [row for row in mine if row.scores[figure.element]]
        right = sum(row.correct is True for row in mine)
        both = sum(row.correct is True for row in shown)
        n = len(mine)
        assert (figure.n, figure.n_shown, figure.n_correct) == (n, len(shown), right)
        assert figure.both == both
        assert figure.success_shown == pytest.approx(both / len(shown))
        assert figure.success_absent == pytest.approx((right - both) / (n - len(shown)))
        bits = math.log2(both * n / (len(shown) * right))
        assert figure.pmi == pytest.approx(bits)
        assert figure.npmi == pytest.approx(bits / -math.log2(both / n))
        assert figure.ppmi == max(0.0, figure.pmi or 0.0)
        odds = both * (n - len(shown) - right + both) / ((len(shown) - both) * (right - both))
        assert not figure.haldane
        assert figure.odds_ratio == pytest.approx(odds)


def test_intervals_are_those_of_a_bootstrap_written_as_a_loop(tmp_path: Path) -> None:
    rows = random_rows(3)
    settings = Settings(bootstrap=2_000)
    found = compute(read_corpus([make_job(tmp_path / "job", rows)]), settings)

    def covered(some: object) -> float:
        assert isinstance(some, list)
        return fmean(coverage(row, ["doubting"]) for row in asked(some, "doubting"))

    for least, figures in ((1, "shown"), (2, "present")):
        draws = resampled(rows, lambda some, x=least: share(some, "planning", x), 2_000, 5)  # type: ignore[misc]
        (row,) = (f for f in found.prevalence if f.element == "planning")
        assert getattr(row, f"{figures}_low") == pytest.approx(draws[50], abs=0.012)
        assert getattr(row, f"{figures}_high") == pytest.approx(draws[-50], abs=0.012)
    draws = resampled(rows, covered, 2_000, 5)
    (span,) = (f for f in found.spans if f.element == "doubting")
    assert span.covered_low == pytest.approx(draws[50], rel=0.05)
    assert span.covered_high == pytest.approx(draws[-50], rel=0.05)


def test_all_or_none_has_the_exact_interval_for_the_clusters(tmp_path: Path) -> None:
    rows = [
        Made(
            trace_id=f"t{n}",
            text="It is so.",
            scores={"counting": 1, "doubting": 0},
            question=f"Q{n % 15}",
        )
        for n in range(60)
    ]

    found = compute(read_corpus([make_job(tmp_path / "job", rows)]), Settings(bootstrap=50))

    always, never = found.prevalence[:2]
    edge = 0.025 ** (1 / 15)  # all of 15 clusters: the share whose 15th power is 2.5 %
    assert always.shown_exact
    assert (always.shown, always.shown_high) == (1.0, 1.0)
    assert always.shown_low == pytest.approx(edge)
    assert never.shown_exact
    assert (never.shown, never.shown_low) == (0.0, 0.0)
    assert never.shown_high == pytest.approx(1 - edge)
    (pair,) = (f for f in found.cooccurrence if (f.a, f.b) == ("counting", "doubting"))
    assert (pair.npmi, pair.odds_ratio, pair.small) == (None, None, True)


def test_the_same_seed_gives_the_same_figures_and_groups_do_not_disturb_each_other(
    tmp_path: Path,
) -> None:
    corpus = read_corpus([make_job(tmp_path / "job", random_rows(4))], columns=["model"])
    plain, grouped = Settings(bootstrap=100), Settings(bootstrap=100, by=("model",))

    first, again, more = (compute(corpus, s) for s in (plain, plain, grouped))
    other = compute(corpus, Settings(bootstrap=100, seed=-1))

    assert first == again
    assert [row for row in more.prevalence if not row.group] == first.prevalence
    assert other.prevalence != first.prevalence
    assert [f.shown for f in other.prevalence] == [f.shown for f in first.prevalence]


def test_without_draws_there_are_figures_and_no_bootstrap_intervals(tmp_path: Path) -> None:
    corpus = read_corpus([make_job(tmp_path / "job", random_rows(5))])

    found = compute(corpus, Settings(bootstrap=0))

    for figure in found.prevalence:
        assert figure.shown is not None
        assert (figure.shown_low, figure.shown_high) == (None, None)
    assert all(figure.first_low is None for figure in found.positions)
