from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.plugins.builtin.abduce.learning import Example, choose, examples_of, learn
from cogtrace.plugins.builtin.abduce.rules import build_rules, save_rules
from cogtrace.plugins.pipeline import guide_sync


def _examples(right: list[set[int]], wrong: list[set[int]]) -> list[Example]:
    return [Example(right=True, met=frozenset(met)) for met in right] + [
        Example(right=False, met=frozenset(met)) for met in wrong
    ]


def test_conditions_that_catch_most_wrong_ones_within_the_budget_are_chosen_in_turn() -> None:
    # Condition 0 catches three wrong ones, 1 two others, 2 all, but also too many right ones.
    examples = _examples(
        right=[{2}, {2}, {1}] + [set()] * 17,
        wrong=[{0, 2}, {0, 2}, {0, 2}, {1, 2}, {1, 2}, {2}],
    )

    found = choose(examples, "", epsilon=0.05)

    assert found.conditions == (0, 1)
    assert (found.caught, found.lost) == (5, 1)
    assert choose(examples, "", epsilon=0.0).conditions == (0,)


def test_a_condition_by_which_no_more_is_caught_is_not_added() -> None:
    examples = _examples(right=[set()] * 9, wrong=[{0, 1}, {0}])

    assert choose(examples, "", epsilon=0.5).conditions == (0,)


def test_low_recall_allows_more_right_ones_to_be_caught() -> None:
    seen = [
        Example(right=True, met=frozenset({0}), group="b", actual="b"),
        Example(right=True, met=frozenset(), group="b", actual="b"),
        Example(right=False, met=frozenset({0}), group="b", actual="a"),
    ]
    missed = [Example(right=False, met=frozenset(), group="a", actual="b")] * 2

    assert choose(seen, "b", epsilon=0.4).conditions == ()
    assert choose(seen + missed, "b", epsilon=0.4).conditions == (0,)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.booleans(), st.frozensets(st.integers(0, 5), max_size=4)), max_size=40),
    st.sampled_from([0.0, 0.1, 0.3, 1.0]),
)
def test_what_is_chosen_stays_within_the_budget(
    drawn: list[tuple[bool, frozenset[int]]], epsilon: float
) -> None:
    examples = [Example(right=right, met=met) for right, met in drawn]

    found = choose(examples, "", epsilon)

    chosen = set(found.conditions)
    lost = sum(e.right and bool(e.met & chosen) for e in examples)
    caught = sum(not e.right and bool(e.met & chosen) for e in examples)
    assert (found.caught, found.lost) == (caught, lost)
    assert lost <= epsilon * sum(e.right for e in examples)


def test_rules_learned_from_graded_runs_flag_what_they_were_learned_from(tmp_path: Path) -> None:
    engine = ScriptedEngine.from_rules(
        [
            {"when": "short", "answer": "The answer is 5."},
            {"when": "long", "answer": "We count all of them, slowly. The answer is 7."},
        ]
    )
    tasks = [
        {"question": f"A {kind} one, number {n}?", "reference_answer": "7"}
        for kind in ("short", "long")
        for n in range(4)
    ]
    runs = guide_sync(tasks, engine=engine)
    conditions: list[dict[str, Any]] = [
        {"chars_above": 30},
        {"chars_below": 30},
        {"is_number": False},
    ]

    learned = learn(examples_of(runs, conditions), conditions, epsilon=0.01)

    assert learned["learned"] == {
        "epsilon": 0.01,
        "examples": 8,
        "right": 4,
        "caught": 4,
        "lost": 0,
    }
    assert [rule["when"] for rule in learned["rules"]] == [{"any": [{"chars_below": 30}]}]
    save_rules(learned, tmp_path / "errors.json")
    again = ScriptedEngine.from_rules([{"when": ".", "answer": "The answer is 5."}])
    run = guide_sync(
        "A short one?", [("abduce", {"rules": str(tmp_path / "errors.json")})], engine=again
    )
    assert run.outcome == "unanswered"
    assert "tend to be wrong" in run.verdicts[0].reason


def test_each_answer_and_source_may_have_rules_of_its_own() -> None:
    engine = ScriptedEngine.from_rules(
        [
            {"when": "odd", "answer": "The answer is no."},
            {"when": "even", "answer": "The answer is yes."},
        ]
    )
    tasks = [{"question": f"{kind}?", "reference_answer": "Yes"} for kind in ("odd", "even")]
    runs = guide_sync(tasks, engine=engine)
    conditions = [{"chars_above": 1}]

    by_answer = learn(
        examples_of(runs, conditions, grouping="answer"), conditions, grouping="answer"
    )
    by_source = learn(
        examples_of(runs, conditions, grouping="source"),
        conditions,
        grouping="source",
        epsilon=1.0,
    )

    assert [r["when"] for r in by_answer["rules"]] == [
        {"any": [{"chars_above": 1}], "answer_equals": "no"}
    ]
    assert by_source["rules"][0]["when"]["source_matches"] == r"\Asample\ 1\Z"
    assert build_rules(by_source)
