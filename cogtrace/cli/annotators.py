"""From options of the command line to an annotator that is ready to be built."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cogtrace.cli.flags import BudgetFlags, EngineFlags, QuestionFlags
from cogtrace.errors import OptionError

if TYPE_CHECKING:
    from cogtrace.annotator.job import JobFolder, Order
    from cogtrace.annotator.registry import AnnotatorSpec
    from cogtrace.cli.progress import JobDisplay
    from cogtrace.engines import EngineSettings
    from cogtrace.extensions import Watch
    from cogtrace.records import SourceRow
    from cogtrace.taxonomy import Taxonomy


def annotator_spec(
    name: str | None,
    taxonomy: Taxonomy,
    elements: str | None,
    engine: EngineFlags,
    questions: QuestionFlags,
    budget: BudgetFlags,
    *,
    folder: JobFolder | None = None,
    forget_failed: bool = False,
    watch: Watch | None = None,
) -> AnnotatorSpec:
    """Return the annotator that the options ask for, of all elements or those named.

    Raises:
        OptionError: options that do not go together, or an unknown name.
        PluginError: what was asked for belongs to an extension that is broken.
    """
    from cogtrace.annotator.registry import AnnotatorSpec, default_annotator
    from cogtrace.extensions import AnnotatorSetup
    from cogtrace.plugins.manager import extensions

    cut = _only(taxonomy, elements)
    uncut = None if cut is taxonomy else taxonomy
    asked = name or ("llm" if engine.engine else default_annotator(taxonomy))
    chosen, colon, argument = asked.partition(":")
    kind = extensions().annotator(chosen)
    if colon and kind.argument is None:
        raise OptionError(f"--annotator {name}: {chosen} takes nothing after a colon")
    if not kind.needs_engine:
        if engine.engine is not None:
            raise OptionError(
                f"--engine {engine.engine}: --annotator {chosen} asks no model; "
                "use --annotator llm or hybrid"
            )
        options = {"argument": argument} if argument else {}
        return AnnotatorSpec(kind, AnnotatorSetup(taxonomy=cut, uncut=uncut, options=options))
    if engine.engine is None:
        raise OptionError(
            f"--annotator {chosen}: needs --engine (vllm, openai or scripted) and --model"
        )
    return AnnotatorSpec(
        kind,
        AnnotatorSetup(
            taxonomy=cut,
            uncut=uncut,
            engine=extensions().engine(engine.engine),
            engine_settings=engine_settings(engine),
            options=annotator_options(questions, budget, engine.model)
            | {"fence": _kept_fence(folder), "forget_failed": forget_failed},
            watch=watch,
        ),
    )


def taxonomy_for(given: Path | None, annotator: str | None) -> Taxonomy:
    """Return the taxonomy that was asked for, or else the one that goes with the annotator.

    Raises:
        TaxonomyError: it cannot be read.
        OptionError, PluginError: there is no such annotator.
    """
    from cogtrace.plugins.manager import extensions
    from cogtrace.taxonomy import load_taxonomy

    name, _, argument = (annotator or "").partition(":")
    if given is None and argument:
        own = extensions().annotator(name).taxonomy
        given = own(argument) if own is not None else None
    return load_taxonomy(given)


def _only(taxonomy: Taxonomy, elements: str | None) -> Taxonomy:
    """Return the taxonomy, cut down to the elements asked for.

    Raises:
        OptionError: none is named.
        UnknownElement: one is not in the taxonomy.
    """
    if elements is None:
        return taxonomy
    names = [name.strip() for name in elements.split(",") if name.strip()]
    if not names:
        raise OptionError(f"--elements {elements}: names no element")
    return taxonomy.only(names)


def engine_settings(flags: EngineFlags) -> EngineSettings:
    """Return the settings of an engine.

    Raises:
        OptionError: an --engine-arg without "=".
    """
    from cogtrace.engines import EngineSettings

    return EngineSettings(
        model=flags.model,
        base_url=flags.base_url,
        concurrency=flags.concurrency,
        timeout=flags.timeout,
        retries=flags.retries,
        arguments=dict(_argument(text) for text in flags.engine_arg or []),
    )


def annotator_options(questions: QuestionFlags, budget: BudgetFlags, model: str) -> dict[str, Any]:
    """Return the options of the LLM annotators, as they take them.

    Raises:
        OptionError: prices that are incomplete or cannot be read.
    """
    from msgspec import structs

    from cogtrace.cli.prices import prices_for

    asked = asdict(questions)
    seed = asked.pop("seed")
    prices = prices_for(model, budget)
    return {
        "options": asked,
        "limits": {
            "max_tokens_total": budget.max_tokens_total,
            "max_cost": budget.max_cost,
            "max_minutes": budget.max_minutes,
        },
        "prices": None if prices is None else structs.asdict(prices),
        "seed": seed,
    }


def _argument(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise OptionError(f"--engine-arg {text}: not of the form KEY=VALUE")
    try:
        return key.strip(), json.loads(value)
    except json.JSONDecodeError:
        return key.strip(), value


def _kept_fence(folder: JobFolder | None) -> str:
    """Return the fence of the job in a folder, so that its prompts stay the same, or a new one."""
    from cogtrace.annotator.job.manifest import read_manifest
    from cogtrace.annotator.llm.fence import new_fence

    if folder is not None and folder.is_job():
        fence = read_manifest(folder).options.get("fence")
        if isinstance(fence, str):
            return fence
    return new_fence()


def shown_options(spec: AnnotatorSpec) -> dict[str, Any]:
    """Return what a manifest says of an annotator's options: no secrets, no passwords in URLs."""
    setup = spec.setup
    if setup.engine is None:
        return dict(setup.options)
    return shown_engine(setup.engine.name, setup.engine_settings) | {
        key: value for key, value in setup.options.items() if key != "forget_failed"
    }


def shown_engine(name: str, settings: EngineSettings) -> dict[str, Any]:
    """Return what a manifest says of an engine: no secrets, no passwords in URLs."""
    from urllib.parse import urlsplit, urlunsplit

    url = None
    if settings.base_url is not None:
        parts = urlsplit(settings.base_url)
        host = parts.netloc.rpartition("@")[2]
        url = urlunsplit((parts.scheme, host, parts.path, "", ""))
    return {
        "engine": name,
        "model": settings.model,
        "base_url": url,
        "engine_arguments": settings.arguments,
    }


@contextmanager
def in_order(
    rows: Iterable[SourceRow],
    spec: AnnotatorSpec,
    kind: Literal["input", "random"] | None,
    seed: int,
    display: JobDisplay,
) -> Iterator[tuple[Iterable[SourceRow], Order, int | None]]:
    """Give rows in the order they are to be worked through, that order, and their number."""
    from cogtrace.annotator.job import Order
    from cogtrace.jobs.ordering import ShuffledRows

    if (kind or ("random" if spec.kind.needs_engine else "input")) == "input":
        yield rows, Order(), None
        return
    display.says("reading the input")
    with ShuffledRows(rows, seed) as shuffled:
        yield shuffled, Order(kind="random", seed=seed), len(shuffled)
