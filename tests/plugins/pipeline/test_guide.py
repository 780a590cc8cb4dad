"""From the user's side: tasks in, records out."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from guidance_kinds import answering, kind, user_text

from cogtrace.engines import Message, Request
from cogtrace.errors import OptionError
from cogtrace.plugins.guidance import (
    Candidate,
    Choice,
    Clarification,
    Sampling,
    Scaffold,
    Task,
    TaskRun,
    Verdict,
)
from cogtrace.plugins.pipeline import GuidanceRun, guide, guide_sync
from cogtrace.schemas import problems

QUESTION = "What is 17 + 24?"


async def _restated(run: TaskRun) -> str:
    (reply,) = await run.ask(f"Say it in your own words: {run.task.question}")
    return f"In other words: {reply.text}"


def _says(request: Request) -> str:
    return "Add two numbers." if "own words" in user_text(request) else "Answer: 41"


RESTATE = kind("restate", scaffolds=_restated)


def test_a_question_goes_through_a_plugin_and_the_model_and_all_of_it_is_recorded() -> None:
    run = guide_sync(QUESTION, [RESTATE], engine=answering(_says))

    assert isinstance(run, GuidanceRun)
    assert (run.outcome, run.answer, run.errors) == ("answered", "41", ())
    assert [(call.plugin, call.text) for call in run.calls] == [
        ("restate", "Add two numbers."),
        ("pipeline", "Answer: 41"),
    ]
    assert run.calls[1].messages == (
        Message(role="user", content=f"In other words: Add two numbers.\n\n{QUESTION}"),
    )
    assert {name: usage.requests for name, usage in run.usage_by_plugin.items()} == {
        "restate": 1,
        "pipeline": 1,
    }
    assert run.usage.prompt_tokens == sum(call.usage.prompt_tokens for call in run.calls) > 0
    assert run.text == "Answer: 41"
    assert problems("guidance-run", json.loads(msgspec.json.encode(run))) == []


def test_without_plugins_the_question_is_asked_as_it_is() -> None:
    run = guide_sync(QUESTION, engine=answering())

    assert [call.messages for call in run.calls] == [(Message(role="user", content=QUESTION),)]
    assert run.plan == ()


def test_many_tasks_come_back_in_order_each_graded_by_its_own_answer() -> None:
    tasks = [
        {"question": f"What is {n} + 1?", "reference_answer": str(n + 1 if n % 2 else n)}
        for n in range(50)
    ]

    def says(request: Request) -> str:
        return f"Answer: {int(user_text(request).split()[2]) + 1}"

    runs = guide_sync(tasks, engine=answering(says))

    assert [run.answer for run in runs] == [str(n + 1) for n in range(50)]
    assert [run.correct for run in runs] == [n % 2 == 1 for n in range(50)]
    assert guide_sync([], engine=answering()) == []


def test_blocks_stand_around_the_question_in_the_order_of_the_plan() -> None:
    task = Task(
        task_id="1",
        question=QUESTION,
        context="A shop.",
        history=(
            Message(role="system", content="Be kind."),
            Message(role="user", content="Hello"),
            Message(role="assistant", content="Hello!"),
        ),
    )

    def first(run: TaskRun) -> list[Scaffold]:
        return [
            Scaffold(text="s1", position="system"),
            Scaffold(text="b1"),
            Scaffold(text="a1", position="after"),
        ]

    def second(run: TaskRun) -> list[Scaffold]:
        assert [block.text for block in run.scaffolds] == ["s1", "b1", "a1"]
        return [Scaffold(text="b2"), Scaffold(text="s2", position="system")]

    plugins = [kind("first", scaffolds=first), kind("second", scaffolds=second)]
    run = guide_sync(task, plugins, engine=answering())

    assert [(m.role, m.content) for m in run.calls[0].messages] == [
        ("system", "Be kind.\n\ns1\n\ns2"),
        ("user", "Hello"),
        ("assistant", "Hello!"),
        ("user", f"b1\n\nb2\n\nA shop.\n\n{QUESTION}\n\na1"),
    ]


def test_a_question_back_is_answered_by_a_table_a_function_or_nobody() -> None:
    asks = kind("ask", clarify=lambda run: Clarification(question="Which {answer}?", flaw="vague"))

    async def person(task: Task, asked: Clarification) -> str:
        await asyncio.sleep(0)
        return f"You mean {{question}}: {asked.question}"

    def run(answers: object) -> GuidanceRun:
        return guide_sync(QUESTION, [asks], engine=answering(), answers=answers)  # type: ignore[no-any-return]

    nobody = run(None)
    assert (nobody.outcome, nobody.calls, nobody.answer) == ("clarification", (), None)
    assert nobody.clarification is not None
    assert (nobody.clarification.question, nobody.clarification.flaw) == (
        "Which {answer}?",
        "vague",
    )
    assert run({"task-1": " "}).outcome == "clarification"
    told = run({"task-1": "the first"}).calls[0].messages[-1].content
    assert told.endswith(f"\n\n{QUESTION}")
    assert "Which {answer}?\nThe answer was: the first\n\n" in told
    # What is put in is never read as a template.
    assert "You mean {question}: Which {answer}?" in run(person).calls[0].messages[-1].content


def test_samples_are_put_to_the_vote_and_judges_weigh_and_drop() -> None:
    said = iter(["Answer: 40", "Answer: 41", "Answer: 40", "Answer: 42"])
    heavy = kind(
        "heavy",
        judge=lambda candidates: [
            Verdict(candidate="c2", verdict="weight", weight=5.0, reason="sure"),
            Verdict(candidate="c4", verdict="drop", reason="no"),
        ],
    )
    alike = kind("alike", judge=lambda run, candidates: None)
    run = guide_sync(
        QUESTION,
        [heavy, alike],
        engine=answering(lambda _: next(said)),
        sampling=Sampling(samples=4, temperature=0.7),
    )

    assert [c.answer for c in run.candidates] == ["40", "41", "40", "42"]
    assert (run.answer, run.choice.candidate, run.choice.plugin) == ("41", "c2", "pipeline")
    assert run.choice.reason == "5 of 7 votes"
    assert [(v.plugin, v.candidate, v.verdict) for v in run.verdicts] == [
        ("heavy", "c2", "weight"),
        ("heavy", "c4", "drop"),
    ]


def test_a_plugin_may_solve_and_choose_in_its_own_way() -> None:
    async def solve(run: TaskRun) -> list[Candidate]:
        drafts = await run.ask(run.messages(), samples=2)
        return [
            Candidate(id=f"d{n}", text=draft.text, source="draft") for n, draft in enumerate(drafts)
        ]

    def choose(candidates: tuple[Candidate, ...], verdicts: tuple[Verdict, ...]) -> Choice:
        return Choice(answer="forty-one", candidate=candidates[-1].id, reason="the last")

    run = guide_sync(QUESTION, [kind("own", solve=solve, choose=choose)], engine=answering())

    assert [(c.id, c.plugin, c.answer) for c in run.candidates] == [
        ("d0", "own", "41"),
        ("d1", "own", "41"),
    ]
    assert (run.answer, run.choice.plugin, run.choice.reason) == ("forty-one", "own", "the last")
    assert set(run.usage_by_plugin) == {"own"}


def test_a_task_none_of_whose_candidates_is_kept_has_no_answer() -> None:
    drops = kind("drops", judge=lambda candidates: [Verdict(candidate="c1", verdict="drop")])
    chooses = kind("chooses", choose=lambda: pytest.fail("there is nothing to choose from"))

    run = guide_sync(
        {"question": QUESTION, "reference_answer": "41"}, [drops, chooses], engine=answering()
    )

    assert (run.outcome, run.answer, run.correct) == ("unanswered", None, False)
    assert run.choice is not None
    assert run.choice.candidate is None


def test_observers_see_every_step_and_change_nothing() -> None:
    seen: list[tuple[str, str]] = []

    async def watch(run: TaskRun, event: object) -> str:
        seen.append((event.kind, event.plugin))  # type: ignore[attr-defined]
        if event.kind == "choice":  # type: ignore[attr-defined]
            await run.ask("What do you think?")  # not told to observers, or it would never end
        return "ignored"

    def breaks(event: object) -> None:
        raise RuntimeError("no eyes")

    plugins = [RESTATE, kind("watch", observe=watch), kind("blind", observe=breaks)]
    run = guide_sync(QUESTION, plugins, engine=answering(_says))

    assert seen == [
        ("call", "restate"),
        ("scaffolds", "restate"),
        ("call", "pipeline"),
        ("candidates", "pipeline"),
        ("choice", "pipeline"),
        ("end", "pipeline"),
    ]
    assert (run.outcome, run.answer) == ("answered", "41")
    assert {(e.plugin, e.kind) for e in run.errors} == {("blind", "observer")}
    assert run.usage_by_plugin["watch"].requests == 1


def test_random_numbers_are_those_of_task_and_plugin_whenever_it_is_repeated() -> None:
    def draws(run: TaskRun) -> str:
        assert run.random is run.random
        return f"{run.random.random()} {run.random.random()}"

    def texts(seed: int) -> list[str]:
        plugins = [kind("a", scaffolds=draws), kind("b", scaffolds=draws)]
        runs = guide_sync([QUESTION, QUESTION], plugins, engine=answering(), seed=seed)
        return [block.text for run in runs for block in run.scaffolds]

    assert texts(0) == texts(0)
    assert len({*texts(0), *texts(1)}) == 8


def test_it_can_be_awaited_where_a_loop_runs_already() -> None:
    async def main() -> GuidanceRun:
        return await guide(QUESTION, [RESTATE], engine=answering(_says))

    assert asyncio.run(main()).answer == "41"


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        ({"question": 3}, "question"),
        ({"task_id": "x"}, "question"),
        ({"question": "?", "colour": "red"}, "colour"),
    ],
)
def test_a_mapping_that_is_no_task_is_refused_by_number(
    task: dict[str, object], problem: str
) -> None:
    with pytest.raises(OptionError, match=rf"task 2: .*{problem}"):
        guide_sync([QUESTION, task], engine=answering())


@pytest.mark.parametrize("question", ["", " \n", "half \ud800 a pair"])
def test_a_task_without_a_usable_question_fails_alone(question: str) -> None:
    bad, good = guide_sync([question, QUESTION], engine=answering())

    assert (bad.outcome, bad.calls, len(bad.errors)) == ("failed", (), 1)
    assert good.outcome == "answered"


def test_questions_of_any_script_come_through_unchanged() -> None:
    questions = [
        "Was ist 1 + 1? 🧮",
        "ما هو ١+١؟",
        "\u202eabc\x00\x1b[31m",
        "{question} %s {{}}",
        "a\r\nb",
    ]
    runs = guide_sync(questions, [kind("b", scaffolds=lambda: "{question}")], engine=answering())

    for question, run in zip(questions, runs, strict=True):
        assert run.question == question
        assert run.calls[0].messages[-1].content == "{question}\n\n" + question
