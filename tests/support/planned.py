"""Jobs to plan and to run, for tests that compare the two."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from typing import Any

from asking import Model, asked_of, limits_of, setup_for

from cogtrace.annotator.hybrid import HybridAnnotator, asked_elements
from cogtrace.annotator.llm.annotator import LlmAnnotator
from cogtrace.annotator.llm.layout import Layout
from cogtrace.annotator.llm.model import LlmOptions
from cogtrace.annotator.llm.sampling import Sample
from cogtrace.engines import Engine, EngineInfo, EngineSettings, Request
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.extensions import AnnotatorSetup, EngineKind
from cogtrace.jobs.ranges import Range
from cogtrace.records import Annotation, Quarantined, SourceRow, Trace, Usage
from cogtrace.taxonomy import Taxonomy

FENCE = "0123abcd"
_WORDS = "the writer counts the boxes again and again, then says so twice over, " * 3


def plausible(options: LlmOptions) -> Model:
    """Return a model that answers as models do: some elements shown, none at great length."""

    def entry(draw: random.Random, first: int, last: int) -> dict[str, Any]:
        shown = draw.random() < 0.6
        pieces = draw.randint(1, min(3, options.evidence)) if shown else 0
        ranges = [sorted(draw.choices(range(first, last + 1), k=2)) for _ in range(pieces)]
        length = draw.randint(options.reason_chars // 3, options.reason_chars)
        return {
            "evidence": [{"sentences": found, "quote": _WORDS[:50]} for found in ranges]
            if options.quotes
            else ranges,
            "reason": _WORDS[:length],
            "score": draw.choice([1, 2]) if shown else 0,
        }

    def model(request: Request) -> str | None:
        names = asked_of(request)
        if not names:
            return None
        draw = random.Random(request.key)
        found = {name: entry(draw, *limits_of(request)) for name in names}
        return json.dumps(found, separators=(",", ":"))

    return model


class _Uncounting(ScriptedEngine):
    """Keeps to itself what a token is, as servers do."""

    def count_tokens(self, text: str) -> None:  # type: ignore[override]
        return None


def setup_of(taxonomy: Taxonomy, options: dict[str, Any], *, counts: bool) -> AnnotatorSetup:
    """Return the setup of an annotator that asks such a model; ``counts``: and knows its tokens."""
    model = plausible(LlmOptions(**options))
    kind = ScriptedEngine if counts else _Uncounting
    return dataclasses.replace(
        setup_for(model, taxonomy, options=options),
        engine=EngineKind(
            name="played", summary="a model", build=lambda _: kind.from_function(model)
        ),
    )


def layout_of(taxonomy: Taxonomy, options: dict[str, Any], engine: Engine | None = None) -> Layout:
    """Return the layout of a plan, with the tokenizer of an engine if there is one."""
    info = EngineInfo(engine="", model="")
    return Layout.of(taxonomy, LlmOptions(**options), info, EngineSettings(), FENCE, engine)


def asked_by(layout: Layout, taxonomy: Taxonomy, sample: Sample, *, screens: bool) -> Any:
    """Return the questions for each trace; ``screens``: as the hybrid annotator asks them."""
    if not screens:
        return [layout.questions] * len(sample.traces)
    names = asked_elements(
        AnnotatorSetup(taxonomy=taxonomy), sample.traces, 0, layout.options.audit
    )
    return [layout.narrowed(elements) for elements in names]


def run(setup: AnnotatorSetup, traces: list[Trace], *, screens: bool) -> list[Annotation]:
    """Annotate traces for real."""
    annotator = HybridAnnotator(setup) if screens else LlmAnnotator(setup)
    found = annotator.annotate(traces)
    annotator.close()
    return found


def total(found: list[Annotation]) -> Usage:
    """Return what annotations have taken together."""
    usages = [annotation.usage for annotation in found if annotation.usage is not None]
    return Usage(
        requests=sum(u.requests for u in usages),
        prompt_tokens=sum(u.prompt_tokens for u in usages),
        cached_tokens=sum(u.cached_tokens for u in usages),
        completion_tokens=sum(u.completion_tokens for u in usages),
    )


def holds(figures: Range, actual: float, near: float) -> None:
    """Make sure that a figure is within its bounds, and what was expected within a share."""
    assert figures.low <= actual <= figures.high, (figures, actual)
    assert math.isclose(figures.expected, actual, rel_tol=near), (figures, actual)


def rows_of(*texts: str | None) -> list[SourceRow]:
    """Return rows with these texts; None is a broken one."""
    return [
        SourceRow(
            file="f",
            line=line,
            value=Quarantined.of("f", line, "bad-json", "broken", None, None)
            if text is None
            else Trace(trace_id=str(line), text=text),
        )
        for line, text in enumerate(texts, 1)
    ]


def width(figures: Range) -> float:
    """Return how far apart the bounds are."""
    return figures.high / figures.low
