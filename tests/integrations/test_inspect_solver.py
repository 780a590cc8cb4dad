"""Guidance inside Inspect AI itself, its model a server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback import LoopbackServer, answer, status

pytest.importorskip("inspect_ai", reason="scripts/test-integrations has Inspect AI")
pytestmark = pytest.mark.filterwarnings("default")  # of others' making

from inspect_ai import Task, eval  # noqa: E402
from inspect_ai.dataset import Sample  # noqa: E402
from inspect_ai.scorer import match  # noqa: E402

from cogtrace.errors import OptionError  # noqa: E402
from cogtrace.integrations.inspect_solver import cogtrace_guidance  # noqa: E402

QUESTION = "What is 17 + 24?"


@pytest.fixture(scope="module")
def running() -> Iterator[LoopbackServer]:
    # One for all tests: Inspect keeps its model, and with it the address of the server.
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def server(running: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> LoopbackServer:
    monkeypatch.setenv("LOOP_BASE_URL", running.base_url)
    monkeypatch.setenv("LOOP_API_KEY", "none")
    return running


def evaluated(folder: Path, *samples: Sample, **options: Any) -> Any:
    task = Task(dataset=list(samples), solver=cogtrace_guidance(**options), scorer=match("any"))
    (log,) = eval(task, model="openai-api/loop/tiny", log_dir=str(folder), display="none")
    return log


def test_a_sample_is_solved_with_a_scaffold_and_scored(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.always = answer("In other words: add. The answer is 41.")
    log = evaluated(tmp_path, Sample(id="s", input=QUESTION, target="41"), with_="restate")

    assert log.status == "success", log.error
    (sample,) = log.samples
    assert sample.scores["match"].value == "C"
    record = sample.metadata["cogtrace"]
    assert (record["outcome"], record["answer"]) == ("answered", "41")
    assert [step["plugin"] for step in record["plan"]] == ["restate"]
    assert record["usage_by_plugin"]["restate"]["requests"] == 1
    last = server.chats[-1].body["messages"][-1]["content"]
    assert last.endswith(QUESTION)
    assert "In other words: add." in last


def test_what_was_said_before_the_question_stays_before_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    said: Any = [
        ChatMessageSystem(content="Be brief."),
        ChatMessageUser(content="Hello"),
        ChatMessageAssistant(content="Hello yourself"),
        ChatMessageUser(content=QUESTION),
    ]
    server.always = answer("41")
    log = evaluated(tmp_path, Sample(id="s", input=said, target="41"), with_="restate")

    assert log.status == "success", log.error
    sent = server.chats[-1].body["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert sent[1]["content"] == "Hello"


def test_a_task_that_fails_is_an_error_of_its_sample(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.always = status(400, "no such thing")
    log = evaluated(tmp_path, Sample(id="s", input=QUESTION, target="41"), with_="restate")

    assert log.status == "error"
    assert "cogtrace: restate" in log.error.message


def test_an_unknown_plugin_is_refused_before_anything_runs() -> None:
    with pytest.raises(OptionError, match="restat"):
        cogtrace_guidance("restat")
