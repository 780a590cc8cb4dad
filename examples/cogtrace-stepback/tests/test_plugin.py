"""Step-back prompting: what every plugin must keep, and what is special here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cogtrace_stepback.plugin import KIND

from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.plugins.pipeline import GuidanceRun
from cogtrace.plugins.testing import PROPERTIES, Property, Subject, statement

Run = Callable[..., list[GuidanceRun]]
Engine = Callable[..., ScriptedEngine]

PRINCIPLE = "Distance is speed times time."
RULES = (
    {"when": "Step back", "answer": PRINCIPLE},
    {"when": "", "answer": "The answer is 2."},
)


@pytest.mark.parametrize("holds", PROPERTIES, ids=statement)
def test_it_keeps_what_every_plugin_must_keep(holds: Property) -> None:
    holds(Subject(KIND))


def test_the_principle_stands_before_the_question(run_plugin: Run, scripted_engine: Engine) -> None:
    (run,) = run_plugin(KIND, "How long for 100 km at 50?", engine=scripted_engine(*RULES))

    assert run.answer == "2"
    solving = run.calls[-1].messages[-1].content
    assert solving.endswith(f"{PRINCIPLE}\n\nHow long for 100 km at 50?")


@pytest.mark.parametrize("position", ["before", "after", "system"])
def test_it_stands_where_the_option_says(
    run_plugin: Run, scripted_engine: Engine, position: str
) -> None:
    options = {"position": position}

    (run,) = run_plugin(KIND, "Why?", options=options, engine=scripted_engine(*RULES))

    assert [block.position for block in run.scaffolds] == [position]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param({"answer": " "}, id="an empty one"),
        pytest.param({"answer": "Distance is", "finish": "length"}, id="half a one"),
    ],
)
def test_no_principle_adds_nothing(
    run_plugin: Run, scripted_engine: Engine, reply: dict[str, str]
) -> None:
    engine = scripted_engine({"when": "Step back"} | reply, RULES[1])

    (run,) = run_plugin(KIND, "Why?", engine=engine)

    assert run.scaffolds == ()
    assert run.answer == "2"
