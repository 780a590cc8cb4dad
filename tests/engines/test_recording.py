"""Recordings of engines, and answering from them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cogtrace.engines.base import EngineSettings, Message, Request, Result
from cogtrace.engines.recording import RecordingEngine, read_recording, request_hash
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.errors import EngineError


def ask(text: str, key: str = "", schema: dict[str, object] | None = None) -> Request:
    messages = (Message(role="user", content=text),)
    return Request(messages=messages, max_tokens=50, key=key, schema=schema)


def shout(request: Request) -> str | Result | None:
    return request.messages[-1].content.upper()


def record(
    path: Path, *requests: Request, answer: Callable[[Request], str | Result | None] = shout
) -> list[Result]:
    async def go() -> list[Result]:
        engine = RecordingEngine(ScriptedEngine.from_function(answer), path)
        await engine.start()
        try:
            return await engine.complete(requests)
        finally:
            await engine.close()

    return asyncio.run(go())


def replay(path: Path, *requests: Request) -> list[Result]:
    async def go() -> list[Result]:
        engine = ScriptedEngine(EngineSettings(model=str(path)))
        await engine.start()
        return await engine.complete(requests)

    return asyncio.run(go())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "recording.jsonl"


def test_what_was_recorded_is_answered_again_with_its_usage(path: Path) -> None:
    requests = [ask("a", "k1"), ask("b"), ask("c", "k3")]

    results = record(path, *requests)

    assert [result.text for result in results] == ["A", "B", "C"]
    assert replay(path, *reversed(requests)) == results[::-1]
    assert all(result.usage.prompt for result in results)


def test_a_key_finds_its_answer_although_the_prompt_differs(path: Path) -> None:
    record(path, ask("fence 17", "unit"), ask("other", "unit 2"))

    (found,) = replay(path, ask("fence 99", "unit"))

    assert found.text == "FENCE 17"


def test_under_one_key_the_same_prompt_counts_before_the_last_entry(path: Path) -> None:
    record(path, ask("first", "unit"), ask("repair", "unit"))

    results = replay(path, ask("first", "unit"), ask("new", "unit"))

    assert [result.text for result in results] == ["FIRST", "REPAIR"]


def test_without_a_key_messages_and_schema_must_be_the_same(path: Path) -> None:
    record(path, ask("a", schema={"type": "string"}))

    same, other_text, other_schema = replay(
        path, ask("a", schema={"type": "string"}), ask("b", schema={"type": "string"}), ask("a")
    )

    assert same.text == "A"
    for missing in (other_text, other_schema):
        assert missing.failure is not None
        assert missing.failure.kind == "rejected"
        assert "recording.jsonl: no request with the hash" in missing.failure.message


def test_a_key_that_was_not_recorded_is_named(path: Path) -> None:
    record(path, ask("a", "k1"))

    (missing,) = replay(path, ask("a", "k2"))

    assert missing.failure is not None
    assert missing.failure.message == "recording.jsonl: nothing was recorded under the key 'k2'"


def test_role_and_place_of_a_message_are_part_of_what_was_asked() -> None:
    def hashed(*messages: tuple[str, str]) -> str:
        made = tuple(
            Message(role="user" if role == "user" else "system", content=text)
            for role, text in messages
        )
        return request_hash(Request(messages=made, max_tokens=1))

    asked = [
        hashed(("user", "ab")),
        hashed(("system", "ab")),
        hashed(("user", "a"), ("user", "b")),
        hashed(("user", "a\0user\0b")),
        hashed(("user", "b"), ("user", "a")),
    ]
    assert len(set(asked)) == len(asked)


def test_a_recording_is_continued_and_the_last_entry_counts(path: Path) -> None:
    record(path, ask("a", "k"))
    record(path, ask("a", "k"), answer=lambda request: "again")

    assert len(read_recording(path)) == 2
    assert replay(path, ask("a", "k"))[0].text == "again"


def test_failures_are_recorded_too(path: Path) -> None:
    def fail(request: Request) -> str | Result | None:
        raise TimeoutError("slow")

    results = record(path, ask("a", "k"), answer=fail)

    assert replay(path, ask("a", "k")) == results
    assert results[0].finish == "failed"


def test_the_prompt_itself_is_not_kept(path: Path) -> None:
    record(path, ask("private words", "k"), answer=lambda request: "fine")

    assert "private" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("cut", [1, 5, 12, 40, -2, -1])
def test_a_torn_last_line_is_left_out_and_written_over(path: Path, cut: int) -> None:
    record(path, ask("a", "k1"))
    whole = path.read_bytes()
    record(path, ask("b", "k2"))
    second = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + second[:cut])

    complete = cut == -1  # only the line break is missing
    assert [entry.key for entry in read_recording(path)] == ["k1", "k2"][: 1 + complete]

    record(path, ask("c", "k3"))
    keys = [json.loads(line)["key"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert keys == (["k1", "k2", "k3"] if complete else ["k1", "k3"])


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"notes of mine", 1), (b"{}\n", 1), (b'{"key":"a","requ\n{"key":', 1), (b"\n\xff\n", 2)],
)
def test_a_file_that_is_no_recording_is_refused_and_left_as_it_is(
    path: Path, content: bytes, line: int
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(EngineError, match=f"recording.jsonl, line {line}: not a recorded result"):
        record(path, ask("a"))
    assert path.read_bytes() == content
    with pytest.raises(EngineError, match=f"line {line}"):
        replay(path, ask("a"))


def test_a_folder_in_place_of_the_file_is_named(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(EngineError, match=r"recording.jsonl: cannot be read"):
        record(path, ask("a"))


def test_half_a_surrogate_pair_is_recorded_as_a_question_mark(path: Path) -> None:
    record(path, ask("a \ud800", "k"), answer=lambda request: "said \ud800")

    assert replay(path, ask("a \ud800", "k"))[0].text == "said ?"


def test_a_recording_engine_is_what_it_wraps_for_all_else(path: Path) -> None:
    async def go() -> None:
        engine = RecordingEngine(ScriptedEngine(), path)
        info = await engine.start()
        assert info.engine == "scripted"
        assert engine.count_tokens("one two") == 2
        assert engine.trouble is None
        await engine.close()
        await engine.close()
        with pytest.raises(EngineError, match=r"start\(\) comes first"):
            await engine.complete([ask("a")])

    asyncio.run(go())
