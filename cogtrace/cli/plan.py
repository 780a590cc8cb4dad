"""`cogtrace plan`: what a job with a language model will take, before anything is asked."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cogtrace.cli.annotators import annotator_spec
from cogtrace.cli.command_line import next_command
from cogtrace.cli.console import err, out, out_json
from cogtrace.cli.flags import BudgetFlags, EngineFlags, QuestionFlags, finite
from cogtrace.cli.options import AsJson, Elements, Format, Mapping, TaxonomyFile, option
from cogtrace.cli.plan_text import table
from cogtrace.errors import InputError, OptionError, Stopped
from cogtrace.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cogtrace.annotator.llm.annotator import LlmAnnotator
    from cogtrace.annotator.llm.layout import Layout
    from cogtrace.annotator.llm.model import Question
    from cogtrace.annotator.llm.planning import Forecast
    from cogtrace.annotator.llm.sampling import Sample
    from cogtrace.annotator.registry import AnnotatorSpec
    from cogtrace.engines import EngineSettings
    from cogtrace.jobs.pace import Probed

    Asked = Sequence[tuple[Question, ...]]

# Annotators whose questions are known here, before an engine is asked.
_PLANNED = ("llm", "hybrid")
# Each job draws a code to fence traces with. Always the same one here, so that a plan made
# twice says the same.
_CODE = "3f8a91c0"


def plan(
    ctx: typer.Context,
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
            "--context",
            min=256,
            help="Context of the model in tokens, where nothing is probed "
            "[default: max_model_len, if that is among the --engine-arg].",
        ),
    ] = None,
    prompts_to: Annotated[
        Path,
        option("--prompts-to", metavar="DIR", help="Where to write three rendered prompts."),
    ] = Path("plan-prompts"),
    price_hour: Annotated[
        float | None,
        option(
            "--price-hour",
            min=0.0,
            callback=finite,
            help="Price of an hour of your own machine; added to what tokens cost.",
        ),
    ] = None,
    limit: Annotated[
        int | None, option("--limit", min=1, help="Plan for so many rows, as the job takes them.")
    ] = None,
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
    from cogtrace.annotator.llm.planning import covered
    from cogtrace.annotator.llm.sampling import draw_sample
    from cogtrace.annotator.llm.settings import settings_of
    from cogtrace.cli.inputs import read_inputs
    from cogtrace.taxonomy import load_taxonomy

    spec = annotator_spec(
        annotator or "llm", load_taxonomy(taxonomy), elements, engine, questions, budget
    )
    if spec.kind.name not in _PLANNED:
        raise OptionError(
            f"--annotator {spec.kind.name}: what it asks is not known before; "
            f"plans are made for {' and '.join(_PLANNED)}"
            if spec.kind.needs_engine
            else f"--annotator {spec.kind.name}: asks no model; nothing to plan"
        )
    limits = settings_of(spec.setup).limits
    if limits.max_cost is not None and settings_of(spec.setup).prices is None:
        raise OptionError("--max-cost: needs prices; give --price-in and --price-out, or --prices")
    drawn = draw_sample(read_inputs(inputs, form, mapping).rows, sample, questions.seed, limit)
    if not drawn.traces:
        raise InputError(f"{', '.join(inputs)}: no trace in it")
    found, written = _found(spec, drawn, probe, context, price_hour, prompts_to)
    limited = covered(found, limits)
    command = next_command(ctx, "annotate", "--out", _free("out"), leave={"as_json"})
    if as_json:
        from msgspec import to_builtins

        out_json(
            to_builtins(found)
            | {
                "covered": to_builtins(limited),
                "prompts": [str(path) for path in written],
                "command": command,
            }
        )
    else:
        for line in table(found, limited, hourly=price_hour is not None):
            out(line)
        out(printable(f"prompts to read: {', '.join(str(path) for path in written)}"))
        out(f"to run it: {command}")
    known = probe or questions.window_tokens or _context(spec.setup.engine_settings, context)
    _warn(found, questions, assumed=not known)


def _found(
    spec: AnnotatorSpec,
    sample: Sample,
    probe: int,
    context: int | None,
    price_hour: float | None,
    prompts_to: Path,
) -> tuple[Forecast, list[Path]]:
    """Return the forecast, and the files with prompts to read."""
    from cogtrace.annotator.llm.annotator import LlmAnnotator
    from cogtrace.annotator.llm.planning import forecast
    from cogtrace.annotator.llm.settings import settings_of

    engine = spec.setup.engine

    def result(layout: Layout, asked: Asked, probed: Probed | None) -> tuple[Forecast, list[Path]]:
        found = forecast(
            layout,
            sample,
            asked,
            prices=settings_of(spec.setup).prices,
            price_hour=price_hour,
            probe=probed,
            # A server has no say in it, other engines bring their tokenizer when they start.
            recounted=not probed and engine is not None and engine.name != "openai",
        )
        return found, _write_prompts(layout, sample, asked, prompts_to)

    if not probe:
        layout = _layout(spec, context)
        return result(layout, _asked(spec, layout, sample), None)
    with closing(LlmAnnotator(spec.setup)) as annotator:
        asked = _asked(spec, annotator.layout, sample)
        probed = _probe(annotator, sample, asked, probe)
        # While the engine is there, tokens are counted by its own tokenizer.
        return result(annotator.layout, asked, probed)


def _probe(annotator: LlmAnnotator, sample: Sample, asked: Asked, number: int) -> Probed:
    """Annotate the first traces of a sample for real; return what it took."""
    from cogtrace.jobs.pace import Probed

    traces = sample.traces[:number]
    began = time.monotonic()
    try:
        annotations = annotator.annotate_asking(traces, asked[: len(traces)])
    except Stopped as stop:
        raise Stopped(
            f"--probe: stopped after {len(stop.done)} of {len(traces)} traces: {stop.reason}"
        ) from stop
    return Probed(
        traces=len(traces),
        seconds=time.monotonic() - began,
        usage=annotator.spent(),
        concurrency=annotator.concurrency,
        repairs=sum(found.tally.get("repairs", 0) for found in annotations),
        unusable=sum(len(lost.elements) for found in annotations for lost in found.unanswered),
    )


def _layout(spec: AnnotatorSpec, context: int | None) -> Layout:
    """Return the layout of a job as far as it is known before the engine starts."""
    from cogtrace.annotator.llm.layout import Layout
    from cogtrace.annotator.llm.settings import settings_of
    from cogtrace.engines import EngineInfo

    setup = spec.setup
    settings = setup.engine_settings
    length = _context(settings, context)
    info = EngineInfo(engine="", model=settings.model, context_tokens=length)
    # Not started; some engines count tokens all the same.
    engine = None if setup.engine is None else setup.engine.build(settings)
    return Layout.of(spec.taxonomy, settings_of(setup).options, info, settings, _CODE, engine)


def _context(settings: EngineSettings, given: int | None) -> int | None:
    """Return the context of the model, if it was said."""
    if given is not None:
        return given
    for name in ("max_model_len", "context_tokens"):
        value = settings.arguments.get(name)
        if isinstance(value, int):
            return value
    return None


def _asked(spec: AnnotatorSpec, layout: Layout, sample: Sample) -> Asked:
    """Return the questions that each trace will be asked."""
    if spec.kind.name != "hybrid":
        return [layout.questions] * len(sample.traces)
    from cogtrace.annotator.hybrid import asked_elements
    from cogtrace.annotator.llm.settings import settings_of

    settings = settings_of(spec.setup)
    found = asked_elements(spec.setup, sample.traces, settings.seed, settings.options.audit)
    return [layout.narrowed(elements) for elements in found]


def _write_prompts(layout: Layout, sample: Sample, asked: Asked, folder: Path) -> list[Path]:
    """Write three requests as they would be sent, to be read; return the files."""
    from cogtrace.annotator.llm.planning import example_requests

    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for number, (trace, request) in enumerate(example_requests(layout, sample, asked), 1):
            path = folder / f"prompt-{number}.txt"
            parts = [f"# trace {printable(trace.trace_id)}"]
            parts += [f"\n# {message.role}\n\n{message.content}" for message in request.messages]
            parts.append(f"\n# answer to fit this schema\n\n{json.dumps(request.schema, indent=1)}")
            path.write_text("\n".join(parts) + "\n", encoding="utf-8", errors="backslashreplace")
            written.append(path)
    except OSError as error:
        reason = error.strerror
        raise OptionError(f"--prompts-to {folder}: cannot be written to ({reason})") from error
    return written


def _free(name: str) -> str:
    """Return a name for a folder that is not there yet."""
    number = 1
    found = name
    while Path(found).exists():
        number += 1
        found = f"{name}-{number}"
    return found


def _warn(found: Forecast, questions: QuestionFlags, *, assumed: bool) -> None:
    """Say what may come otherwise."""
    if found.unreadable:
        err(
            f"warning: {found.unreadable:,} of {found.rows:,} rows hold no trace and would be "
            "quarantined"
        )
    if found.too_long:
        err(
            f"warning: {found.too_long} of {found.sampled} sampled traces need more than "
            f"--max-windows {questions.max_windows} windows and would be quarantined"
        )
    if assumed:
        err(
            f"note: the context of the model is not known; windows of {found.window_tokens:,} "
            "tokens are assumed. --context says it, --probe asks the engine"
        )
