"""Groups of options of `cogtrace compare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cogtrace.cli.flags import finite
from cogtrace.cli.options import option

_DESIGN = "Design"
_OUTCOME = "Outcome"
_UPTAKE = "What changed in the reasoning"


def _in(panel: str, flag: str, *more: str, **settings: Any) -> Any:
    return option(flag, *more, rich_help_panel=panel, **settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignFlags:
    """What is compared with what, declared beforehand."""

    arms: Annotated[
        list[str] | None,
        _in(
            _DESIGN,
            "--arms",
            metavar="A,B,…",
            help="Arms, the plugins of one joined by +, options as with --with: "
            "plain,restate,analogy:k=2+abduce. The first one is the reference; `plain` asks the "
            "questions as they are.",
        ),
    ] = None
    control: Annotated[
        Literal["dearest", "each"],
        _in(
            _DESIGN,
            "--control",
            help="Like whom the control arm spends, task by task, on plain samples and a vote: the "
            "dearest arm, or one control for each.",
        ),
    ] = "dearest"
    no_control: Annotated[
        bool, _in(_DESIGN, "--no-control", help="No arm at equal tokens: cheaper, and weaker.")
    ] = False
    repeats: Annotated[
        int,
        _in(
            _DESIGN,
            "--repeats",
            min=1,
            help="Runs of each task in each arm; they stand and fall together in the statistics.",
        ),
    ] = 1
    stop: Annotated[
        Literal["none"],
        _in(
            _DESIGN,
            "--stop",
            envvar="COGTRACE_COMPARE_STOP",
            help="Stopping rule, declared beforehand: none, all tasks are run whatever comes out.",
        ),
    ] = "none"
    discordance: Annotated[
        float,
        _in(
            _DESIGN,
            "--discordance",
            min=0.001,
            max=1.0,
            callback=finite,
            help="Assumed share of tasks that only one of two arms gets right; what the experiment "
            "can find depends on it.",
        ),
    ] = 0.25
    selected_by: Annotated[
        str | None,
        _in(
            _DESIGN,
            "--selected-by",
            metavar="COLUMN",
            help="The tasks were chosen by this column of earlier outcomes; the result says what "
            "that means.",
        ),
    ] = None
    reference: Annotated[
        str | None,
        _in(
            _DESIGN,
            "--reference",
            metavar="ARM",
            help="With finished runs: the one that others are compared with [default: the first].",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFlags:
    """How it is told who did better."""

    grade: Annotated[
        str | None,
        _in(
            _OUTCOME,
            "--grade",
            metavar="HOW",
            help="exact, choice, numeric, maths, json (compare with the right answer), rubric (a "
            "model judges), or MODULE:FUNCTION (gets the record of a run, returns true, false or "
            "None) [default: the first kind of answer that fits].",
        ),
    ] = None
    rubric: Annotated[
        Path | None,
        _in(_OUTCOME, "--rubric", metavar="FILE", help="Text for a judge: what a good answer is."),
    ] = None
    tournament: Annotated[
        bool,
        _in(
            _OUTCOME,
            "--tournament",
            help="For tasks without a right answer: a model compares answers in pairs, in both "
            "orders; rated with Glicko-2.",
        ),
    ] = False
    winners: Annotated[
        Path | None,
        _in(
            _OUTCOME,
            "--winners",
            metavar="FILE",
            help="The same, decided by people: CSV with task, arm_a, arm_b, winner.",
        ),
    ] = None
    judge_engine: Annotated[
        str | None,
        _in(_OUTCOME, "--judge-engine", metavar="NAME", help="Of the judge [default: --engine]."),
    ] = None
    judge_model: Annotated[
        str | None,
        _in(_OUTCOME, "--judge-model", metavar="NAME", help="Of the judge [default: --model]."),
    ] = None
    judge_base_url: Annotated[
        str | None,
        _in(
            _OUTCOME,
            "--judge-base-url",
            metavar="URL",
            help="Server of the judge [default: --base-url].",
        ),
    ] = None
    bootstrap: Annotated[
        int,
        _in(
            _OUTCOME,
            "--bootstrap",
            envvar="COGTRACE_COMPARE_BOOTSTRAP",
            min=100,
            max=100_000,
            help="Draws for intervals.",
        ),
    ] = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UptakeFlags:
    """How the arms' generations are annotated."""

    annotator: Annotated[
        str | None,
        _in(
            _UPTAKE,
            "--annotator",
            metavar="NAME",
            help="Who annotates what the arms wrote; llm and hybrid ask --engine "
            "[default: as in annotate].",
        ),
    ] = None
    taxonomy: Annotated[
        Path | None,
        _in(_UPTAKE, "--taxonomy", metavar="FILE", help="A taxonomy of your own (file or folder)."),
    ] = None
    no_uptake: Annotated[
        bool, _in(_UPTAKE, "--no-uptake", help="Do not annotate; compare answers and costs only.")
    ] = False
