"""Running the arms of `cogtrace compare`, and saying beforehand what that can find and costs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cogtrace.cli.annotators import engine_settings, shown_engine
from cogtrace.cli.compare_flags import DesignFlags, OutcomeFlags, UptakeFlags
from cogtrace.cli.compare_runs import Means, concluded
from cogtrace.cli.console import err, out, out_json
from cogtrace.cli.flags import BudgetFlags, EngineFlags, SamplingFlags
from cogtrace.errors import JobStopped, OptionError, Stopped
from cogtrace.printable import printable

if TYPE_CHECKING:
    from cogtrace.cli.inputs import Opened
    from cogtrace.experiments.arms import ArmSpec
    from cogtrace.experiments.control import ControlSpec
    from cogtrace.experiments.folder import ExperimentFolder, ExperimentManifest
    from cogtrace.experiments.outcomes import Arm
    from cogtrace.experiments.power import Forecast
    from cogtrace.experiments.records import Comparison
    from cogtrace.grading import AnswerKind
    from cogtrace.jobs.ordering import ShuffledRows
    from cogtrace.jobs.ranges import Range
    from cogtrace.plugins.guidance import Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for."""

    inputs: list[str]
    folder: Path | None
    form: str | None
    mapping: list[str] | None
    answers: Path | None
    limit: int | None
    part_tasks: int
    resume: bool
    design: DesignFlags
    outcome: OutcomeFlags
    uptake: UptakeFlags
    engine: EngineFlags
    sampling: SamplingFlags
    budget: BudgetFlags

    def arms(self) -> tuple[tuple[ArmSpec, ...], tuple[ControlSpec, ...]]:
        """Return the arms, and those that control for cost."""
        from cogtrace.experiments.arms import parse_arms
        from cogtrace.experiments.control import controls

        arms = parse_arms(self.design.arms or [])
        return arms, controls(arms, "none" if self.design.no_control else self.design.control)

    def how(self) -> Sampling:
        """Return how answers are generated."""
        from cogtrace.plugins.guidance import Sampling

        flags, usual = self.sampling, Sampling()
        how = Sampling(
            samples=flags.samples or usual.samples,
            temperature=usual.temperature if flags.temperature is None else flags.temperature,
            max_tokens=flags.max_tokens or usual.max_tokens,
        )
        if how.temperature == 0 and (how.samples > 1 or self.design.repeats > 1):
            err("warning: --samples or --repeats at --temperature 0 are likely to be all the same")
        return how

    def answer_kind(self) -> AnswerKind | None:
        """Return as what short answers are found and compared."""
        from cogtrace.experiments.grading import answer_kind

        return answer_kind(self.outcome.grade) or self.sampling.answer_kind


def compare_new(asked: Asked, *, quiet: bool) -> tuple[Comparison, list[Arm], bool]:
    """Run all arms and compare them; also say whether a task failed or a row was none.

    Raises:
        OptionError: there is no folder or engine.
        JobStopped: it could not go on; it can be resumed.
    """
    from cogtrace.experiments.comparing import Question
    from cogtrace.experiments.folder import ExperimentFolder, opened
    from cogtrace.experiments.outcomes import read_arm

    if asked.folder is None:
        raise OptionError("--out DIR: say where the runs are to go (or --dry-run)")
    if asked.engine.engine is None:
        raise OptionError("--engine: say which model answers (vllm, openai or scripted)")
    folder = ExperimentFolder(asked.folder)
    if not asked.resume:
        folder.require_free()
    arms, controls = asked.arms()
    given, notes = _opened(asked, any(not arm.plan.steps for arm in arms))
    with folder.locked(), _in_order(asked, given) as rows:
        wanted = _manifest(asked, rows, arms, controls, notes)
        manifest = opened(folder, wanted)
        for line in _forecast_lines(manifest.forecast, [spec.name for spec in arms]):
            err(line)
        manifest.write(folder, "running")
        began = time.perf_counter()
        try:
            lost = _run(asked, folder, given, rows, (arms, controls), quiet)
        except BaseException:
            manifest.write(folder, "interrupted")
            raise
        given.warn_of_empty()
        err(f"{len(manifest.arms)} arms run in {time.perf_counter() - began:.1f} s")
        found = [read_arm(entry.name, folder.arm(entry.folder)) for entry in manifest.arms]
        means = Means(
            folder=folder,
            outcome=asked.outcome,
            uptake=asked.uptake,
            engine=asked.engine,
            budget=asked.budget,
            seed=asked.sampling.seed,
            quiet=quiet,
        )
        question = Question(
            controls=[control.name for control in controls],
            forecast=manifest.forecast,
            notes=notes,
        )
        comparison, graded = concluded(found, question, means)
        manifest.write(folder, "finished")
    err(f"written to {folder.path}")
    return comparison, graded, lost


def show_plan(asked: Asked, as_json: bool) -> None:
    """Print what an experiment can find, and what each arm is likely to cost."""
    from msgspec import to_builtins

    from cogtrace.cli.prices import prices_for

    arms, controls = asked.arms()
    given, notes = _opened(asked, any(not arm.plan.steps for arm in arms))
    how, prices = asked.how(), prices_for(asked.engine.model, asked.budget)
    with _in_order(asked, given) as rows:
        from cogtrace.annotator.llm.sampling import draw_sample
        from cogtrace.cli.guide_plan import SAMPLED, forecast_usage
        from cogtrace.plugins.job import task_of_trace

        declared = _manifest(asked, rows, arms, controls, notes).forecast
        drawn = draw_sample(rows, SAMPLED, asked.sampling.seed, asked.limit)
        tasks = [task_of_trace(trace).task for trace in drawn.traces]
        wanted = drawn.rows - drawn.unreadable
        number = wanted if asked.limit is None else min(asked.limit, wanted)
        costs: dict[str, Mapping[str, Range | None]] = {
            arm.name: forecast_usage(tasks, number, arm.plan, how, asked.sampling.seed, prices)
            for arm in arms
        }
    for control in controls:
        costs[control.name] = _dearest([costs[name] for name in control.like])
    if as_json:
        out_json(
            {
                "tasks": number,
                "forecast": to_builtins(declared),
                "arms": {name: to_builtins(dict(figures)) for name, figures in costs.items()},
                "notes": notes,
            }
        )
        return
    for line in _forecast_lines(declared, [arm.name for arm in arms]):
        out(line)
    out(f"{number:,} tasks in each of {len(costs)} arms ({len(tasks):,} sampled, no model asked)")
    width = max(20, *(len(name) + 2 for name in costs))
    names = list(next(iter(costs.values())))
    out(" " * width + "".join(f"{name:>30}" for name in names))
    for arm, figures in costs.items():
        cells = (_range(figures[name], name) for name in names)
        out(printable(f"{arm:{width}}" + "".join(f"{cell:>30}" for cell in cells)))
    out("expected (low to high); answers are taken to be 25 % (5 % to all) of --max-tokens long;")
    out("a control arm spends about the tokens of the arm that it controls for")


def _range(figure: Range | None, name: str) -> str:
    if figure is None:
        return "no prices" if name == "cost" else "what the tokens buy"
    form = "{:,.2f}" if name == "cost" else "{:,.0f}"
    low, expected, high = (form.format(x) for x in (figure.low, figure.expected, figure.high))
    return f"{expected} ({low} to {high})"


def _dearest(arms: list[Mapping[str, Range | None]]) -> dict[str, Range | None]:
    """Return the forecast of a control arm; how many requests it makes depends on the answers."""
    found: dict[str, Range | None] = {}
    for name in arms[0]:
        known = [figure for arm in arms if (figure := arm[name]) is not None]
        best = max(known, key=lambda figure: figure.expected, default=None)
        found[name] = None if name == "requests" else best
    return found


def _forecast_lines(found: Forecast, arms: list[str]) -> Iterator[str]:
    from cogtrace.experiments.words import finds

    yield printable(f"{found.questions:,} questions; {', '.join(arms[1:])} against {arms[0]}")
    yield finds(found)


def _opened(asked: Asked, plain: bool) -> tuple[Opened, list[str]]:
    """Open the tasks; also return what is to be said of how they were chosen."""
    from cogtrace.cli.tasks import read_task_inputs
    from cogtrace.corpora.sample import SAMPLE_NAME
    from cogtrace.experiments.selection import columns_of, earlier_outcomes, selection_note

    given = read_task_inputs(asked.inputs, asked.form, asked.mapping)
    said = asked.design.selected_by
    columns: list[str] = [] if said is None else [said]
    for name, source in zip(given.names, given.sources, strict=True):
        if name != SAMPLE_NAME and said is None:
            columns += earlier_outcomes(columns_of(source))
    if not columns:
        return given, []
    note = selection_note(list(dict.fromkeys(columns)), said is not None, plain)
    err(f"warning: {note}")
    return given, [note]


@contextmanager
def _in_order(asked: Asked, given: Opened) -> Iterator[ShuffledRows]:
    """Give all rows in the random order that every arm keeps."""
    from cogtrace.experiments.running import repeated
    from cogtrace.jobs.ordering import ShuffledRows

    rows = repeated(given.rows, asked.design.repeats)
    with ShuffledRows(rows, asked.sampling.seed) as shuffled:
        yield shuffled


def _manifest(
    asked: Asked,
    rows: ShuffledRows,
    arms: tuple[ArmSpec, ...],
    controls: tuple[ControlSpec, ...],
    notes: list[str],
) -> ExperimentManifest:
    """Return what is declared before anything is asked."""
    from cogtrace.experiments.folder import ArmEntry, ExperimentManifest
    from cogtrace.experiments.power import forecast
    from cogtrace.jobs.provenance import now
    from cogtrace.records import Trace

    questions = {
        row.value.text for row in islice(rows, asked.limit) if isinstance(row.value, Trace)
    }
    others = len(arms) + len(controls) - 1
    return ExperimentManifest(
        created=now(),
        updated=now(),
        arms=[
            *(ArmEntry(name=arm.name, folder=arm.folder) for arm in arms),
            *(ArmEntry(name=c.name, folder=c.folder, like=list(c.like)) for c in controls),
        ],
        reference=arms[0].name,
        seed=asked.sampling.seed,
        repeats=asked.design.repeats,
        stop=asked.design.stop,
        forecast=forecast(len(questions), others, asked.design.discordance),
        options={"limit": asked.limit, "grade": asked.outcome.grade, "notes": notes},
    )


def _run(
    asked: Asked,
    folder: ExperimentFolder,
    given: Opened,
    rows: ShuffledRows,
    arms: tuple[tuple[ArmSpec, ...], tuple[ControlSpec, ...]],
    quiet: bool,
) -> bool:
    """Run all arms; return whether a task failed or a row was no task."""
    from cogtrace.cli.prices import prices_for
    from cogtrace.cli.progress import Interrupts, JobDisplay
    from cogtrace.cli.tasks import read_answers
    from cogtrace.experiments.running import ExperimentPlan, run_arms
    from cogtrace.jobs.budget import Limits
    from cogtrace.jobs.provenance import InputRef
    from cogtrace.plugins.manager import extensions

    budget, total = asked.budget, min(len(rows), asked.limit or len(rows))
    kind, settings = extensions().engine(asked.engine.engine or ""), engine_settings(asked.engine)
    options: dict[str, Any] = {"limit": asked.limit, "map": given.overrides, "format": asked.form}
    with (
        Interrupts() as interrupts,
        JobDisplay(interrupts, quiet=quiet, what="runs", doing="comparing") as display,
    ):
        display.expects(total * (len(arms[0]) + len(arms[1])))
        plan = ExperimentPlan(
            folder=folder,
            arms=arms[0],
            controls=arms[1],
            engine=kind.build(settings),
            sampling=asked.how(),
            answers=None if asked.answers is None else read_answers(asked.answers),
            answer_kind=asked.answer_kind(),
            seed=asked.sampling.seed,
            limits=Limits(
                max_tokens_total=budget.max_tokens_total,
                max_cost=budget.max_cost,
                max_minutes=budget.max_minutes,
            ),
            prices=prices_for(asked.engine.model, budget),
            inputs=tuple(
                InputRef(path=path, bytes=source.bytes, columns=found)
                for path, source, found in zip(
                    given.names, given.sources, given.columns, strict=True
                )
            ),
            limit=asked.limit,
            part_tasks=asked.part_tasks,
            options=options | shown_engine(kind.name, settings),
            watch=display,
        )
        try:
            manifests = run_arms(plan, rows)
        except (JobStopped, Stopped):
            interrupts.check()  # a stop that Ctrl-C asked for is an interruption
            raise
    return any(m.counts.failed or m.counts.quarantined for m in manifests.values())
