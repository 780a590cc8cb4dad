"""Asking a model about answers: by a rubric, or which of two is better.

Judging is a guidance job whose tasks are the questions and whose only plugin asks the
judge, so that it can be resumed, bounded and verified like any other. A judge leans to
what it reads first; so everything is shown to it in both orders, and only what it says
twice counts. It is not told which arm an answer is of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import msgspec

from cogtrace.engines import Engine
from cogtrace.experiments.outcomes import Arm
from cogtrace.experiments.records import Bias
from cogtrace.extensions import Watch, hookimpl
from cogtrace.jobs.budget import Limits, Prices
from cogtrace.plugins.guidance import Candidate, GuidanceKind, Sampling, TaskRun
from cogtrace.plugins.job import GuideFolder, GuidePlan, RunReader, run_guide_job
from cogtrace.plugins.pipeline import make_plan
from cogtrace.plugins.pipeline.records import GuidanceRun
from cogtrace.plugins.prompting import Prompts, fenced
from cogtrace.records import SourceRow, Trace

RIGHT, WRONG = "right", "wrong"
FIRST, SECOND, TIE = "first", "second", "tie"
UNCLEAR = "unclear"  # a reply that holds no verdict

_OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "rubric": {"description": "What a good answer is.", "type": "string", "default": ""},
        "reply_tokens": {
            "description": "Tokens that the judge may write.",
            "type": "integer",
            "minimum": 16,
            "default": 1024,
        },
    },
}
_DEFAULT: Final = "It is right, does what the question asks for, and holds nothing false."


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePlan:
    """Who judges, and by what."""

    engine: Engine
    rubric: str = ""
    folder: Path
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    prices: Prices | None = None
    options: dict[str, Any] = field(default_factory=dict)
    watch: Watch | None = None


Said = tuple[str, str] | None  # as given, and in the other order; None: it was not judged


class Judge:
    """Asks about a task's answers in both orders; the task's meta holds them."""

    def __init__(self, options: Mapping[str, Any], pairs: bool) -> None:
        self._rubric = options["rubric"] or _DEFAULT
        self._reply_tokens = options["reply_tokens"]
        self._pairs = pairs
        self._prompts = Prompts(__package__)

    @hookimpl
    async def cogtrace_solve(self, run: TaskRun) -> list[Candidate]:
        """Return what the judge said in each order."""
        words = (FIRST, SECOND, TIE) if self._pairs else (RIGHT, WRONG)
        answers = run.task.meta["answers"]
        found = []
        for swapped in (False, True):
            prompt = self._prompt(run, answers, swapped)
            (reply,) = await run.ask(
                prompt, temperature=0.0, max_tokens=self._reply_tokens, schema=_schema(words)
            )
            verdict = _verdict(reply.text, words)
            found.append(Candidate(id="swapped" if swapped else "given", text=reply.text))
            found[-1] = msgspec.structs.replace(found[-1], answer=verdict)
        return found

    def _prompt(self, run: TaskRun, answers: Sequence[str], swapped: bool) -> str:
        reference = run.task.meta.get("reference")
        known = f"A right answer:\n{fenced(run, reference, 'known')}\n\n" if reference else ""
        shown = list(reversed(answers)) if swapped else list(answers)
        blocks = [fenced(run, text, "answer") for text in shown]
        if self._pairs:
            return self._prompts.fill(
                "pair",
                problem=fenced(run),
                known=known,
                rubric=self._rubric,
                first=blocks[0],
                second=blocks[1],
            )
        order = (WRONG, RIGHT) if swapped else (RIGHT, WRONG)
        return self._prompts.fill(
            "rubric",
            problem=fenced(run),
            known=known,
            rubric=self._rubric,
            answer=blocks[0],
            one=order[0],
            other=order[1],
        )


def judge_kind(pairs: bool) -> GuidanceKind:
    """Return the plugin that judges single answers, or pairs."""
    return GuidanceKind(
        name="judge-pairs" if pairs else "judge",
        summary="asks a model about answers, in both orders",
        build=partial(Judge, pairs=pairs),
        api_version=1,
        options=_OPTIONS,
        calls=2,
    )


def judge_answers(plan: JudgePlan, arms: Sequence[Arm]) -> tuple[dict[tuple[str, str], bool], Bias]:
    """Return whether each answer is right, by arm and task, and how the judge leans.

    Right is what the judge holds right in both orders.
    """
    rows = [
        _row(f"{place}:{run.task_id}", run, [run.text or ""])
        for place, arm in enumerate(arms)
        for run in RunReader(arm.path).runs()
        if run.outcome == "answered"
    ]
    verdicts = {}
    said = _judged(plan, rows, pairs=False)
    for name, verdict in said.items():
        place, _, task_id = name.partition(":")
        if verdict is not None:
            verdicts[arms[int(place)].name, task_id] = verdict == (RIGHT, RIGHT)
    return verdicts, _bias(said.values(), (RIGHT, WRONG))


def judge_pairs(
    plan: JudgePlan, arms: Sequence[Arm]
) -> tuple[list[tuple[str, int, int, float]], Bias, int]:
    """Return games (task, two arms, the share of the win that the first one gets), and the bias.

    Also returned is how many pairs were not judged. An arm wins if it is preferred in both
    orders; anything else is a tie.
    """
    texts = [
        {run.task_id: run for run in RunReader(arm.path).runs() if run.text is not None}
        for arm in arms
    ]
    rows, left_out = [], 0
    for a, b in combinations(range(len(arms)), 2):
        for task_id, run in texts[a].items():
            other = texts[b].get(task_id)
            if other is None or other.question != run.question:
                left_out += 1
                continue
            rows.append(_row(f"{a}:{b}:{task_id}", run, [run.text or "", other.text or ""]))
        left_out += len(texts[b].keys() - texts[a].keys())
    said = _judged(plan, rows, pairs=True)
    games = []
    for name, verdict in said.items():
        a_, b_, task_id = name.split(":", 2)
        if verdict is None:
            left_out += 1
            continue
        won = {(FIRST, SECOND): 1.0, (SECOND, FIRST): 0.0}.get(verdict, 0.5)
        games.append((task_id, int(a_), int(b_), won))
    return games, _bias(said.values(), (FIRST, SECOND)), left_out


def _judged(plan: JudgePlan, rows: Sequence[SourceRow], *, pairs: bool) -> dict[str, Said]:
    folder = GuideFolder(plan.folder)
    job = GuidePlan(
        folder=folder,
        plan=make_plan([(judge_kind(pairs), {"rubric": plan.rubric})]),
        engine=plan.engine,
        sampling=Sampling(),
        answer_kind="exact",
        seed=plan.seed,
        limits=plan.limits,
        prices=plan.prices,
        resume=True,
        options=plan.options,
        watch=plan.watch,
    )
    run_guide_job(job, rows)
    return {run.task_id: _said(run) for run in RunReader(folder).runs()}


def _said(run: GuidanceRun) -> Said:
    answers = [candidate.answer for candidate in run.candidates]
    known = (RIGHT, WRONG, FIRST, SECOND, TIE)
    if len(answers) != 2 or answers[0] not in known or answers[1] not in known:
        return None
    return answers[0], answers[1]


def _bias(said: Iterable[Said], words: tuple[str, str]) -> Bias:
    """Return how often verdicts go with the order in which things were shown.

    Pairs agree if the verdicts name the same answer, which is the other place. For single
    answers it is the order of the two words that is turned over.
    """
    counts: Counter[tuple[str, str]] = Counter(verdict for verdict in said if verdict)
    one, other = words
    pairs = words == (FIRST, SECOND)
    agreed = [(one, other), (other, one), (TIE, TIE)] if pairs else [(one, one), (other, other)]
    leaning = [(one, one), (other, other)] if pairs else [(one, other), (other, one)]
    return Bias(
        judged=sum(counts.values()),
        agreed=sum(counts[kind] for kind in agreed),
        first=counts[leaning[0]],
        second=counts[leaning[1]],
    )


def _row(name: str, run: GuidanceRun, answers: list[str]) -> SourceRow:
    meta: dict[str, Any] = {"answers": answers, "reference": run.reference_answer}
    if run.context is not None:
        meta["context"] = run.context
    value = Trace(trace_id=name, text=run.question, meta=meta)
    return SourceRow(file=name, line=1, value=value)


def _schema(words: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": 600},
            "verdict": {"enum": list(words)},
        },
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }


def _verdict(text: str, words: Sequence[str]) -> str:
    """Return the verdict in a reply, or that there is none."""
    try:
        found = msgspec.json.decode(re.sub(r"^```\w*\n|\n```$", "", text.strip()))
    except msgspec.DecodeError:
        return UNCLEAR
    said = found.get("verdict") if isinstance(found, dict) else None
    return str(said) if said in words else UNCLEAR
