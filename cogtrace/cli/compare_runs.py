"""Comparing runs that are there, and what is done with runs once they are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cogtrace.cli.annotators import annotator_spec, engine_settings, shown_engine
from cogtrace.cli.compare_flags import DesignFlags, OutcomeFlags, UptakeFlags
from cogtrace.cli.console import err
from cogtrace.cli.flags import BudgetFlags, EngineFlags, QuestionFlags, SamplingFlags
from cogtrace.errors import InputError, JobStopped, OptionError, Stopped

if TYPE_CHECKING:
    from cogtrace.experiments.comparing import Question
    from cogtrace.experiments.folder import ExperimentFolder
    from cogtrace.experiments.judging import JudgePlan
    from cogtrace.experiments.outcomes import Arm
    from cogtrace.experiments.records import Bias, Comparison, Tournament


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """All that is needed to say how runs compare."""

    folder: ExperimentFolder
    outcome: OutcomeFlags
    uptake: UptakeFlags
    engine: EngineFlags
    budget: BudgetFlags
    seed: int
    quiet: bool


def compare_finished(
    inputs: Sequence[str],
    folder: Path | None,
    design: DesignFlags,
    outcome: OutcomeFlags,
    uptake: UptakeFlags,
    engine: EngineFlags,
    sampling: SamplingFlags,
    budget: BudgetFlags,
    *,
    quiet: bool,
) -> tuple[Comparison, list[Arm]]:
    """Compare finished runs, or the arms of an earlier comparison.

    Raises:
        OptionError: they are no runs, or fewer than two.
        JobDamaged: one cannot be read.
    """
    from cogtrace.experiments.comparing import Question, is_control
    from cogtrace.experiments.folder import ExperimentFolder, read_experiment
    from cogtrace.experiments.outcomes import read_arm

    first = ExperimentFolder(inputs[0])
    if len(inputs) == 1 and first.is_experiment():
        declared = read_experiment(first)
        named = [(arm.name, first.arm(arm.folder)) for arm in declared.arms]
        forecast = declared.forecast
        selected = _texts(declared.options.get("notes"))
        folder = folder or first.path
    else:
        named = _named(inputs)
        forecast, selected = None, []
    named = _reordered(named, design.reference)
    arms = [read_arm(name, path) for name, path in named]
    controls = [arm.name for arm in arms[1:] if is_control(arm)]
    if outcome.grade is None and forecast is not None:
        outcome = _as_before(outcome, declared.options)
    with _place(folder) as where:
        means = Means(
            folder=where,
            outcome=outcome,
            uptake=uptake,
            engine=engine,
            budget=budget,
            seed=sampling.seed,
            quiet=quiet,
        )
        question = Question(
            controls=controls,
            forecast=forecast,
            discordance=design.discordance,
            notes=[*selected, *_selected(design)],
        )
        return concluded(arms, question, means)


def concluded(arms: list[Arm], question: Question, means: Means) -> tuple[Comparison, list[Arm]]:
    """Grade and annotate runs, and say how they compare; also return them as graded."""
    from cogtrace.experiments.comparing import compare_arms
    from cogtrace.experiments.estimating import Draws
    from cogtrace.experiments.uptake import raised_elements
    from cogtrace.jobs.files import write_atomically

    draws = Draws(number=means.outcome.bootstrap, seed=means.seed)
    arms, judging = _graded(arms, means)
    found = compare_arms(
        arms,
        replace(
            question,
            grade=means.outcome.grade,
            draws=draws,
            annotated=_annotated(arms, means),
            raises=raised_elements(),
            judging=judging,
            tournament=_tournament(arms, means),
        ),
    )
    import msgspec

    means.folder.path.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(found), indent=1)
    write_atomically(means.folder.comparison, content + b"\n")
    return found, arms


def _graded(arms: list[Arm], means: Means) -> tuple[list[Arm], Bias | None]:
    from cogtrace.experiments.grading import RUBRIC, answer_kind, by_verdicts, grade_for
    from cogtrace.experiments.judging import judge_answers
    from cogtrace.experiments.outcomes import read_arm

    grade = means.outcome.grade
    if grade == RUBRIC:
        with _judge(means, means.folder.judged) as plan:
            verdicts, bias = judge_answers(plan, arms)
        graded = [
            read_arm(a.name, a.path, by_verdicts(a.name, verdicts), by_reference=False)
            for a in arms
        ]
        return graded, bias
    found = []
    for arm in arms:
        how = grade_for(grade, arm.manifest.answer_kind)  # type: ignore[arg-type]
        own = answer_kind(grade) is None
        found.append(
            arm if how is None else read_arm(arm.name, arm.path, how, by_reference=not own)
        )
    return found, None


def _annotated(arms: Sequence[Arm], means: Means) -> list[Path] | None:
    if means.uptake.no_uptake:
        return None
    from cogtrace.annotator.job import JobFolder
    from cogtrace.annotator.registry import default_annotator
    from cogtrace.experiments.arms import folder_names
    from cogtrace.experiments.uptake import annotate_arm
    from cogtrace.taxonomy import load_taxonomy

    folders = []
    taxonomy = load_taxonomy(means.uptake.taxonomy)
    name = means.uptake.annotator or default_annotator(taxonomy)
    asks = name in ("llm", "hybrid")
    engine = means.engine if asks else replace(means.engine, engine=None)
    names = sorted(arm.name for arm in arms)
    words = dict(zip(names, folder_names(names), strict=True))
    for arm in arms:
        path = means.folder.annotated(words[arm.name])
        spec = annotator_spec(
            name,
            taxonomy,
            None,
            engine,
            QuestionFlags(seed=means.seed),
            means.budget,
            folder=JobFolder(path),
        )
        if not means.quiet:
            err(f"annotating what {arm.name} wrote …")
        annotate_arm(arm.path, path, spec)
        folders.append(path)
    return folders


def _tournament(arms: Sequence[Arm], means: Means) -> Tournament | None:
    from cogtrace.experiments.estimating import Draws
    from cogtrace.experiments.judging import judge_pairs
    from cogtrace.experiments.tournament import read_winners, tournament

    names = [arm.name for arm in arms]
    draws = Draws(number=means.outcome.bootstrap, seed=means.seed)
    if means.outcome.winners is not None:
        games = read_winners(means.outcome.winners, names)
        who = means.outcome.winners.name
        return tournament(names, games, draws, judge=who, bias=None, left_out=0)
    if not means.outcome.tournament:
        return None
    with _judge(means, means.folder.tournament) as plan:
        games, bias, left_out = judge_pairs(plan, arms)
    who = means.outcome.judge_model or means.engine.model or str(_judge_engine(means))
    return tournament(names, games, draws, judge=who, bias=bias, left_out=left_out)


def _judge_engine(means: Means) -> str | None:
    return means.outcome.judge_engine or means.engine.engine


@contextmanager
def _judge(means: Means, folder: Path) -> Iterator[JudgePlan]:
    """Give a plan of judging, while it is shown how far it is."""
    from cogtrace.cli.prices import prices_for
    from cogtrace.cli.progress import Interrupts, JobDisplay
    from cogtrace.experiments.judging import JudgePlan
    from cogtrace.jobs.budget import Limits
    from cogtrace.plugins.manager import extensions

    outcome, name = means.outcome, _judge_engine(means)
    if name is None:
        raise OptionError("--judge-engine: say which model judges (or --engine)")
    flags = replace(
        means.engine,
        engine=name,
        model=means.engine.model if outcome.judge_model is None else outcome.judge_model,
        base_url=outcome.judge_base_url or means.engine.base_url,
    )
    kind, settings = extensions().engine(name), engine_settings(flags)
    prices = prices_for(flags.model, means.budget)
    with (
        Interrupts() as interrupts,
        JobDisplay(interrupts, quiet=means.quiet, what="questions", doing="judging") as display,
    ):
        try:
            yield JudgePlan(
                engine=kind.build(settings),
                rubric=_rubric(outcome.rubric),
                folder=folder,
                seed=means.seed,
                limits=Limits(
                    max_tokens_total=means.budget.max_tokens_total,
                    max_cost=means.budget.max_cost,
                    max_minutes=means.budget.max_minutes,
                ),
                prices=prices,
                options=shown_engine(kind.name, settings),
                watch=display,
            )
        except (JobStopped, Stopped):
            interrupts.check()
            raise


def _rubric(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(f"--rubric {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"--rubric {path}: is not UTF-8 text ({error.reason})") from error


@contextmanager
def _place(folder: Path | None) -> Iterator[ExperimentFolder]:
    """Give the folder that annotations and the result go to: one that goes away by default."""
    from cogtrace.experiments.folder import ExperimentFolder

    if folder is not None:
        yield ExperimentFolder(folder)
        return
    with tempfile.TemporaryDirectory(prefix="cogtrace-compare-") as name:
        yield ExperimentFolder(name)


def _named(inputs: Sequence[str]) -> list[tuple[str, Path]]:
    """Return names and folders of runs.

    Raises:
        OptionError: one is no run, or there are fewer than two.
    """
    from cogtrace.jobs.folder import kind_of

    found: dict[str, Path] = {}
    for text in inputs:
        name, equals, rest = text.partition("=")
        path = Path(rest) if equals and not Path(text).exists() else Path(text)
        if path == Path(text):
            name = path.resolve().name
        if kind_of(path) != "guidance":
            raise OptionError(
                f"{path}: no run of `cogtrace guide`; to run arms on tasks, name them with --arms"
            )
        if name in found:
            raise OptionError(f"{text}: another run is called {name}; write NAME={path}")
        found[name] = path
    if len(found) < 2:
        raise OptionError("give two runs or more, or tasks with --arms")
    return list(found.items())


def _reordered(named: list[tuple[str, Path]], reference: str | None) -> list[tuple[str, Path]]:
    if reference is None:
        return named
    names = [name for name, _ in named]
    if reference not in names:
        raise OptionError(f"--reference {reference}: there is {', '.join(names)}")
    place = names.index(reference)
    return [named[place], *named[:place], *named[place + 1 :]]


def _as_before(outcome: OutcomeFlags, options: dict[str, object]) -> OutcomeFlags:
    grade = options.get("grade")
    return replace(outcome, grade=grade) if isinstance(grade, str) else outcome


def _selected(design: DesignFlags) -> list[str]:
    from cogtrace.experiments.selection import selection_note

    return [] if design.selected_by is None else [selection_note([design.selected_by], True, True)]


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
