"""What --arms says."""

from __future__ import annotations

import pytest

from cogtrace.errors import OptionError
from cogtrace.experiments.arms import folder_names, parse_arms
from cogtrace.experiments.control import controls


def test_arms_are_plugins_joined_by_plus_with_their_options() -> None:
    arms = parse_arms(["plain,restate,analogy:k=2,shared=true+abduce", "vote:samples=3"])

    assert [arm.name for arm in arms] == ["plain", "restate", "analogy+abduce", "vote"]
    assert [str(arm.plan) for arm in arms] == ["no plugins", "restate", "analogy,abduce", "vote"]
    assert arms[2].plan.steps[0].options["k"] == 2
    assert arms[2].plan.steps[0].options["shared"] is True


def test_arms_that_differ_in_options_only_are_named_by_them() -> None:
    arms = parse_arms(["vote:samples=3,vote:samples=5,temperature=1.0"])

    assert [arm.name for arm in arms] == ["vote:samples=3", "vote:samples=5,temperature=1.0"]
    assert len({arm.folder for arm in arms}) == 2
    assert all("/" not in arm.folder and ":" not in arm.folder for arm in arms)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plain", "two or more"),
        ("plain,plain", "named twice"),
        ("plain,,restate", "no name"),
        ("plain,nobody", "nobody"),
        ("plain,restate:nope=1", "nope"),
        ("plain,vote+budget", "both implement"),
        ("plain,control", "control arm"),
        ('plain,restate:a="b', "not closed"),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_arms([text])


def test_a_plus_sign_in_a_number_or_in_quotes_ends_no_plugin() -> None:
    (_, arm) = parse_arms(["plain,vote:temperature=1e+0"])

    assert arm.plan.steps[0].options["temperature"] == 1.0


def test_folders_are_words_and_no_two_alike() -> None:
    assert folder_names(["a/b", "a:b", "A-B", "", "..", "x" * 99]) == [
        "a-b",
        "a-b-2",
        "a-b-3",
        "arm",
        "arm-2",
        "x" * 60,
    ]


def test_controls_spend_like_the_dearest_arm_or_like_each() -> None:
    arms = parse_arms(["plain,restate,vote"])

    assert [(c.name, c.like) for c in controls(arms, "dearest")] == [
        ("control", ("restate", "vote"))
    ]
    assert [(c.name, c.like) for c in controls(arms, "each")] == [
        ("control-vs-restate", ("restate",)),
        ("control-vs-vote", ("vote",)),
    ]
    assert controls(arms, "none") == ()
