"""What a screen saved and may have missed, from the counts of a hybrid job."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.annotator.intervals import missed
from cogtrace.annotator.screened import savings

TALLY = {
    "questions": 900,
    "ruled-out/planning": 1_000,
    "audited/planning": 50,
    "missed/planning": 2,
    "ruled-out/planning-ahead": 200,
    "audited/planning-ahead": 10,
    "missed/planning-ahead": 0,
    "ruled-out/doubt": 800,
}


def test_the_figures_of_all_elements_are_their_sums() -> None:
    found = savings(TALLY)

    assert found is not None
    assert (found.ruled_out, found.audited, found.shown) == (2_000, 60, 2)
    assert found.missed == missed(60, 2, 2_000)


def test_the_figures_of_one_element_leave_out_others_of_a_similar_name() -> None:
    found = savings(TALLY, "planning")

    assert found is not None
    assert (found.ruled_out, found.audited, found.shown) == (1_000, 50, 2)


@pytest.mark.parametrize("tally", [{}, {"questions": 5, "ruled-out": 3}, {"ruled-out/planning": 0}])
def test_without_a_screen_there_are_no_figures(tally: dict[str, int]) -> None:
    assert savings(tally) is None


def test_an_element_that_was_always_asked_about_has_no_figures() -> None:
    assert savings(TALLY, "verification") is None


def test_the_sentence_for_people_has_savings_and_interval() -> None:
    found = savings(TALLY)

    assert found is not None
    assert found.sentence(pairs=8_000) == (
        "cues ruled out 2,000 of 8,000 pairs (25%); of 60 audited 2 were shown: 0.4% to 11.5% "
        "of the ruled-out pairs missed (95 %), 7 to 224 pairs"
    )


def test_the_sentence_without_an_audit_does_not_call_the_screen_perfect() -> None:
    found = savings(TALLY, "doubt")

    assert found is not None
    assert found.sentence(pairs=1_000) == (
        "cues ruled out 800 of 1,000 pairs (80%); none of them audited, so what was missed is "
        "unknown"
    )


NAMES = st.sampled_from(["planning", "doubt", "goal-setting"])
PAIRS = st.lists(st.tuples(NAMES, st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(PAIRS)
def test_the_figures_are_those_of_counting_pair_by_pair(
    pairs: list[tuple[str, bool, bool]],
) -> None:
    tally: dict[str, int] = {}
    for name, audited, shown in pairs:
        counts = {"ruled-out": 1, "audited": audited, "missed": audited and shown}
        for what, count in counts.items():
            tally[f"{what}/{name}"] = tally.get(f"{what}/{name}", 0) + count

    for element in (None, "planning"):
        mine = [pair for pair in pairs if element in (None, pair[0])]
        found = savings(tally, element)
        if not mine:
            assert found is None
            continue
        assert found is not None
        assert found.ruled_out == len(mine)
        assert found.audited == sum(audited for _, audited, _ in mine)
        assert found.shown == sum(audited and shown for _, audited, shown in mine)
        assert found.missed.low <= found.shown / max(1, found.audited) <= found.missed.high
