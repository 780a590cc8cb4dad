"""What plugins may do wrong: each costs its own task, is named, and leaves the others whole."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from guidance_kinds import answering, kind, user_text

from cogtrace.engines import Engine, Failure, Request, Result
from cogtrace.errors import Stopped
from cogtrace.plugins.guidance import (
    BoundReached,
    CallFailed,
    Candidate,
    Choice,
    Clarification,
    GuidanceKind,
    Scaffold,
    Task,
    TaskRun,
    Verdict,
)
from cogtrace.plugins.pipeline import GuidanceRun, Pipeline, guide_sync, make_plan

BAD, GOOD = "bad", "good"


def _both(
    plugin: GuidanceKind | tuple[GuidanceKind, dict[str, Any]], engine: Engine | None = None
) -> GuidanceRun:
    """Return the record of a task that a plugin spoils; the one beside it must be whole."""
    tasks = [Task(task_id=name, question=f"How {name}?") for name in (BAD, GOOD)]
    bad, good = guide_sync(tasks, [plugin], engine=engine or answering())
    assert (good.outcome, good.errors) == ("answered", ())
    assert bad.outcome == "failed"
    return bad  # type: ignore[no-any-return]


def _only_bad(value: Callable[[], Any]) -> Callable[..., Any]:
    return lambda run, **_: value() if run.task.task_id == BAD else None


def _raises(error: BaseException) -> Callable[[], Any]:
    def raising() -> Any:
        raise error

    return raising


@pytest.mark.parametrize("hook", ["clarify", "scaffolds", "solve", "judge", "choose"])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    "error", [ValueError("a\ud800b"), SystemExit(3), StopIteration(1), asyncio.CancelledError()]
)
def test_an_exception_is_recorded_with_plugin_hook_and_reason(
    hook: str, plain: bool, error: BaseException
) -> None:
    def spoils(run: TaskRun) -> None:
        if run.task.task_id == BAD:
            raise error

    async def spoils_later(run: TaskRun) -> None:
        await asyncio.sleep(0)
        spoils(run)

    hooks: Any = {hook: spoils if plain else spoils_later}
    bad = _both(kind("spoiler", **hooks))

    (found,) = bad.errors
    assert (found.plugin, found.hook, found.kind) == ("spoiler", f"cogtrace_{hook}", "raised")
    name = "RuntimeError" if isinstance(error, StopIteration) else type(error).__name__
    assert found.message.startswith(name)
    found.message.encode()


NONSENSE: list[tuple[str, Any, str]] = [
    ("scaffolds", 7, "returned int 7"),
    ("scaffolds", [Scaffold(text="a"), "b"], "returned str 'b'"),
    ("scaffolds", Scaffold(text=3), "Scaffold that is none"),  # type: ignore[arg-type]
    ("scaffolds", Scaffold(text="a", position="below"), "Scaffold that is none"),  # type: ignore[arg-type]
    ("scaffolds", "half \udc00", "half a surrogate pair"),
    ("scaffolds", ["x"] * 65, "65 blocks"),
    ("scaffolds", "x" * 2_000_001, "more than 2,000,000 characters"),
    ("clarify", "why?", "returned str 'why?'"),
    ("clarify", Clarification(question=" "), "without a question"),
    ("solve", [], "no candidate"),
    ("solve", Candidate(id="a", text="b"), "not a list of Candidate"),
    ("solve", [Candidate(id="a", text="b"), Candidate(id="a", text="c")], "same id"),
    ("solve", [Candidate(id="a", text="b", confidence=1.5)], "confidence 1.5"),
    ("solve", [Candidate(id="a", text="b", confidence=float("nan"))], "confidence nan"),
    ("solve", [Candidate(id="a", text="b", answer="\ud800")], "half a surrogate pair"),
    ("solve", [Candidate(id=str(n), text="b") for n in range(1_025)], "1,025 candidates"),
    ("judge", {"c1": "keep"}, "not a list of Verdict"),
    ("judge", [Verdict(candidate="c9")], "'c9', which is no candidate"),
    ("judge", [Verdict(candidate="c1", weight=-1.0)], "weight -1.0"),
    ("judge", [Verdict(candidate="c1", weight=float("inf"))], "weight inf"),
    ("judge", [Verdict(candidate="c1"), Verdict(candidate="c1")], "judged a candidate twice"),
    ("choose", "41", "returned str '41'"),
    ("choose", Choice(answer="41", candidate="c7"), "'c7', which is no candidate that was kept"),
    ("choose", Choice(answer=41), "Choice that is none"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("hook", "value", "reason"), NONSENSE)
def test_nonsense_is_refused_by_name(hook: str, value: Any, reason: str) -> None:
    def returns(run: TaskRun) -> Any:
        return value if run.task.task_id == BAD else None

    hooks: Any = {hook: returns}
    (found,) = _both(kind("odd", **hooks)).errors

    assert (found.plugin, found.hook, found.kind) == ("odd", f"cogtrace_{hook}", "refused")
    assert reason in found.message


@pytest.mark.parametrize("broken", ["raises", "lone \ud800", 7])
def test_whoever_answers_a_question_back_may_fail_too(broken: object) -> None:
    def answers(task: Task, asked: Clarification) -> Any:
        if task.task_id == GOOD:
            return "the left one"
        if broken == "raises":
            raise RuntimeError("gone home")
        return broken

    asks = kind("asks", clarify=lambda: Clarification(question="Which?"))
    tasks = [Task(task_id=name, question="How?") for name in (BAD, GOOD)]
    bad, good = guide_sync(tasks, [asks], engine=answering(), answers=answers)

    assert (good.outcome, bad.outcome) == ("answered", "failed")
    assert [(e.plugin, e.hook) for e in bad.errors] == [("pipeline", "cogtrace_clarify")]


def test_a_value_whose_repr_raises_is_refused_all_the_same() -> None:
    class Sly:
        def __repr__(self) -> str:
            raise RuntimeError("not me")

    returns = _only_bad(Sly)
    (found,) = _both(kind("sly", scaffolds=lambda run: returns(run))).errors

    assert (found.kind, found.message) == ("refused", "returned Sly, not Scaffold")


@pytest.mark.parametrize("raised", [CallFailed, BoundReached, ValueError])
@pytest.mark.parametrize("hook", ["scaffolds", "observe"])
def test_whatever_a_plugin_says_when_it_fails_can_be_written_down(
    hook: str, raised: type[Exception]
) -> None:
    def fails() -> None:
        raise raised("half \ud83d")

    hooks: Any = {hook: fails}
    run = guide_sync("How?", [kind("fails", **hooks)], engine=answering())

    assert b"half \\\\ud83d" in msgspec.json.encode(run)


def test_what_an_engine_says_of_a_failure_can_be_written_down() -> None:
    failure = Failure(kind="server-error", message="half \ud83d")
    engine = answering(lambda _: Result(finish="failed", failure=failure))

    run = guide_sync("How?", engine=engine)

    assert run.calls[0].failure == "half \\ud83d"
    assert msgspec.json.encode(run)


def test_an_async_hook_that_hangs_is_ended_and_costs_nobody_else_time() -> None:
    async def hangs(run: TaskRun) -> None:
        if run.task.task_id == BAD:
            await asyncio.sleep(60)

    began = time.monotonic()
    (found,) = _both((kind("slow", scaffolds=hangs), {"timeout": 0.2})).errors

    assert (found.kind, found.message) == ("timeout", "took more than 0.2 seconds")
    assert time.monotonic() - began < 10


def test_a_plain_hook_that_hangs_is_left_behind_and_the_others_go_on() -> None:
    free = threading.Event()

    def hangs(run: TaskRun) -> None:
        if run.task.task_id == BAD:
            free.wait(60)

    try:
        (found,) = _both((kind("stuck", scaffolds=hangs), {"timeout": 0.2})).errors
    finally:
        free.set()
    assert (found.hook, found.kind) == ("cogtrace_scaffolds", "timeout")


def test_a_plugin_that_hangs_on_every_task_does_not_fill_the_machine_with_threads() -> None:
    free = threading.Event()
    before = threading.active_count()
    tasks = [f"Question {n}?" for n in range(40)]
    hanging = kind("stuck", scaffolds=lambda run: free.wait(60))
    try:
        runs = guide_sync(tasks, [(hanging, {"timeout": 0.05})], engine=answering())
        assert threading.active_count() - before <= 12
    finally:
        free.set()

    assert {error.kind for run in runs for error in run.errors} == {"timeout"}
    assert {error.message for run in runs for error in run.errors} == {
        "took more than 0.05 seconds",
        "not called: 8 calls of it hang already",
    }
    assert {run.outcome for run in runs} == {"failed"}


def test_the_time_that_a_hook_waits_for_the_model_does_not_count() -> None:
    async def asks(run: TaskRun) -> str:
        (reply,) = await run.ask("?")
        return reply.text

    engine = _slow(0.4)
    run = guide_sync("How?", [(kind("asks", scaffolds=asks), {"timeout": 0.2})], engine=engine)

    assert run.outcome == "answered"


def _slow(seconds: float) -> Engine:
    from cogtrace.engines.scripted import ScriptedEngine

    return ScriptedEngine.from_function(lambda _: "Answer: 1", latency_ms=seconds * 1_000)


def test_what_a_plugin_may_spend_is_a_bound_that_it_can_catch_and_cannot_pass() -> None:
    seen = []

    async def greedy(run: TaskRun) -> None:
        seen.append(run.left.calls or 0)
        await asyncio.gather(run.ask("1"), run.ask("2"))
        seen.append(run.left.calls or 0)
        with pytest.raises(BoundReached, match="greedy may make 3 calls per task; 1 are left, 2"):
            await run.ask("3", samples=2)
        await run.ask("4")
        if run.task.task_id == BAD:
            await run.ask("5")

    bad = _both((kind("greedy", scaffolds=greedy), {"max_calls": 3}))

    assert sorted(seen) == [1, 1, 3, 3]
    assert (bad.errors[0].kind, bad.errors[0].plugin) == ("bound", "greedy")
    assert bad.usage_by_plugin["greedy"].requests == 3


def test_tokens_are_a_bound_too_and_shorten_the_last_answer() -> None:
    asked: list[int] = []

    def says(request: Request) -> str:
        if "Talk" not in user_text(request):
            return "Answer: 1"
        asked.append(request.max_tokens)
        return "word " * 500

    async def talks(run: TaskRun) -> None:
        if run.task.task_id != BAD:
            return
        await run.ask("Talk.", max_tokens=60)
        assert run.left.tokens is not None
        assert run.left.tokens < 45
        await run.ask("Talk.", max_tokens=60)
        await run.ask("Talk.", max_tokens=60)

    bad = _both((kind("talks", scaffolds=talks), {"max_tokens": 100}), answering(says))

    assert bad.errors[0].kind == "bound"
    assert asked[0] == 60 > asked[1]
    spent = bad.usage_by_plugin["talks"]
    assert spent.prompt_tokens + spent.completion_tokens <= 100


def test_nobody_but_the_plugin_sees_what_it_does_to_the_records_it_gets() -> None:
    def spoils(run: TaskRun) -> None:
        run.task.meta["answer"] = "spoilt"
        run.task.meta["deep"]["list"].append("spoilt")
        msgspec.structs.force_setattr(run.task, "question", "Another question?")

    def looks(run: TaskRun) -> str:
        return f"{run.task.question} {run.task.meta}"

    def overwrites(run: TaskRun) -> None:
        run.task.question = "Another question?"  # type: ignore[misc]

    task = Task(task_id="1", question="How?", meta={"deep": {"list": [1]}})
    plugins = [kind("spoils", scaffolds=spoils), kind("looks", scaffolds=looks)]
    run = guide_sync(task, plugins, engine=answering())

    assert run.scaffolds[0].text == "How? {'deep': {'list': [1]}}"
    assert run.calls[-1].messages[-1].content.endswith("\n\nHow?")
    assert (run.question, run.meta, task.meta) == ("How?", {"deep": {"list": [1]}}, run.meta)
    (found,) = guide_sync(task, [kind("o", scaffolds=overwrites)], engine=answering()).errors
    assert found.message.startswith("AttributeError: immutable type")


def test_a_record_that_is_forced_open_harms_only_who_forced_it() -> None:
    def force(record: Any, field: str) -> None:
        msgspec.structs.force_setattr(record, field, "forced")

    def blocks(run: TaskRun) -> None:
        force(run.task, "context")
        force(run.scaffolds[0], "text")

    def judges(candidates: tuple[Candidate, ...]) -> list[Verdict]:
        force(candidates[0], "answer")
        return [Verdict(candidate="c1", reason="true")]

    def chooses(candidates: tuple[Candidate, ...], verdicts: tuple[Verdict, ...]) -> None:
        force(candidates[0], "answer")
        force(verdicts[0], "reason")

    def watches(event: Any) -> None:
        value = event.value[0] if isinstance(event.value, tuple) else event.value
        for field in ("text", "answer", "messages"):
            if hasattr(value, field):
                force(value, field)

    plugins = [
        kind("before", scaffolds=lambda: "Take care."),
        kind("all", scaffolds=blocks, judge=judges, choose=chooses, observe=watches),
    ]
    run = guide_sync(Task(task_id="1", question="How?"), plugins, engine=answering())

    assert "forced" not in repr(run)
    assert (run.answer, run.errors) == ("41", ())


def test_a_question_forced_into_another_one_is_still_put_as_it_was_given() -> None:
    def forces(run: TaskRun) -> None:
        msgspec.structs.force_setattr(run.task, "question", "Another question?")

    run = guide_sync("How?", [kind("forces", scaffolds=forces)], engine=answering())

    assert run.calls[-1].messages[-1].content == "How?"
    assert run.question == "How?"


def _fails(when: str) -> Engine:
    failure = Failure(kind="rejected", message="not today")

    def says(request: Request) -> str | Result:
        if when in user_text(request):
            return Result(finish="failed", failure=failure)
        return "Answer: 1"

    return answering(says)


def test_a_call_without_an_answer_can_be_caught_and_else_ends_the_task() -> None:
    async def asks(run: TaskRun) -> str | None:
        if run.task.task_id != BAD:
            return None
        with pytest.raises(CallFailed, match="not today"):
            await run.ask("please fail")
        await run.ask("fail again")
        return None

    bad = _both(kind("asks", scaffolds=asks), _fails("fail"))

    assert (bad.errors[0].kind, bad.errors[0].plugin) == ("call", "asks")
    assert [(call.finish_reason, call.failure) for call in bad.calls] == [
        ("failed", "not today")
    ] * 2
    assert (
        _both(kind("idle", scaffolds=lambda: None), _fails("How bad?")).errors[0].plugin
        == "pipeline"
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"prompt": 3}, "asked int 3"),
        ({"prompt": []}, "asked list"),
        ({"prompt": "a\ud800"}, "half a surrogate pair"),
        ({"prompt": "a", "samples": 0}, "0 samples"),
        ({"prompt": "a", "samples": True}, "True samples"),
        ({"prompt": "a", "temperature": float("nan")}, "temperature nan"),
        ({"prompt": "a", "max_tokens": 0}, "max_tokens 0"),
        ({"prompt": "a", "schema": "{}"}, "schema that is str"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_before_it_is_made(
    arguments: dict[str, Any], reason: str
) -> None:
    async def asks(run: TaskRun) -> None:
        if run.task.task_id == BAD:
            await run.ask(**arguments)

    bad = _both(kind("asks", scaffolds=asks))

    assert bad.errors[0].kind == "refused"
    assert reason in bad.errors[0].message
    assert [call for call in bad.calls if call.plugin == "asks"] == []


def test_a_call_after_the_hook_has_ended_is_not_made() -> None:
    late: list[str] = []

    async def later(run: TaskRun) -> None:
        await asyncio.sleep(0.05)
        try:
            await run.ask("too late")
        except Exception as error:
            late.append(str(error))

    background = set()

    async def starts(run: TaskRun) -> None:
        background.add(asyncio.create_task(later(run)))

    async def main() -> GuidanceRun:
        plan = make_plan([kind("starts", scaffolds=starts)])
        async with Pipeline(plan, answering()) as pipeline:
            run = await pipeline.run(Task(task_id="1", question="?"))
            await asyncio.gather(*background)
            return run

    assert [call.plugin for call in asyncio.run(main()).calls] == ["pipeline"]
    assert late == ["starts asks after its hook has ended"]


def test_an_engine_that_is_gone_stops_the_run_and_fails_no_task() -> None:
    class Gone:
        trouble: str | None = None

        def __init__(self) -> None:
            self._inner = answering()

        async def start(self) -> Any:
            return await self._inner.start()

        async def complete(self, requests: list[Request]) -> list[Result]:
            self.trouble = "the server is gone"
            failure = Failure(kind="unreachable", message="no connection")
            return [Result(finish="failed", failure=failure) for _ in requests]

        def count_tokens(self, text: str) -> int:
            return 1

        async def close(self) -> None: ...

    async def swallows(run: TaskRun) -> None:
        try:
            await run.ask("?")
        except Exception:
            return

    with pytest.raises(Stopped, match="the server is gone"):
        guide_sync(["a?", "b?"], engine=Gone())
    with pytest.raises(Stopped, match="the server is gone"):
        guide_sync(["a?"], [kind("s", scaffolds=swallows)], engine=Gone())


def test_an_engine_that_breaks_its_promise_stops_the_run_instead_of_hanging() -> None:
    inner = answering()

    class Short:
        trouble = None
        start, close, count_tokens = inner.start, inner.close, inner.count_tokens

        async def complete(self, requests: list[Request]) -> list[Result]:
            return []

    with pytest.raises(Stopped, match="0 results for"):
        guide_sync(["a?", "b?"], engine=Short())


def test_cancelling_a_run_ends_all_of_it() -> None:
    begun = ended = 0

    async def waits(run: TaskRun) -> None:
        nonlocal begun, ended
        begun += 1
        try:
            await asyncio.sleep(60)
        finally:
            ended += 1

    async def main() -> None:
        from cogtrace.plugins.pipeline import guide

        tasks = [f"{n}?" for n in range(20)]
        job = asyncio.create_task(guide(tasks, [kind("w", scaffolds=waits)], engine=answering()))
        while begun < 20:
            await asyncio.sleep(0.01)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert (begun, ended) == (20, 20)
