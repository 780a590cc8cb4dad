"""Guidance inside DSPy itself, its model a server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from loopback import LoopbackServer, answer, status

dspy: Any = pytest.importorskip("dspy", reason="scripts/test-integrations has DSPy")
pytestmark = pytest.mark.filterwarnings("default")  # of others' making

from cogtrace.errors import OptionError  # noqa: E402
from cogtrace.integrations.dspy_module import Guided  # noqa: E402

QUESTION = "What is 17 + 24?"


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        lm = dspy.LM("openai/tiny", api_base=server.base_url, api_key="none", cache=False)
        with dspy.context(lm=lm):
            yield server


def test_a_question_is_answered_with_a_scaffold(server: LoopbackServer) -> None:
    server.always = answer("In other words: add. The answer is 41.")
    found = Guided("restate")(question=QUESTION)

    assert (found.answer, found.run.outcome) == ("41", "answered")
    assert found.text == "In other words: add. The answer is 41."
    assert server.chats[-1].body["messages"][-1]["content"].endswith(QUESTION)
    assert found.run.usage.requests == 2
    assert found.run.usage.prompt_tokens > 0


def test_it_works_within_an_event_loop_and_with_a_model_of_its_own(server: LoopbackServer) -> None:
    server.always = answer("41")
    own = dspy.LM("openai/own", api_base=server.base_url, api_key="none", cache=False)
    module = Guided("restate", lm=own)

    found = asyncio.run(module.acall(question=QUESTION, context="Numbers are decimal."))

    assert found.run.model.model == "openai/own"
    assert "Numbers are decimal." in server.chats[-1].body["messages"][-1]["content"]


def test_a_failure_is_in_the_record(server: LoopbackServer) -> None:
    server.always = status(400, "no such thing")
    found = Guided("restate")(question=QUESTION)

    assert (found.answer, found.run.outcome) == (None, "failed")
    assert found.run.errors[0].plugin == "restate"


def test_an_unknown_plugin_is_refused_when_the_module_is_made() -> None:
    with pytest.raises(OptionError, match="restat"):
        Guided("restat")
