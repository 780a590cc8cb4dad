"""Whole evaluations: made-up jobs against made-up golds, figure by figure."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import krippendorff
import msgspec
import numpy as np
import pytest
from judged_jobs import NAMES, Judged, gold_table, judged, judged_job, random_judged
from sklearn.metrics import cohen_kappa_score

from cogtrace.corpora.evaluation import Evaluation, Settings, evaluate
from cogtrace.corpora.evaluation.figures import Comparison, Estimate
from cogtrace.errors import InputError, OptionError, UnknownElement
from cogtrace.schemas import problems
from cogtrace.taxonomy import Taxonomy, build_taxonomy


@pytest.fixture(scope="module")
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    return build_taxonomy(tiny_taxonomy, "tiny")


@pytest.fixture
def run(tmp_path: Path, taxonomy: Taxonomy) -> Any:
    """Return a function that evaluates rows against the rows of annotators."""

    def run(predicted: list[Judged], gold: dict[str, list[Judged]], **settings: Any) -> Evaluation:
        job = judged_job(tmp_path / "job", predicted, taxonomy)
        table = gold_table(tmp_path / "gold.csv", gold)
        return evaluate([job], Settings(gold=str(table), **({"bootstrap": 30} | settings)))

    return run


def _of(found: Comparison, element: str, metric: str) -> Estimate:
    (entry,) = (entry for entry in found.elements if entry.element == element)
    return entry.metrics[metric]


def test_a_perfect_prediction_has_every_figure_at_its_best(run: Any) -> None:
    rows = judged(random_judged(1), 2)

    (found,) = run(rows, {"a": rows}).comparisons

    for entry in found.elements:
        for name, estimate in entry.metrics.items():
            best = {"presence_excess": 0.0, "boundary_distance": 0.0}.get(name, 1.0)
            if name not in ("brier", "calibration_error"):
                assert estimate.value == pytest.approx(best), name
    assert found.disagreements == []


def test_figures_are_those_of_plain_python_over_the_same_traces(run: Any) -> None:
    base = random_judged(3)
    ours, theirs = judged(base, 4, asked=0.9), judged(base, 5, asked=0.9)

    (found,) = run(ours, {"a": theirs}).comparisons

    for element in NAMES:
        both = [
            (mine, other)
            for mine, other in zip(ours, theirs, strict=True)
            if element in mine.scores and element in other.scores
        ]
        scores = [(mine.scores[element], other.scores[element]) for mine, other in both]
        a, b = zip(*scores, strict=True)
        estimate = _of(found, element, "kappa_quadratic")
        assert estimate.n == len(both)
        assert estimate.value == pytest.approx(cohen_kappa_score(b, a, weights="quadratic"))
        counts = next(e.counts for e in found.elements if e.element == element)
        assert counts.both == sum(x > 0 and y > 0 for x, y in scores)
        assert counts.predicted_only == sum(x > 0 and not y for x, y in scores)
        assert counts.gold_only == sum(y > 0 and not x for x, y in scores)
        assert counts.neither == sum(not x and not y for x, y in scores)
        hits = mine_n = other_n = 0
        for mine, other in both:
            signs = [
                {
                    at
                    for start, end, *_ in row.places.get(element, ())
                    for at in range(start, end)
                    if row.text[at].strip()
                }
                for row in (mine, other)
            ]
            cut = _sentence_of(mine.text)
            left, right = ({cut[at] for at in some} for some in signs)
            hits, mine_n, other_n = (
                hits + len(left & right),
                mine_n + len(left),
                other_n + len(right),
            )
        assert _of(found, element, "sentence_f1").value == pytest.approx(
            2 * hits / (mine_n + other_n)
        )


def _sentence_of(text: str) -> dict[int, int]:
    from cogtrace.annotator.sentences import sentence_ranges

    return {
        at: number
        for number, (start, end) in enumerate(sentence_ranges(text))
        for at in range(start, end)
    }


def test_intervals_are_those_of_a_bootstrap_written_as_a_loop(run: Any) -> None:
    base = random_judged(6, count=60, questions=15)
    ours, theirs = judged(base, 7), judged(base, 8)
    clusters: dict[str | None, list[tuple[int, int]]] = {}
    for mine, other in zip(ours, theirs, strict=True):
        pair = (mine.scores["guessing"], other.scores["guessing"])
        clusters.setdefault(mine.question, []).append(pair)

    (found,) = run(ours, {"a": theirs}, bootstrap=2_000).comparisons

    draw = random.Random(1)
    values = sorted(
        _kappa([pair for one in draw.choices([*clusters.values()], k=15) for pair in one])
        for _ in range(1_000)
    )
    estimate = _of(found, "guessing", "kappa_quadratic")
    assert found.clusters == 15
    assert estimate.low == pytest.approx(values[25], abs=0.05)
    assert estimate.high == pytest.approx(values[-25], abs=0.05)
    assert estimate.se == pytest.approx(np.std(values), rel=0.12)


def _kappa(pairs: list[tuple[int, int]]) -> float:
    """Return what scikit-learn says above, which takes as long for a draw as this for a hundred."""
    apart = sum((a - b) ** 2 for a, b in pairs) / len(pairs)
    by_chance = fmean((a - b) ** 2 for a, _ in pairs for _, b in pairs)
    return 1 - apart / by_chance


def test_a_hand_made_case_is_what_it_is_by_hand(run: Any) -> None:
    text = "It is one. It is two. It is six. It is ten."
    gold = Judged("t", text, {"guessing": 2}, {"guessing": [(0, 10), (22, 32)]})
    ours = Judged("t", text, {"guessing": 1}, {"guessing": [(0, 10, 0.8), (11, 27, 0.6)]})

    (found,) = run([ours], {"a": [gold]}).comparisons

    expected = {
        # Sentences 1, 2, 3 against 1, 3.
        "sentence_precision": 2 / 3,
        "sentence_recall": 1.0,
        "sentence_f1": 4 / 5,
        # Tokens: 4 + 4 + 2 ("It is"), against 4 + 4; 6 are in both.
        "token_f1": 12 / 18,
        # Spans begin in sentences 1 and 2, against 1 and 3.
        "onset_precision": 1 / 2,
        "onset_recall": 1 / 2,
        "onset_f1": 1 / 2,
        "span_exact_f1": 1 / 2,
        # Of (11, 27), 5 of 16 characters are in the gold; of (22, 32), 5 of 10 are found.
        "span_soft_precision": (1 + 5 / 16) / 2,
        "span_soft_recall": (1 + 1 / 2) / 2,
        # (0, 10) is exact; (22, 32) is off by 11 and 5.
        "boundary_distance": (0 + 8) / 2,
        # At .8 right, at .6 wrong: 5 of 16 is less than half.
        "brier": (0.2**2 + 0.6**2) / 2,
        "calibration_error": (0.2 + 0.6) / 2,
        "presence_f1": 1.0,
    }
    for name, value in expected.items():
        assert _of(found, "guessing", name).value == pytest.approx(value), name
    assert [(bin_.low, bin_.n, bin_.right) for bin_ in found.elements[0].reliability] == [
        (0.6, 1, 0.0),
        (0.8, 1, 1.0),
    ]


def test_a_guess_from_length_is_near_chance_where_lengths_say_nothing(run: Any) -> None:
    draw = random.Random(9)
    rows = []
    for number in range(400):
        text = " ".join(["It is so, and so on."] * draw.randint(1, 30))
        score = draw.choice((0, 1, 2))
        places = {"guessing": [(0, 20)]} if score else {}
        rows.append(Judged(f"t{number}", text, {"guessing": score}, places, f"Q{number}"))

    (found,) = run(rows, {"a": rows}, bootstrap=0).comparisons

    (entry,) = found.elements
    assert abs(entry.length_only["kappa_quadratic"].value or 0) < 0.12
    assert abs((entry.length_only["presence_auc"].value or 0) - 0.5) < 0.07


def test_a_guess_from_length_is_right_where_length_says_all(run: Any) -> None:
    rows = []
    for number in range(90):
        score = number % 3
        text = " ".join(["It is so, and so on."] * (1 + 5 * score + number % 4))
        places = {"guessing": [(0, 20)]} if score else {}
        rows.append(Judged(f"t{number}", text, {"guessing": score}, places, f"Q{number}"))

    (found,) = run(rows, {"a": rows}).comparisons

    (entry,) = found.elements
    assert entry.length_only["kappa_quadratic"].value == pytest.approx(1.0)
    assert entry.length_only["presence_auc"].value == pytest.approx(1.0)


def test_the_agreement_of_several_annotators_is_krippendorffs(run: Any) -> None:
    base = random_judged(10)
    people = {name: judged(base, seed, asked=0.8) for name, seed in (("a", 1), ("b", 2), ("c", 3))}

    found = run(judged(base, 4), people)

    assert found.gold.annotators == ["a", "b", "c"]
    for entry in found.agreement:
        data = np.array(
            [[row.scores.get(entry.element, np.nan) for row in rows] for rows in people.values()]
        )
        expected = krippendorff.alpha(data, level_of_measurement="ordinal", value_domain=[0, 1, 2])
        assert entry.metrics["alpha_ordinal"].value == pytest.approx(expected)
    assert found.agreement_overall["alpha_ordinal_mean"].value == pytest.approx(
        fmean(entry.metrics["alpha_ordinal"].value for entry in found.agreement)
    )
    (comparison,) = found.comparisons
    assert (comparison.traces, comparison.rows, comparison.clusters) == (40, 120, 12)


def test_one_annotator_of_several_can_be_chosen(run: Any, tmp_path: Path) -> None:
    base = random_judged(10)
    people = {"a": judged(base, 1), "b": judged(base, 2)}

    found = run(judged(base, 4), people, annotator="b")

    assert (found.gold.annotators, found.agreement) == (["b"], [])
    with pytest.raises(OptionError, match="'z': there is a, b"):
        evaluate([tmp_path / "job"], Settings(gold=str(tmp_path / "gold.csv"), annotator="z"))


def test_groups_are_evaluated_beside_all_traces(run: Any) -> None:
    base = random_judged(11)
    ours, theirs = judged(base, 1), judged(base, 2)

    found = run(ours, {"a": theirs}, by=("model",))

    assert [c.group for c in found.comparisons] == [{}, {"model": "large"}, {"model": "small"}]
    small = [(m, o) for m, o in zip(ours, theirs, strict=True) if m.model == "small"]
    a, b = zip(*((m.scores["guessing"], o.scores["guessing"]) for m, o in small), strict=True)
    assert _of(found.comparisons[2], "guessing", "kappa_quadratic").value == pytest.approx(
        cohen_kappa_score(a, b, weights="quadratic")
    )


def test_several_folders_are_compared_each(run: Any, tmp_path: Path, taxonomy: Taxonomy) -> None:
    base = random_judged(12)
    theirs = judged(base, 1)
    run(judged(base, 2), {"a": theirs})
    other = judged_job(tmp_path / "other", theirs, taxonomy, "better")

    found = evaluate(
        [tmp_path / "job", other], Settings(gold=str(tmp_path / "gold.csv"), bootstrap=0)
    )

    assert [c.annotator.name for c in found.comparisons] == ["told", "better"]
    assert _of(found.comparisons[1], "guessing", "kappa_quadratic").value == 1.0
    assert _of(found.comparisons[1], "guessing", "kappa_quadratic").low is None


def test_the_document_fits_its_schema_and_the_same_seed_gives_the_same(
    run: Any, tmp_path: Path
) -> None:
    base = random_judged(13)
    found = run(judged(base, 1), {"a": judged(base, 2), "b": judged(base, 3)}, by=("model",))
    settings = Settings(gold=str(tmp_path / "gold.csv"), bootstrap=30, by=("model",))

    again, other = (
        evaluate([tmp_path / "job"], msgspec.structs.replace(settings, seed=seed))
        for seed in (0, 1)
    )

    assert problems("evaluation", msgspec.to_builtins(found)) == []
    assert found == again
    assert found.comparisons[0].elements != other.comparisons[0].elements


def test_what_was_not_asked_on_either_side_does_not_count(run: Any) -> None:
    text = "It is one. It is two."
    ours = [
        Judged("t1", text, {"guessing": 0, "re-reading": 2}, {"re-reading": [(0, 9)]}, "Q1"),
        Judged("t2", text + " So.", {"guessing": 1}, {"guessing": [(0, 9)]}, "Q2"),
    ]
    gold = [
        Judged("t1", text, {"guessing": 0}, {}),
        Judged("t2", text, {"guessing": 1, "turning-back": 0}, {"guessing": [(0, 9)]}),
    ]

    (found,) = run(ours, {"a": gold}).comparisons

    assert [entry.element for entry in found.elements] == ["guessing"]
    assert _of(found, "guessing", "presence_f1").n == 2


def test_scores_without_places_have_no_figures_of_spans(run: Any) -> None:
    base = random_judged(14)
    theirs = [replace(row, places={}) for row in judged(base, 2)]

    (found,) = run(judged(base, 1), {"a": theirs}).comparisons

    for element in NAMES:
        assert _of(found, element, "kappa_quadratic").value is not None
        for metric in (
            "sentence_f1",
            "token_f1",
            "onset_f1",
            "span_soft_f1",
            "span_exact_f1",
            "brier",
        ):
            assert _of(found, element, metric).value is None
            assert _of(found, element, metric).n == 0


def test_one_class_only_leaves_what_cannot_be_told_undefined(run: Any) -> None:
    base = random_judged(15)
    absent = [Judged(r.trace_id, r.text, {"guessing": 0}, {}, r.question) for r in base]

    (found,) = run(absent, {"a": absent}).comparisons

    for metric in ("kappa_quadratic", "alpha_ordinal", "presence_auc", "presence_recall"):
        estimate = _of(found, "guessing", metric)
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
    assert _of(found, "guessing", "presence_specificity").value == 1.0
    assert found.overall["kappa_quadratic_mean"].value is None


def test_a_gold_of_labels_without_strength_is_told_of(run: Any) -> None:
    text = "It is one. It is two."
    rows = [
        Judged(f"t{n}", text, {"guessing": 2 * (n % 2)}, {"guessing": [(0, 9)]} if n % 2 else {})
        for n in range(6)
    ]

    found = run(rows, {"a": rows})

    assert any("no score of 1" in note for note in found.notes)
    assert any("fewer than ten questions" in note for note in found.notes)


def test_one_question_alone_has_figures_and_no_intervals(run: Any) -> None:
    base = random_judged(16, count=9, questions=1)

    (found,) = run(judged(base, 1), {"a": judged(base, 2)}).comparisons

    estimate = _of(found, "guessing", "kappa_quadratic")
    assert estimate.value is not None
    assert (estimate.low, estimate.high, estimate.se) == (None, None, None)
    assert found.elements[0].length_only["presence_f1"].value is None  # nobody to learn from


def test_a_gold_for_other_traces_is_refused_with_ids_of_both(run: Any) -> None:
    base = random_judged(17, count=3)
    other = [replace(row, trace_id=f"x{n}") for n, row in enumerate(judged(base, 1))]

    with pytest.raises(InputError, match=r"has 'x0', 'x1', 'x2'; the job has 't0', 't1', 't2'"):
        run(judged(base, 2), {"a": other})


def test_a_gold_for_other_texts_is_refused(tmp_path: Path, taxonomy: Taxonomy) -> None:
    base = judged(random_judged(18, count=3), 1)
    job = judged_job(tmp_path / "job", base, taxonomy)
    changed = [replace(row, text=f"So. {row.text}") for row in base]
    gold = judged_job(tmp_path / "gold", changed, taxonomy)

    with pytest.raises(InputError, match=r"for other texts .* 't0', 't1', 't2'"):
        evaluate([job], Settings(gold=str(gold)))


def test_traces_with_other_ids_are_known_by_their_text(tmp_path: Path, taxonomy: Taxonomy) -> None:
    base = judged(random_judged(19, count=6), 1)
    job = judged_job(tmp_path / "job", base, taxonomy)
    renamed = [replace(row, trace_id=f"x-{row.trace_id}") for row in base]
    gold = judged_job(tmp_path / "gold", renamed, taxonomy)

    (found,) = evaluate([job], Settings(gold=str(gold), bootstrap=0)).comparisons

    assert found.traces == len({row.text for row in base})
    assert _of(found, "guessing", "kappa_quadratic").value == 1.0


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"elements": ("gessing",)}, UnknownElement, "did you mean guessing"),
        ({"by": ("level",)}, OptionError, "--by level: no trace of the gold has it"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Any, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    base = random_judged(20)
    with pytest.raises(error, match=message):
        run(judged(base, 1), {"a": judged(base, 2)}, **settings)


def test_disagreements_begin_with_the_widest_and_quote_who_marks(run: Any) -> None:
    text = "It is one. It is two."
    ours, gold = [], []
    for number in range(12):
        same = {"guessing": 2, "re-reading": 0, "turning-back": 0}
        ours.append(Judged(f"t{number}", text, same, {"guessing": [(0, 10, 0.5)]}, f"Q{number}"))
        gold.append(Judged(f"t{number}", text, same, {"guessing": [(0, 10)]}))
    ours[3] = replace(
        ours[3],
        scores={**ours[3].scores, "re-reading": 1},
        places={**ours[3].places, "re-reading": [(11, 21, 0.9)]},
    )
    gold[5] = replace(
        gold[5],
        scores={**gold[5].scores, "turning-back": 2},
        places={**gold[5].places, "turning-back": [(11, 21)]},
    )

    (found,) = run(ours, {"a": gold}, disagreements=9).comparisons

    assert [
        (d.trace_id, d.element, d.predicted, d.gold, d.marked_by) for d in found.disagreements
    ] == [
        ("t5", "turning-back", 0, 2, "gold"),
        ("t3", "re-reading", 1, 0, "predicted"),
    ]
    assert {d.quote for d in found.disagreements} == {"It is two."}
    # |difference| x share of agreement x sureness
    assert [d.weight for d in found.disagreements] == pytest.approx(
        [2 * 11 / 12 * 0.5, 1 * 11 / 12 * 0.95], abs=1e-6
    )
