"""Groups of options that several verbs share, each declared once, as a dataclass.

A verb takes a group as one parameter; `spread` makes its fields options of the verb.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from cogtrace.cli.options import option

_MODEL = "Language model"
_QUESTIONS = "Questions"
_BUDGET = "Budget"
_ANSWERS = "Answers"


def _in(panel: str, flag: str, *more: str, **settings: Any) -> Any:
    return option(flag, *more, rich_help_panel=panel, **settings)


def _amount(panel: str, flag: str, **settings: Any) -> Any:
    """Declare an option whose value is a finite number."""
    return _in(panel, flag, callback=finite, **settings)


def finite(value: float | None) -> float | None:
    """Refuse what is no finite number: no comparison with it would ever stop a job."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no amount")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFlags:
    """Which language model, and how to reach it."""

    engine: Annotated[
        str | None,
        _in(
            _MODEL,
            "--engine",
            metavar="NAME",
            help="vllm (in process), openai (any OpenAI-compatible server), scripted (no model; "
            "for tests). With `annotate`, implies --annotator llm.",
        ),
    ] = None
    model: Annotated[
        str,
        _in(_MODEL, "--model", "-m", metavar="NAME", help="Name of the model, or its folder."),
    ] = ""
    base_url: Annotated[
        str | None,
        _in(
            _MODEL,
            "--base-url",
            metavar="URL",
            help="Server, e.g. http://127.0.0.1:8000/v1 (default: OPENAI_BASE_URL). The key is "
            "read from OPENAI_API_KEY.",
        ),
    ] = None
    engine_arg: Annotated[
        list[str] | None,
        _in(
            _MODEL,
            "--engine-arg",
            metavar="KEY=VALUE",
            help="Any argument of the engine, e.g. tensor_parallel_size=2; values are JSON where "
            "they can be read as such. Repeat as needed.",
        ),
    ] = None
    concurrency: Annotated[
        int | None,
        _in(_MODEL, "--concurrency", min=1, help="Requests in flight [default: the engine's]."),
    ] = None
    timeout: Annotated[
        float, _amount(_MODEL, "--timeout", min=0.1, help="Seconds to wait for an answer.")
    ] = 600.0
    retries: Annotated[
        int,
        _in(_MODEL, "--retries", min=0, help="Further tries after 429, 5xx and lost connections."),
    ] = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionFlags:
    """What is asked, and how."""

    ask: Annotated[
        Literal["element", "group", "all"],
        _in(
            _QUESTIONS,
            "--ask",
            help="Elements per question: one, those of a dimension, or all of them. One gives the "
            "most careful answers, all the fewest requests.",
        ),
    ] = "group"
    votes: Annotated[
        int,
        _in(
            _QUESTIONS,
            "--votes",
            min=1,
            help="Answers per question; their agreement becomes the confidence.",
        ),
    ] = 1
    evidence: Annotated[
        int, _in(_QUESTIONS, "--evidence", min=1, help="Pieces of evidence per element at most.")
    ] = 4
    reason_chars: Annotated[
        int, _in(_QUESTIONS, "--reason-chars", min=0, help="Length of a reason at most.")
    ] = 80
    quotes: Annotated[
        bool,
        _in(_QUESTIONS, "--quotes", help="Ask for a quote that narrows each range of sentences."),
    ] = False
    shots_tokens: Annotated[
        int,
        _in(_QUESTIONS, "--shots-tokens", min=0, help="Budget of the worked examples; 0 for none."),
    ] = 1_500
    window_tokens: Annotated[
        int | None,
        _in(
            _QUESTIONS,
            "--window-tokens",
            min=128,
            help="Tokens of trace text per prompt [default: what fits, up to 16,384].",
        ),
    ] = None
    overlap: Annotated[
        int, _in(_QUESTIONS, "--overlap", min=0, help="Sentences that windows share.")
    ] = 4
    max_windows: Annotated[
        int,
        _in(_QUESTIONS, "--max-windows", min=1, help="A trace that needs more is quarantined."),
    ] = 8
    temperature: Annotated[
        float | None,
        _amount(
            _QUESTIONS,
            "--temperature",
            min=0.0,
            help="Of sampling [default: 0, or 0.7 with several votes].",
        ),
    ] = None
    prompts: Annotated[
        str, _in(_QUESTIONS, "--prompts", metavar="NAME|DIR", help="Prompts, or a folder of yours.")
    ] = "v1"
    audit: Annotated[
        float,
        _amount(
            _QUESTIONS,
            "--audit",
            min=0.0,
            max=1.0,
            help="With --annotator hybrid: share of what cues rule out that is asked all the same.",
        ),
    ] = 0.05
    seed: Annotated[
        int, _in(_QUESTIONS, "--seed", help="Of the order of traces and of the audit.")
    ] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingFlags:
    """How a model answers tasks."""

    samples: Annotated[
        int | None,
        _in(
            _ANSWERS,
            "--samples",
            min=1,
            help="Answers per task, put to the vote, where no plugin solves in its own way "
            "[default: 1].",
        ),
    ] = None
    temperature: Annotated[
        float | None,
        _amount(
            _ANSWERS,
            "--temperature",
            min=0.0,
            envvar="COGTRACE_GUIDE_TEMPERATURE",
            help="Of the answers [default: 0].",
        ),
    ] = None
    max_tokens: Annotated[
        int | None,
        _in(_ANSWERS, "--max-tokens", min=1, help="Of one answer at most [default: 2048]."),
    ] = None
    answer_kind: Annotated[
        Literal["exact", "choice", "numeric", "maths", "json"] | None,
        _in(
            _ANSWERS,
            "--answer-kind",
            help="How short answers are found and compared [default: the first kind that fits]; "
            "maths needs the extra of that name.",
        ),
    ] = None
    seed: Annotated[
        int,
        _in(
            _ANSWERS,
            "--seed",
            envvar="COGTRACE_GUIDE_SEED",
            help="Of the order of tasks and of what plugins draw.",
        ),
    ] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFlags:
    """What tokens cost, and when to stop."""

    price_in: Annotated[
        float | None,
        _amount(_BUDGET, "--price-in", min=0.0, help="Price of a million prompt tokens."),
    ] = None
    price_out: Annotated[
        float | None,
        _amount(_BUDGET, "--price-out", min=0.0, help="Price of a million tokens of answers."),
    ] = None
    price_cached: Annotated[
        float | None,
        _amount(
            _BUDGET,
            "--price-cached",
            min=0.0,
            help="Price of a million prompt tokens from the cache [default: as --price-in].",
        ),
    ] = None
    prices: Annotated[
        Path | None,
        _in(
            _BUDGET,
            "--prices",
            metavar="FILE",
            help="Prices by model, as JSON, for when --price-in and --price-out are not given: "
            '{"NAME": {"input": 1, "output": 2, "cached": 0.5}}, each of a million tokens.',
        ),
    ] = None
    max_tokens_total: Annotated[
        int | None,
        _in(_BUDGET, "--max-tokens-total", min=1, help="Stop at so many tokens over all runs."),
    ] = None
    max_cost: Annotated[
        float | None,
        _amount(_BUDGET, "--max-cost", min=0.0, help="Stop at this cost over all runs of the job."),
    ] = None
    max_minutes: Annotated[
        float | None,
        _amount(_BUDGET, "--max-minutes", min=0.0, help="Stop this run after so long."),
    ] = None


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Make the fields of dataclass parameters options of a command."""
    groups: dict[str, Any] = {}
    parameters: list[inspect.Parameter] = []
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and is_dataclass(kind):
            groups[name] = kind
            parameters += _options_of(kind)
        else:
            parameters.append(parameter.replace(annotation=kind))

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        gathered = {
            name: kind(**{field.name: values.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        command(**values, **gathered)

    # typer reads this instead of the parameters of ``wrapped``.
    wrapped.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    )
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": None}
    return wrapped


def _options_of(kind: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(kind)
    ]
