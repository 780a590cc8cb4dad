"""`cogtrace plan`: what a job with a language model will take, before anything is asked."""

from __future__ import annotations

import json
import random
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cogtrace.cli.annotators import annotator_spec, chosen_elements
from cogtrace.cli.console import err, out, out_json
from cogtrace.cli.flags import BudgetFlags, EngineFlags, QuestionFlags
from cogtrace.cli.options import AsJson, Elements, Format, Mapping, TaxonomyFile, option
from cogtrace.errors import InputError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cogtrace.annotator.llm.layout import Layout
    from cogtrace.annotator.llm.model import Question
    from cogtrace.annotator.llm.planning import Forecast, Range
    from cogtrace.annotator.registry import AnnotatorSpec
    from cogtrace.records import SourceRow, Trace, Usage


def plan(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="As for `cogtrace annotate`.")
    ],
    taxonomy: TaxonomyFile = None,
    elements: Elements = None,
    annotator: Annotated[
        str | None, option("--annotator", metavar="NAME", help="llm or hybrid [default: llm].")
    ] = None,
    sample: Annotated[
        int, option("--sample", min=1, help="Traces, drawn at random, to estimate from.")
    ] = 200,
    probe: Annotated[
        int,
        option(
            "--probe",
            min=0,
            help="Annotate so many traces of the sample for real, to measure tokens and time. "
            "Costs what it costs; nothing is kept.",
        ),
    ] = 0,
    context: Annotated[
        int | None,
        option(
            "--context", min=256, help="Context of the model in tokens [default: asked if probing]."
        ),
    ] = None,
    prompts_to: Annotated[
        Path,
        option("--prompts-to", metavar="DIR", help="Where to write three rendered prompts."),
    ] = Path("plan-prompts"),
    form: Format = None,
    mapping: Mapping = None,
    as_json: AsJson = False,
    *,
    engine: EngineFlags,
    questions: QuestionFlags,
    budget: BudgetFlags,
) -> None:
    """Estimate requests, tokens, time and money of a job, and write three of its prompts.

    Nothing is asked of a model unless `--probe` says so. Takes the options of `cogtrace
    annotate`, so that the same command line can be planned and then run.

    **Examples**

    - `cogtrace plan traces.jsonl --engine openai --model NAME --price-in 0.15 --price-out 0.6`

    - `cogtrace plan traces.jsonl --engine vllm --model /models/NAME --probe 8`
    """
    from cogtrace.annotator.llm.annotator import settings_of
    from cogtrace.annotator.llm.planning import forecast
    from cogtrace.cli.inputs import read_inputs
    from cogtrace.taxonomy import load_taxonomy

    chosen = chosen_elements(load_taxonomy(taxonomy), elements)
    spec = annotator_spec(annotator or "llm", chosen, engine, questions, budget)
    if not spec.kind.needs_engine:
        raise OptionError(f"--annotator {spec.kind.name}: asks no model; nothing to plan")
    total, traces = _sample(read_inputs(inputs, form, mapping).rows, sample, questions.seed)
    if not traces:
        raise InputError(f"{', '.join(inputs)}: no trace in it")
    measured, window = _probe(spec, traces[:probe]) if probe else (None, None)
    layout = _layout(spec, context, window)
    found = forecast(
        layout,
        traces,
        _asked(spec, layout, traces),
        total,
        prices=settings_of(spec.setup).prices,
        measured=measured,
    )
    written = _write_prompts(layout, traces, prompts_to)
    if as_json:
        from msgspec import to_builtins

        out_json(to_builtins(found) | {"prompts": [str(path) for path in written]})
        return
    for line in _lines(found, budget):
        out(line)
    out(f"prompts to read: {', '.join(str(path) for path in written)}")
    if found.too_long:
        err(
            f"warning: {found.too_long} of {found.sampled} sampled traces need more than "
            f"--max-windows {questions.max_windows} windows and would be quarantined"
        )


def _sample(rows: Iterable[SourceRow], size: int, seed: int) -> tuple[int, list[Trace]]:
    """Return the number of traces and a uniform sample of them, in one pass."""
    from cogtrace.records import Trace

    draw = random.Random(seed)
    total = 0
    kept: list[Trace] = []
    for row in rows:
        if not isinstance(row.value, Trace):
            continue
        total += 1
        if len(kept) < size:
            kept.append(row.value)
        elif (place := draw.randrange(total)) < size:
            kept[place] = row.value
    return total, kept


def _probe(spec: AnnotatorSpec, traces: list[Trace]) -> tuple[tuple[Usage, float], int]:
    """Annotate traces for real; return what it took, and the size of the windows."""
    with closing(spec.build()) as annotator:
        began = time.monotonic()
        annotator.annotate(traces)
        seconds = time.monotonic() - began
        usage = annotator.spent()
        layout = getattr(annotator, "layout", None)
    if usage is None or layout is None:
        raise OptionError(f"--probe: --annotator {spec.kind.name} does not count what it uses")
    return (usage, seconds), layout.window_tokens


def _layout(spec: AnnotatorSpec, context: int | None, window: int | None) -> Layout:
    import msgspec

    from cogtrace.annotator.llm.annotator import settings_of
    from cogtrace.annotator.llm.fence import new_fence
    from cogtrace.annotator.llm.layout import Layout
    from cogtrace.engines import EngineInfo

    setup = spec.setup
    settings, options = setup.engine_settings, settings_of(setup).options
    if window is not None:
        options = msgspec.structs.replace(options, window_tokens=window)
    length = context or settings.arguments.get("max_model_len")
    info = EngineInfo(engine="", model=settings.model, context_tokens=length)
    return Layout.of(spec.taxonomy, options, info, settings, new_fence())


def _asked(spec: AnnotatorSpec, layout: Layout, traces: list[Trace]) -> list[tuple[Question, ...]]:
    """Return the questions that each trace will be asked."""
    if spec.kind.name != "hybrid":
        return [layout.questions] * len(traces)
    from cogtrace.annotator.hybrid import asked_elements
    from cogtrace.annotator.llm.annotator import settings_of

    settings = settings_of(spec.setup)
    found = asked_elements(spec.taxonomy, traces, settings.seed, settings.options.audit)
    return [layout.narrowed(elements) for elements in found]


def _write_prompts(layout: Layout, traces: list[Trace], folder: Path) -> list[Path]:
    """Write three requests as they would be sent, to be read; return the files."""
    from cogtrace.annotator.llm.planning import example_requests

    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for number, (trace, request) in enumerate(example_requests(layout, traces), start=1):
            path = folder / f"prompt-{number}.txt"
            parts = [f"# trace {trace.trace_id}"]
            parts += [f"\n# {message.role}\n\n{message.content}" for message in request.messages]
            parts.append(f"\n# answer to fit this schema\n\n{json.dumps(request.schema, indent=1)}")
            path.write_text("\n".join(parts) + "\n", encoding="utf-8")
            written.append(path)
    except OSError as error:
        reason = error.strerror
        raise OptionError(f"--prompts-to {folder}: cannot be written to ({reason})") from error
    return written


def _lines(found: Forecast, budget: BudgetFlags) -> list[str]:
    """Return the forecast as a table for people."""
    share = "" if found.asked_share > 0.999 else f", {found.asked_share:.0%} of the pairs"
    lines = [
        f"{found.traces:,} traces ({found.sampled:,} sampled), {found.questions} questions "
        f"each{share}; windows of {found.window_tokens:,} tokens",
        f"{'':22}{'low':>16}{'expected':>16}{'high':>16}",
        _row("requests", found.requests),
        _row("prompt tokens", found.prompt_tokens),
        _row("  of these cached", found.cached_share.times(100), "{:,.0f} %"),
        _row("completion tokens", found.completion_tokens),
    ]
    if found.seconds is None:
        lines.append(f"{'time':22}unknown; measure it with --probe 8")
    else:
        lines.append(_row("hours", found.seconds.times(1 / 3600), "{:,.2f}"))
    if found.cost is None:
        lines.append(f"{'cost':22}unknown; give --price-in and --price-out")
    else:
        lines.append(_row("cost", found.cost, "{:,.2f}"))
        if budget.max_cost is not None and found.cost.expected > 0:
            covered = min(1.0, budget.max_cost / found.cost.expected)
            lines.append(f"--max-cost {budget.max_cost:g} is expected to cover {covered:.0%}")
    return lines


def _row(name: str, figures: Range, form: str = "{:,.0f}") -> str:
    cells = (form.format(value) for value in (figures.low, figures.expected, figures.high))
    return f"{name:22}" + "".join(f"{cell:>16}" for cell in cells)
