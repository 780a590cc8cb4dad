"""The LLM annotator with the real vLLM and a tiny model: `scripts/test-vllm` runs these."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
from real_vllm import processes, settings

from cogtrace.annotator.llm.annotator import LlmAnnotator
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.corpora.sample import sample_path
from cogtrace.engines.builtin import VLLM
from cogtrace.extensions import AnnotatorSetup
from cogtrace.records import Annotation, Trace
from cogtrace.taxonomy import load_taxonomy

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("default")]

# What no schema can rule out, and a model that knows nothing often does.
SENSELESS = {"score-without-evidence", "evidence-without-score", "reversed-range"}
Pair = tuple[Trace, Annotation]


@pytest.fixture(scope="module")
def traces() -> list[Trace]:
    rows = read_traces(open_inputs([str(sample_path())]), {})
    return list(islice((row.value for row in rows if isinstance(row.value, Trace)), 10))


@pytest.fixture(scope="module")
def annotator() -> Iterator[LlmAnnotator]:
    setup = AnnotatorSetup(
        taxonomy=load_taxonomy(),
        engine=VLLM,
        engine_settings=settings(seed=1),
        # Random answers, so that some of them make sense.
        options={"options": {"ask": "element", "temperature": 1.0}},
    )
    annotator = LlmAnnotator.from_setup(setup)
    yield annotator
    annotator.close()
    assert processes() == []


@pytest.fixture(scope="module")
def annotated(annotator: LlmAnnotator, traces: list[Trace]) -> list[Pair]:
    return list(zip(traces, annotator.annotate(traces), strict=True))


def test_every_element_is_answered_or_senseless_and_none_is_lost(annotated: list[Pair]) -> None:
    names = sorted(load_taxonomy().element_ids)
    for _, annotation in annotated:
        found = [entry.element for entry in annotation.elements]
        lost = [name for row in annotation.unanswered for name in row.elements]
        assert sorted(found + lost) == names
        assert {row.reason for row in annotation.unanswered} <= SENSELESS
    assert sum(len(annotation.elements) for _, annotation in annotated) >= 28


def test_every_span_slices_to_its_quote(annotated: list[Pair]) -> None:
    spans = [
        (trace, span)
        for trace, annotation in annotated
        for entry in annotation.elements
        for span in entry.spans
    ]
    assert spans
    for trace, span in spans:
        assert trace.text[span.start : span.end] == span.quote


def test_all_but_the_questions_come_from_the_cache(
    annotated: list[Pair], annotator: LlmAnnotator
) -> None:
    spent = annotator.spent()

    assert spent.requests >= 280
    # Computed are the instructions once, each trace once, and what is each question's own,
    # up to whole blocks of the cache: 128 tokens on a CPU.
    assert spent.cached_tokens > 0.85 * spent.prompt_tokens
