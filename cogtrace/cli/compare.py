"""`cogtrace compare`: arms of guidance on the same tasks, what each gains, costs and changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cogtrace.cli.compare_flags import DesignFlags, OutcomeFlags, UptakeFlags
from cogtrace.cli.console import err, out, out_json
from cogtrace.cli.flags import BudgetFlags, EngineFlags, SamplingFlags
from cogtrace.cli.options import AsJson, Format, option
from cogtrace.errors import OptionError

if TYPE_CHECKING:
    from cogtrace.experiments.records import Comparison


def compare(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="TASKS...|RUN_A RUN_B...",
            help="With --arms: files of tasks, as for `cogtrace guide` (@sample: the bundled "
            "ones). Without: folders of finished runs (--out of `guide`), perhaps as NAME=DIR; "
            "or the folder of an earlier comparison.",
        ),
    ],
    folder: Annotated[
        Path | None,
        option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder for the runs, their annotations and the result; needed with --arms.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        option(
            "--report",
            metavar="FILE",
            envvar="COGTRACE_COMPARE_REPORT",
            help="A report: .html or .md; holds the answers of tasks that flipped.",
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
        int | None, option("--limit", min=1, help="Only so many rows, of a random order.")
    ] = None,
    part_tasks: Annotated[
        int, option("--part-tasks", min=1, help="Tasks per part of an arm's runs.")
    ] = 1_024,
    resume: Annotated[
        bool, option("--resume", help="Go on with the experiment in --out, or begin it.")
    ] = False,
    dry_run: Annotated[
        bool,
        option(
            "--dry-run",
            help="Ask no model: say what the experiment can find, and forecast requests, tokens "
            "and money of each arm.",
        ),
    ] = False,
    form: Format = None,
    mapping: Annotated[
        list[str] | None,
        option(
            "--map",
            metavar="FIELD=COLUMN",
            envvar="COGTRACE_TASK_MAP",
            help="Which column is which field, e.g. question=prompt; repeat as needed.",
        ),
    ] = None,
    allow_failed: Annotated[
        bool, option("--allow-failed", help="Exit 0 even if tasks failed or rows were none.")
    ] = False,
    as_json: AsJson = False,
    *,
    design: DesignFlags,
    outcome: OutcomeFlags,
    uptake: UptakeFlags,
    engine: EngineFlags,
    sampling: SamplingFlags,
    budget: BudgetFlags,
) -> None:
    """Compare arms of guidance on the same tasks: gains, costs, and what changed in the reasoning.

    All arms run side by side on one engine, each task in all of them; a control arm spends the
    tokens of the dearest arm on plain samples and a vote. The result has exact paired tests,
    intervals, costs per right answer, and whether the elements that plugins say they raise
    are shown more. Before it asks anything it says what the experiment can find.

    **Examples**

    - `cogtrace compare tasks.jsonl --arms plain,restate,analogy+abduce --engine openai
      --base-url http://127.0.0.1:8000/v1 --model NAME -o experiment --report experiment.html`

    - `cogtrace compare tasks.jsonl --arms plain,restate --dry-run` (what it can find and costs)

    - `cogtrace compare plain=run-1 restate=run-2 --grade numeric` (runs that are there already)

    - `cogtrace compare experiment --report again.html` (a comparison that was made before)

    **Exit codes**: 0 compared, 1 compared but tasks failed or rows were no task, 2 cannot
    start, 3 stopped early (resume), 130 interrupted (resume).
    """
    from cogtrace.experiments.grading import check_grade

    check_grade(outcome.grade)
    if report is not None and report.suffix.lower() not in (".html", ".htm", ".md"):
        raise OptionError(f"--report {report}: ends in .html or .md")
    if outcome.tournament and outcome.winners is not None:
        raise OptionError("--tournament and --winners: either a model decides, or people do")
    lost = False
    if design.arms is None:
        from cogtrace.cli.compare_runs import compare_finished

        if dry_run:
            raise OptionError("--dry-run: needs --arms; runs that are there cost nothing")
        found, arms = compare_finished(
            inputs, folder, design, outcome, uptake, engine, sampling, budget, quiet=as_json
        )
    else:
        from cogtrace.cli.compare_arms import Asked, compare_new, show_plan

        asked = Asked(
            inputs=inputs,
            folder=folder,
            form=form,
            mapping=mapping,
            answers=answers,
            limit=limit,
            part_tasks=part_tasks,
            resume=resume,
            design=design,
            outcome=outcome,
            uptake=uptake,
            engine=engine,
            sampling=sampling,
            budget=budget,
        )
        if dry_run:
            show_plan(asked, as_json)
            return
        found, arms, lost = compare_new(asked, quiet=as_json)
    if report is not None:
        from cogtrace.experiments.report import write

        write(found, arms, report)
        err(f"report written to {report}")
    _show(found, as_json)
    if lost and not allow_failed:
        raise typer.Exit(1)


def _show(found: Comparison, as_json: bool) -> None:
    if as_json:
        out_json(found.as_json())
        return
    from cogtrace.cli.compare_view import lines

    for line in lines(found):
        out(line)
