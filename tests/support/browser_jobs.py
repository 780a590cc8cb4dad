"""Job folders for the trace browser, with spans as an annotator gives them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from written_jobs import ANNOTATOR, TAXONOMY, write_job

from cogtrace.records import Annotation, ElementAnnotation, Span, Trace, text_sha256

Pair = tuple[Trace, Annotation]
Bounds = tuple[int, int]

ELEMENTS = ("re-reading", "turning-back", "guessing")  # of the tiny taxonomy of the tests
_WORDS = (
    "so the sum of these is nine wait that cannot be right let me look again at line two "
    "maybe the other way round gives more 三十 é̂ 😀 👩‍🔬 hence the answer follows"
).split()


def annotated(
    trace: Trace,
    spans: Mapping[str, Sequence[Bounds]],
    scores: Mapping[str, int] | None = None,
    explanations: Mapping[str, str] | None = None,
) -> Pair:
    """Return a trace with spans; what has none is absent unless ``scores`` says otherwise."""
    scores = {name: 2 if spans.get(name) else 0 for name in ELEMENTS} | dict(scores or {})
    entries = tuple(
        ElementAnnotation(
            element=element,
            score=score,
            spans=tuple(_span(trace.text, *bounds) for bounds in spans.get(element, ())),
            explanation=(explanations or {}).get(element),
        )
        for element, score in scores.items()
    )
    return trace, Annotation(
        trace_id=trace.trace_id,
        text_sha256=text_sha256(trace.text),
        sentences=1,
        taxonomy=TAXONOMY,
        annotator=ANNOTATOR,
        elements=entries,
    )


def made_up(count: int, seed: int = 0) -> list[Pair]:
    """Return traces that differ in all that the browser filters and sorts by."""
    draw = random.Random(seed)
    pairs = []
    for number in range(count):
        text = "".join(
            draw.choice(_WORDS) + draw.choice((" ", " ", " ", "\n"))
            for _ in range(draw.randint(3, 120))
        )
        spans = {name: _apart(draw, len(text)) for name in ELEMENTS}
        trace = Trace(
            trace_id=f"t{number}",
            text=f"{text}end{number}.",
            question=draw.choice((None, "How many are there?", "What is 七 plus two?")),
            model=draw.choice((None, "small", "large")),
            task=draw.choice(("sums", "riddles")),
            problem_type=draw.choice(("sum", "riddle")),
            correct=draw.choice((True, False, None)),
            answer=draw.choice((None, "9")),
            meta=draw.choice(({}, {"source": "made up", "depth": {"a": 1}})),
        )
        scores = {name: draw.choice((1, 2)) if spans[name] else 0 for name in ELEMENTS}
        pairs.append(annotated(trace, spans, scores, {"guessing": "Because it says maybe."}))
    return pairs


def write_browser_job(path: Path, pairs: Iterable[Pair], taxonomy: dict[str, Any]) -> Path:
    """Write a job folder with this taxonomy; return its path."""
    write_job(path, pairs, part_traces=7)
    (path / "taxonomy.json").write_text(json.dumps(taxonomy), encoding="utf-8")
    return path


def _apart(draw: random.Random, length: int) -> list[Bounds]:
    """Return up to three stretches that do not overlap each other, though they may touch."""
    edges = sorted(draw.sample(range(length + 1), 2 * draw.randint(0, min(3, length // 2))))
    return list(zip(edges[::2], edges[1::2], strict=True))


def _span(text: str, start: int, end: int) -> Span:
    return Span(
        start=start,
        end=end,
        quote=text[start:end],
        first_sentence=1,
        last_sentence=1,
        anchor="exact",
        source="reader",
        confidence=0.75,
    )
