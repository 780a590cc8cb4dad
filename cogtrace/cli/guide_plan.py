"""What a guidance job would ask of a model: its first prompts, and a forecast of its cost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Final

from cogtrace.cli.console import out, out_json
from cogtrace.printable import printable

if TYPE_CHECKING:
    from cogtrace.jobs.budget import Prices
    from cogtrace.jobs.ranges import Range
    from cogtrace.plugins.guidance import Sampling, Task
    from cogtrace.plugins.pipeline import GuidanceRun, Plan
    from cogtrace.records import SourceRow

SHOWN: Final = 3  # tasks whose prompts are shown, unless --limit says it
SAMPLED: Final = 200  # tasks that a forecast is made from
# How long answers are, as shares of what they may be: the low, expected and high figure.
_LENGTHS: Final = (0.05, 0.25, 1.0)


def show_prompts(
    rows: Iterable[SourceRow],
    plan: Plan,
    sampling: Sampling,
    *,
    seed: int,
    limit: int | None,
    as_json: bool,
) -> None:
    """Print the prompts of the first tasks, with placeholders for what a model would say."""
    from cogtrace.plugins.pipeline.rehearsing import rehearse

    tasks = list(islice(_tasks(rows), limit or SHOWN))
    runs = asyncio.run(rehearse(plan, tasks, sampling, seed=seed))
    if as_json:
        from msgspec import to_builtins

        out_json({"placeholders": True, "runs": to_builtins(runs)})
        return
    out("# no model was asked; ⟦…⟧ stands for what one would answer")
    for run in runs:
        for line in _lines(run, plan):
            out(printable(line))


def _lines(run: GuidanceRun, plan: Plan) -> Iterator[str]:
    yield f"\n== task {run.task_id.partition(':')[2]}: {run.outcome}"
    if run.clarification is not None:
        yield f"-- {run.clarification.plugin} asks back: {run.clarification.question}"
    number = 1
    for (plugin, messages), same in groupby(run.calls, lambda call: (call.plugin, call.messages)):
        count = len(list(same))
        calls = f"call {number}" if count == 1 else f"calls {number} to {number + count - 1}"
        yield f"\n-- {calls}, by {plugin}"
        for message in messages:
            yield f"[{message.role}]"
            yield from message.content.split("\n")
        number += count
    yield from _silent(run, plan)
    for error in run.errors:
        yield f"-- {error.plugin}, {error.hook}: {error.message}"


def _silent(run: GuidanceRun, plan: Plan) -> Iterator[str]:
    """Yield which plugins asked the model for a block and placed none."""
    asked = {call.plugin for call in run.calls}
    placed = {scaffold.plugin for scaffold in run.scaffolds}
    failed = {error.plugin for error in run.errors}
    for step in plan.having("cogtrace_scaffolds"):
        if step.name in asked - placed - failed:
            yield (
                f"\n-- {step.name} placed no block: it makes one of a model's answer, "
                "and a placeholder is none"
            )


def show_forecast(
    rows: Iterable[SourceRow],
    plan: Plan,
    sampling: Sampling,
    *,
    seed: int,
    limit: int | None,
    prices: Prices | None,
    as_json: bool,
) -> None:
    """Print how many calls and tokens a job takes, judged by a sample without a model."""
    from cogtrace.annotator.llm.sampling import draw_sample
    from cogtrace.plugins.job import task_of_trace

    drawn = draw_sample(rows, SAMPLED, seed, limit)
    tasks = [task_of_trace(trace).task for trace in drawn.traces]
    wanted = drawn.rows - drawn.unreadable
    number = wanted if limit is None else min(limit, wanted)
    figures = forecast_usage(tasks, number, plan, sampling, seed, prices)
    if as_json:
        from msgspec import to_builtins

        out_json({"tasks": number, "sampled": len(tasks)} | to_builtins(figures))
        return
    out(f"{number:,} tasks ({len(tasks):,} sampled, no model asked); {plan}")
    out(" " * 20 + "".join(f"{name:>15}" for name in ("low", "expected", "high")))
    for name, figure in figures.items():
        if figure is None:
            out(f"{name:20}unknown; give --price-in and --price-out")
            continue
        form = "{:,.2f}" if name == "cost" else "{:,.0f}"
        cells = (form.format(value) for value in (figure.low, figure.expected, figure.high))
        out(f"{name:20}" + "".join(f"{cell:>15}" for cell in cells))
    out("answers are taken to be 5 %, 25 % and all of --max-tokens long; the high figure also")
    out("has every plugin make all the calls that it may make")


def forecast_usage(
    tasks: Sequence[Task],
    number: int,
    plan: Plan,
    sampling: Sampling,
    seed: int,
    prices: Prices | None,
) -> dict[str, Range | None]:
    """Return what a plan is likely to cost on so many tasks, judged by a sample of them."""
    from cogtrace.jobs.ranges import Range
    from cogtrace.plugins.pipeline.rehearsing import rehearse, spent
    from cogtrace.records import Usage

    scale = number / len(tasks) if tasks else 0.0
    found: list[Usage] = []
    for share in _LENGTHS:
        words = max(1, round(share * sampling.max_tokens))
        found.append(spent(asyncio.run(rehearse(plan, tasks, sampling, seed=seed, words=words))))
    most = len(tasks) * (sum(step.bounds.max_calls for step in plan.steps) + sampling.samples)
    high = found[-1]
    dearer = max(1.0, most / high.requests) if high.requests else 1.0
    found[-1] = Usage(
        requests=round(high.requests * dearer),
        prompt_tokens=round(high.prompt_tokens * dearer),
        completion_tokens=round(high.completion_tokens * dearer),
    )

    def ranged(values: Iterable[Any]) -> Range:
        low, expected, top = (value * scale for value in values)
        return Range(low=min(low, expected), expected=expected, high=max(top, expected))

    # What a cache saves depends on the engine; it is left out, so the true cost is lower.
    plain = [
        Usage(prompt_tokens=u.prompt_tokens, completion_tokens=u.completion_tokens) for u in found
    ]
    return {
        "requests": ranged(usage.requests for usage in found),
        "prompt tokens": ranged(usage.prompt_tokens for usage in found),
        "completion tokens": ranged(usage.completion_tokens for usage in found),
        "cost": None if prices is None else ranged(prices.cost(usage) for usage in plain),
    }


def _tasks(rows: Iterable[SourceRow]) -> Iterator[Task]:
    from cogtrace.plugins.job import task_of_trace
    from cogtrace.records import Trace

    for row in rows:
        if isinstance(row.value, Trace):
            yield task_of_trace(row.value).task
