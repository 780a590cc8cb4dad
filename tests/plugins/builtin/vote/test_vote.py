from __future__ import annotations

import pytest
from guided import TASK, guided
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.errors import OptionError
from cogtrace.grading import same_answer
from cogtrace.plugins.guidance import Candidate, Sampling, Verdict
from cogtrace.plugins.voting import vote

ANSWERS = ["The answer is 29.", "The answer is 30.", "\\boxed{29.0}", "So 31", "**29**"]


def test_the_answer_given_most_often_wins_however_it_is_written() -> None:
    run = guided("vote", {"vote": ANSWERS})

    assert run.usage_by_plugin["vote"].requests == 5
    assert run.answer == "29"
    assert run.choice is not None
    assert run.choice.reason == "3 of 5 votes"
    assert all(call.messages[-1].content == TASK.question for call in run.calls)


def test_it_is_what_the_pipeline_does_with_samples_of_its_own() -> None:
    drawn = guided("vote", {"vote": ANSWERS})
    plain = guided((), {"pipeline": ANSWERS}, sampling=Sampling(samples=5))

    assert (drawn.answer, drawn.choice and drawn.choice.reason) == (
        plain.answer,
        plain.choice and plain.choice.reason,
    )


def test_without_samples_of_its_own_it_only_votes() -> None:
    run = guided("vote:samples=0,kind=exact", {"pipeline": ANSWERS}, sampling=Sampling(samples=5))

    assert set(run.usage_by_plugin) == {"pipeline"}
    assert run.choice is not None
    assert (run.choice.plugin, run.choice.reason) == ("vote", "2 of 5 votes")


def test_letters_are_taken_from_the_texts_for_choices() -> None:
    replies = ["It is not (A).\nIt is (B)", "Answer: B) seven", "(A)"]
    run = guided("vote:samples=3,kind=choice", {"vote": replies})

    assert run.answer == "B"


def test_mathematics_is_compared_by_value() -> None:
    pytest.importorskip("math_verify")
    replies = ["\\boxed{x+1}", "\\boxed{2x}", "\\boxed{1+x}", "\\boxed{3x}"]

    run = guided("vote:samples=4,kind=maths", {"vote": replies})

    assert run.answer == "x+1"


def test_of_equals_the_one_given_first_wins() -> None:
    assert (
        guided("vote:samples=4", {"vote": ["#### 2", "#### 1", "#### 1", "#### 2"]}).answer == "2"
    )


def test_answers_are_drawn_at_a_temperature_of_their_own() -> None:
    seen: list[float] = []

    def reply(request: object) -> str:
        seen.append(request.temperature)  # type: ignore[attr-defined]
        return "#### 1"

    guided("vote:samples=2,temperature=1.1", {"vote": reply})

    assert seen == [1.1, 1.1]


@pytest.mark.parametrize("options", ["samples=-1", "samples=x", "kind=poem"])
def test_options_that_make_no_sense_are_refused(options: str) -> None:
    with pytest.raises(OptionError, match=r"samples|kind"):
        guided(f"vote:{options}")


WEIGHTS = st.floats(0, 1e308)
VOTERS = st.lists(
    st.tuples(st.sampled_from(["1", "1.0", "2", "x", None]), WEIGHTS, WEIGHTS), max_size=9
)


@settings(deadline=None, max_examples=50)
@given(VOTERS)
def test_the_winner_has_the_greatest_weight_of_all_who_say_the_same(
    voters: list[tuple[str | None, float, float]],
) -> None:
    candidates = [Candidate(id=str(n), text="", answer=a) for n, (a, _, _) in enumerate(voters)]
    verdicts = [
        Verdict(candidate=str(n), verdict="weight", weight=weight)
        for n, (_, *weights) in enumerate(voters)
        for weight in weights
    ]

    choice = vote(candidates, verdicts)

    said = [(a, min(min(v, 1e300) * w, 1e300)) for a, v, w in voters if a is not None]
    if not said:
        assert choice.answer is None
        return
    assert choice.answer is not None

    def weight(answer: str) -> float:
        return sum(w for a, w in said if same_answer(a, answer))

    assert weight(choice.answer) == pytest.approx(max(weight(a) for a, _ in said))
