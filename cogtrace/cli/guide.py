"""`cogtrace guide`: tasks through guidance plugins and a model, a folder of records out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cogtrace.cli.annotators import engine_settings, shown_engine
from cogtrace.cli.console import err
from cogtrace.cli.flags import BudgetFlags, EngineFlags, SamplingFlags
from cogtrace.cli.options import AsJson, Format, option
from cogtrace.errors import JobStopped, OptionError, Stopped

if TYPE_CHECKING:
    from cogtrace.cli.progress import JobDisplay
    from cogtrace.jobs.provenance import Order
    from cogtrace.plugins.guidance import Sampling
    from cogtrace.plugins.pipeline import Plan
    from cogtrace.records import SourceRow


def guide(
    tasks: Annotated[
        list[str],
        typer.Argument(
            metavar="TASKS...",
            help="Files of tasks, in the formats of `cogtrace annotate`: a column with the "
            "question, perhaps others (task_id, context, reference_answer, problem_type); "
            "@sample for the questions of the bundled corpus.",
        ),
    ],
    out: Annotated[
        Path | None,
        option("--out", "-o", metavar="DIR", help="Folder for the result."),
    ] = None,
    with_: Annotated[
        list[str] | None,
        option(
            "--with",
            metavar="PLUGINS",
            help="Guidance plugins in order, with options: restate,analogy:k=2,shared=true. "
            "Repeat as needed; none at all asks the questions as they are.",
        ),
    ] = None,
    plan_file: Annotated[
        Path | None,
        option(
            "--plan",
            metavar="FILE",
            envvar="COGTRACE_GUIDE_PLAN",
            help="A plan as YAML or JSON; plugins of --with come after its own.",
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        option(
            "--answers",
            metavar="FILE",
            help="Answers to clarifying questions, as JSON by task id.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        option("--limit", min=1, help="Only so many rows, from the first one of the order."),
    ] = None,
    order: Annotated[
        Literal["input", "random"],
        option(
            "--order",
            envvar="COGTRACE_GUIDE_ORDER",
            help="random makes what is done at any moment a random sample of the input.",
        ),
    ] = "random",
    part_tasks: Annotated[
        int, option("--part-tasks", min=1, help="Tasks per part of the result.")
    ] = 1_024,
    resume: Annotated[
        bool, option("--resume", help="Go on with the job in --out, or begin it.")
    ] = False,
    reuse: Annotated[
        Path | None,
        option(
            "--reuse",
            metavar="DIR",
            help="Take over from another job under the same settings all but the tasks that "
            "failed or ended with a question back, and run only the rest.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        option(
            "--dry-run",
            help="Ask no model: print the prompts of the first tasks (3, or --limit), with "
            "placeholders for what plugins would be answered before.",
        ),
    ] = False,
    plan_only: Annotated[
        bool,
        option(
            "--plan-only", help="Ask no model: forecast requests, tokens and money from a sample."
        ),
    ] = False,
    form: Format = None,
    mapping: Annotated[
        list[str] | None,
        option(
            "--map",
            metavar="FIELD=COLUMN",
            envvar="COGTRACE_TASK_MAP",
            help="Which column is which field, e.g. question=prompt or context=passage; repeat "
            "as needed. Dots lead into nested values.",
        ),
    ] = None,
    allow_failed: Annotated[
        bool, option("--allow-failed", help="Exit 0 even if tasks failed or rows were none.")
    ] = False,
    as_json: AsJson = False,
    *,
    engine: EngineFlags,
    sampling: SamplingFlags,
    budget: BudgetFlags,
) -> None:
    """Put tasks to a model with guidance plugins, and record all that happens.

    Plugins place text around each question, ask back, solve in their own way, judge the
    candidates, choose the answer; the question itself is never changed. Every call,
    candidate and verdict is kept as Parquet that polars and datasets read as it is. A job
    that is killed at any moment goes on with `--resume`, and pays for no answer twice.

    **Examples**

    - `cogtrace guide @sample --engine scripted --out guided`

    - `cogtrace guide tasks.jsonl --with restate,analogy:k=2 --engine openai --base-url
      http://127.0.0.1:8000/v1 --model NAME --out guided`

    - `cogtrace guide tasks.jsonl --with restate --dry-run` (reads the prompts, costs nothing)

    - `cogtrace annotate guided --out annotated` (what the guidance has changed)

    **Exit codes**: 0 every task done, 1 some failed or some rows were no task, 2 cannot
    start, 3 stopped early (resume), 130 interrupted (resume).
    """
    from cogtrace.cli.tasks import read_answers, read_task_inputs

    plan, how = _planned(with_, plan_file, sampling)
    given = read_task_inputs(tasks, form, mapping)
    if dry_run or plan_only:
        from cogtrace.cli.guide_plan import show_forecast, show_prompts
        from cogtrace.cli.prices import prices_for

        seed = sampling.seed
        if dry_run:
            show_prompts(given.rows, plan, how, seed=seed, limit=limit, as_json=as_json)
            return
        prices = prices_for(engine.model, budget)
        show_forecast(given.rows, plan, how, seed=seed, limit=limit, prices=prices, as_json=as_json)
        return
    if out is None:
        raise OptionError("--out DIR: say where the result is to go (or --dry-run)")
    if engine.engine is None:
        raise OptionError("--engine: say which model answers (vllm, openai or scripted)")

    import msgspec

    from cogtrace.cli.guide_summary import summary
    from cogtrace.cli.prices import prices_for
    from cogtrace.cli.progress import Interrupts, JobDisplay
    from cogtrace.jobs.budget import Limits
    from cogtrace.jobs.provenance import InputRef
    from cogtrace.plugins.job import GuideFolder, GuidePlan, run_guide_job
    from cogtrace.plugins.manager import extensions

    folder = GuideFolder(out)
    if not resume:
        folder.require_free()
    kind = extensions().engine(engine.engine)
    settings = engine_settings(engine)
    prices = prices_for(engine.model, budget)
    began = time.perf_counter()
    with (
        Interrupts() as interrupts,
        JobDisplay(interrupts, quiet=as_json, what="tasks", doing="guiding") as display,
        _in_order(interrupts.watch(given.rows), order, sampling.seed, display) as (
            rows,
            way,
            total,
        ),
    ):
        job = GuidePlan(
            folder=folder,
            plan=plan,
            engine=kind.build(settings),
            sampling=how,
            answers=None if answers is None else read_answers(answers),
            answer_kind=sampling.answer_kind,
            seed=sampling.seed,
            limits=Limits(
                max_tokens_total=budget.max_tokens_total,
                max_cost=budget.max_cost,
                max_minutes=budget.max_minutes,
            ),
            prices=prices,
            inputs=tuple(
                InputRef(path=path, bytes=source.bytes, columns=found)
                for path, source, found in zip(
                    given.names, given.sources, given.columns, strict=True
                )
            ),
            limit=limit,
            resume=resume,
            reuse=reuse,
            part_tasks=part_tasks,
            order=way,
            rows_in_input=total,
            options={"limit": limit, "map": given.overrides, "format": form}
            | shown_engine(kind.name, settings)
            | {"prices": None if prices is None else msgspec.to_builtins(prices)},
            watch=display,
        )
        display.expects(None if total is None else min(total, limit or total))
        try:
            manifest = run_guide_job(job, rows)
        except (JobStopped, Stopped):
            interrupts.check()  # a stop that Ctrl-C asked for is an interruption
            raise
    given.warn_of_empty()
    summary(job, manifest, time.perf_counter() - began, display.cost, as_json)
    if (manifest.counts.quarantined or manifest.counts.failed) and not allow_failed:
        raise typer.Exit(1)


def _planned(
    with_: list[str] | None, plan_file: Path | None, flags: SamplingFlags
) -> tuple[Plan, Sampling]:
    """Return the plan, and how answers are to be generated."""
    import msgspec

    from cogtrace.plugins.guidance import Sampling
    from cogtrace.plugins.pipeline import make_plan
    from cogtrace.plugins.pipeline.plan_file import read_plan_file

    named = None if plan_file is None else read_plan_file(plan_file)
    plan = make_plan([*(named.plugins if named else ()), *(with_ or ())])
    how = msgspec.convert(dict(named.sampling) if named else {}, Sampling)
    asked = {
        "samples": flags.samples,
        "temperature": flags.temperature,
        "max_tokens": flags.max_tokens,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    how = msgspec.structs.replace(how, **given)
    if how.samples > 1 and how.temperature == 0:
        err("warning: several --samples at --temperature 0 are likely to be all the same")
    return plan, how


@contextmanager
def _in_order(
    rows: Iterable[SourceRow], kind: str, seed: int, display: JobDisplay
) -> Iterator[tuple[Iterable[SourceRow], Order, int | None]]:
    """Give rows in the order they are to be worked through, that order, and their number."""
    from cogtrace.jobs.ordering import ShuffledRows
    from cogtrace.jobs.provenance import Order

    if kind == "input":
        yield rows, Order(), None
        return
    display.says("reading the input")
    with ShuffledRows(rows, seed) as shuffled:
        yield shuffled, Order(kind="random", seed=seed), len(shuffled)
