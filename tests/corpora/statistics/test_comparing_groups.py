"""Comparisons of two sets of traces, raw and at equal length."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from statistics_jobs import Made, asked, make_job, random_rows, share

from cogtrace.corpora.statistics import Settings, Statistics, compute, read_corpus
from cogtrace.corpora.statistics.figures import ComparisonFigure
from cogtrace.errors import OptionError

SETTINGS = Settings(compare=("person", "*"), bootstrap=300)


def _compare(path: Path, rows: list[Made], settings: Settings = SETTINGS) -> Statistics:
    elements = list(dict.fromkeys(name for row in rows for name in row.scores))
    job = make_job(path, rows, elements=elements)
    return compute(read_corpus([job], columns=settings.columns()), settings)


def _by(found: Statistics, method: str) -> dict[str, ComparisonFigure]:
    return {row.element: row for row in found.comparison if row.method == method}


def _half_octave(row: Made) -> int:
    return math.floor(2 * math.log2(len(row.text)) + 1e-9)


def test_raw_differences_are_those_of_the_shares(tmp_path: Path) -> None:
    rows = random_rows(11)
    people = [row for row in rows if row.model == "person"]
    others = [row for row in rows if row.model != "person"]

    found = _compare(tmp_path / "job", rows)

    for element, figure in _by(found, "raw").items():
        assert (figure.n_a, figure.n_b) == (
            len(asked(people, element)),
            len(asked(others, element)),
        )
        assert (figure.dropped_a, figure.dropped_b) == (0, 0)
        assert figure.share_a == pytest.approx(share(people, element))
        assert figure.difference == pytest.approx(share(people, element) - share(others, element))
        assert (figure.low or 0) <= (figure.difference or 0) <= (figure.high or 0)
    lengths = {row.method: row for row in found.comparison_lengths}
    logs = [math.log(len(row.text)) for row in people]
    assert lengths["raw"].length_a == pytest.approx(math.exp(sum(logs) / len(logs)))


def test_matched_differences_are_mantel_and_haenszels_within_half_octaves(tmp_path: Path) -> None:
    rows = random_rows(12)
    rows += [
        Made(trace_id="very-long", text="x" * 5_000, scores={"counting": 2}, model="person"),
        Made(trace_id="very-short", text="x", scores={"counting": 2}, model="large"),
    ]

    found = _compare(tmp_path / "job", rows)

    for element, figure in _by(found, "matched").items():
        bins: dict[int, tuple[list[Made], list[Made]]] = {}
        for row in asked(rows, element):
            bins.setdefault(_half_octave(row), ([], []))[row.model != "person"].append(row)
        kept = [(a, b) for a, b in bins.values() if a and b]
        weights = [len(a) * len(b) / (len(a) + len(b)) for a, b in kept]
        gaps = [share(a, element) - share(b, element) for a, b in kept]
        expected = sum(w * g for w, g in zip(weights, gaps, strict=True)) / sum(weights)
        assert figure.difference == pytest.approx(expected)
        assert figure.n_a == sum(len(a) for a, _ in kept)
        assert figure.n_b == sum(len(b) for _, b in kept)
        people = asked([row for row in rows if row.model == "person"], element)
        assert figure.dropped_a == len(people) - figure.n_a
    assert _by(found, "matched")["counting"].dropped_a >= 1
    assert _by(found, "matched")["counting"].dropped_b >= 1
    lengths = {row.method: row for row in found.comparison_lengths}
    assert lengths["matched"].dropped_a >= 1
    assert lengths["regression"].dropped_a >= 1
    assert lengths["regression"].dropped_b >= 1


def _made(seed: int, effect: float, count: int = 500) -> list[Made]:
    """Return traces of which people's are shorter; what shows grows with length.

    Beyond length, "counting" is shown more by people by ``effect`` (log odds), "doubting" is
    not, and "planning" has to do with nothing.
    """
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        person = number % 2 == 0
        size = int(math.exp(draw.gauss(4.6 if person else 5.2, 0.5))) + 10
        pull = 2.0 * (math.log(size) - 4.9)
        odds = {"counting": pull + effect * person, "doubting": pull, "planning": 0.0}
        rows.append(
            Made(
                trace_id=f"t{number}",
                text="x" * size,
                scores={e: int(draw.random() < 1 / (1 + math.exp(-x))) for e, x in odds.items()},
                question=f"Q{number // 4}",
                model="person" if person else "model",
            )
        )
    return rows


def test_what_is_only_length_goes_away_at_equal_length_and_what_is_more_stays(
    tmp_path: Path,
) -> None:
    found = _compare(tmp_path / "job", _made(1, effect=1.5, count=1_200))

    raw, matched, regression = (_by(found, m) for m in ("raw", "matched", "regression"))
    assert (raw["doubting"].high or 0) < -0.1
    for method in (matched, regression):
        assert (method["doubting"].low or 1) < 0 < (method["doubting"].high or -1)
        assert (method["counting"].low or 0) > 0.1
        assert (method["counting"].p_adjusted or 1) < 0.001
    assert (regression["counting"].odds_low or 9) < math.exp(1.5)
    assert (regression["counting"].odds_high or 0) > math.exp(1.5)
    assert matched["doubting"].difference == pytest.approx(
        regression["doubting"].difference or 9, abs=0.05
    )
    lengths = {row.method: row for row in found.comparison_lengths}
    assert (lengths["raw"].length_ratio or 1) < 0.65
    assert 0.95 < (lengths["matched"].length_ratio or 0) < 1.05
    assert any("answered by both" in note for note in found.notes) is False


@pytest.mark.slow
def test_where_there_is_no_difference_about_one_test_of_twenty_finds_one(tmp_path: Path) -> None:
    hits = {"raw": 0, "matched": 0, "regression": 0}
    for seed in range(60):
        found = _compare(tmp_path / f"job{seed}", _made(seed + 100, effect=0.0, count=160))
        for row in found.comparison:
            if row.element == "planning" or row.method != "raw":
                hits[row.method] += row.p is not None and row.p < 0.05

    # 60 tests raw (expected 3), 180 at equal length (expected 9).
    assert hits["raw"] <= 8
    assert 2 <= hits["matched"] <= 20
    assert 2 <= hits["regression"] <= 20


def test_sides_that_never_vary_have_an_interval_and_a_p_value(tmp_path: Path) -> None:
    rows = [
        Made(
            trace_id=f"t{n}",
            text="x" * 100,
            scores={"counting": n % 2, "doubting": 0},
            question=f"Q{n}",
            model="person" if n % 2 else "model",
        )
        for n in range(20)
    ]

    found = _compare(tmp_path / "job", rows)

    for method in ("raw", "matched"):
        apart, alike = _by(found, method)["counting"], _by(found, method)["doubting"]
        assert apart.difference == 1.0
        # Agresti and Caffo: shares 11/12 and 1/12, with 12 traces each.
        middle, error = 10 / 12, math.sqrt(2 * 11 / 12 / 12 / 12)
        assert apart.low == pytest.approx(middle - 1.959964 * error)
        assert apart.high == 1.0
        assert 0 < (apart.p or 0) < 1e-6
        assert (alike.difference, alike.p) == (0.0, 1.0)
        assert (alike.low or 0) < 0 < (alike.high or 0)
    assert _by(found, "regression")["counting"].odds_ratio == pytest.approx(21 * 21)


def test_groups_without_both_sides_have_no_comparison(tmp_path: Path) -> None:
    settings = Settings(by=("model",), compare=("person", "large"), bootstrap=20)

    found = _compare(tmp_path / "job", random_rows(13), settings)

    assert {tuple(row.group) for row in found.comparison} == {()}


def test_p_values_are_adjusted_over_the_elements_of_a_method(tmp_path: Path) -> None:
    found = _compare(tmp_path / "job", random_rows(14))

    for method in ("raw", "matched", "regression"):
        ordered = sorted((row.p or 0, row.p_adjusted or 0) for row in _by(found, method).values())
        count = len(ordered)
        for rank, (_, adjusted) in enumerate(ordered):
            later = [p * count / (place + 1) for place, (p, _) in enumerate(ordered)][rank:]
            assert adjusted == pytest.approx(min(1.0, *later))


def test_a_side_that_is_nobody_is_refused_and_those_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        OptionError, match="no trace has model 'nobody'; there is large, person, small"
    ):
        _compare(tmp_path / "job", random_rows(15), Settings(compare=("person", "nobody")))


def test_questions_that_only_one_side_answered_are_pointed_out(tmp_path: Path) -> None:
    def rows() -> Iterable[Made]:
        for n in range(30):
            for model in ("person", "model") if n < 10 else ("model",):
                yield Made(
                    trace_id=f"{model}{n}",
                    text="x" * 50,
                    scores={"counting": n % 3 % 2},
                    question=f"Q{n}",
                    model=model,
                )

    found = _compare(tmp_path / "job", list(rows()))

    assert any("Of 30 questions in the comparison, 10" in note for note in found.notes)
