"""What the screen rules out, and which of it is asked all the same."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.cues.screening import Screen, audited
from cogtrace.records import Trace
from cogtrace.taxonomy import Cue, Scoring, Taxonomy, load_taxonomy

_BASE = load_taxonomy(Path(__file__).parents[1] / "taxonomy" / "small.json")
_CUES = {"check": ["let me check", "to be sure"], "plan": ["the plan is"], "doubt": ["not sure"]}
_PHRASES = ["Let me check. ", "To be sure. ", "The plan is this. ", "I am not sure. ", "Rain. "]
TEXTS = st.lists(st.sampled_from(_PHRASES), max_size=8).map("".join)


def _taxonomy(screens: Sequence[float]) -> Taxonomy:
    """Return a taxonomy of three elements; one cue found once is evidence of 0.8."""
    elements = tuple(
        msgspec.structs.replace(
            _BASE.elements[1],
            id=name,
            cues=tuple(Cue(text=text, strength="strong") for text in cues),
            scoring=Scoring(partial=1.0, screen=screen),
        )
        for (name, cues), screen in zip(_CUES.items(), screens, strict=True)
    )
    return msgspec.structs.replace(_BASE, elements=elements)


def _traces(*texts: str) -> list[Trace]:
    return [Trace(trace_id=str(number), text=text) for number, text in enumerate(texts)]


def test_an_element_without_evidence_enough_is_ruled_out() -> None:
    screen = Screen(_taxonomy([0.9, 0.7, 0.1]))

    (found,) = screen.ruled_out(_traces("Let me check. The plan is this. Then it rained."))

    # One cue each is 0.8: too little for the first, enough for the second.
    assert found == {"check", "doubt"}
    assert screen.elements == ("check", "plan", "doubt")


def test_evidence_at_the_threshold_is_enough() -> None:
    text = "Let me check. The plan is this."
    evidence = float(Screen(_taxonomy([0, 0, 0])).evidence(_traces(text))[0, 0])

    assert Screen(_taxonomy([evidence, 0, 0])).ruled_out(_traces(text)) == [frozenset()]
    above = math.nextafter(evidence, 1)
    assert Screen(_taxonomy([above, 0, 0])).ruled_out(_traces(text)) == [{"check"}]


@given(st.lists(TEXTS, max_size=4))
def test_an_element_without_a_threshold_is_never_ruled_out(texts: list[str]) -> None:
    screen = Screen(_taxonomy([0, 1, 0]))

    assert screen.elements == ("plan",)
    for found in screen.ruled_out(_traces(*texts)):
        assert found <= {"plan"}


@given(TEXTS, st.tuples(*[st.floats(0, 1)] * 3), st.tuples(*[st.floats(0, 1)] * 3))
def test_a_higher_threshold_never_rules_out_less(
    text: str, one: tuple[float, ...], other: tuple[float, ...]
) -> None:
    low = Screen(_taxonomy([min(pair) for pair in zip(one, other, strict=True)]))
    high = Screen(_taxonomy([max(pair) for pair in zip(one, other, strict=True)]))

    assert low.ruled_out(_traces(text))[0] <= high.ruled_out(_traces(text))[0]


@given(st.lists(TEXTS, max_size=6))
def test_what_the_cues_score_is_not_ruled_out(texts: list[str]) -> None:
    taxonomy = _taxonomy([1, 1, 1])
    traces = _traces(*texts)

    annotations = CueAnnotator(taxonomy).annotate(traces)

    for found, annotation in zip(Screen(taxonomy).ruled_out(traces), annotations, strict=True):
        assert not found & {entry.element for entry in annotation.elements if entry.score}


@settings(max_examples=25)
@given(st.lists(TEXTS, max_size=6))
def test_traces_are_screened_alike_alone_and_together(texts: list[str]) -> None:
    screen = Screen(_taxonomy([0.9, 0.9, 0.9]))
    long = "It rained on. " * 5_000  # fills a page of its own
    traces = _traces(*texts, long + "The plan is this.", *texts)

    together = screen.ruled_out(traces)

    assert together == [found for trace in traces for found in screen.ruled_out([trace])]


def test_no_trace_gives_no_row() -> None:
    screen = Screen(_taxonomy([1, 1, 1]))

    assert screen.ruled_out([]) == []
    assert screen.evidence([]).shape == (0, 3)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("It is 41.", id="too short to tell"),
        pytest.param("设 x = 3。\n1. 首先计算。\n- 所以 y = 4。\n## 结论\n" * 30, id="Chinese"),
    ],
)
def test_nothing_is_ruled_out_where_the_cues_cannot_read(text: str) -> None:
    assert Screen(load_taxonomy()).ruled_out(_traces(text)) == [frozenset()]


def test_a_third_of_the_elements_with_evidence_is_enough_to_read_a_trace() -> None:
    screen = Screen(_taxonomy([0.5, 0.5, 0.5]))

    assert screen.ruled_out(_traces("The plan is this.")) == [{"check", "doubt"}]
    assert screen.ruled_out(_traces("It rained.")) == [frozenset()]


def test_text_quoted_from_the_question_is_no_evidence() -> None:
    question = "If the plan is this, how much will it rain tomorrow?"
    trace = Trace(trace_id="t", text=f"Let me check. {question}", question=question)

    assert Screen(_taxonomy([0.5, 0.5, 0.5])).ruled_out([trace]) == [{"plan", "doubt"}]


def test_the_fingerprint_changes_with_a_threshold_and_with_nothing_else() -> None:
    same, again = Screen(_taxonomy([0.1, 0, 0])), Screen(_taxonomy([0.1, 0, 0]))

    assert same.fingerprint == again.fingerprint
    assert same.fingerprint != Screen(_taxonomy([0.2, 0, 0])).fingerprint
    assert same.fingerprint != CueAnnotator(_taxonomy([0.1, 0, 0])).ref.fingerprint


def test_a_taxonomy_that_names_no_threshold_keeps_its_hash() -> None:
    scoring = b'{"partial":1.0}'

    assert msgspec.json.encode(msgspec.json.decode(scoring, type=Scoring)) == scoring
    assert msgspec.json.decode(scoring, type=Scoring).screen == 0


def test_the_bundled_thresholds_rule_out_some_elements_and_none_that_the_cues_score() -> None:
    taxonomy = load_taxonomy()

    assert 0 < len(Screen(taxonomy).elements) < len(taxonomy.elements)
    assert all(e.scoring.screen <= e.scoring.partial for e in taxonomy.elements)


def test_the_bundled_screen_keeps_what_readers_found_in_real_traces(dev_data: Path) -> None:
    taxonomy = load_taxonomy()
    labels = {
        row["trace_id"]: {taxonomy.element(n).id for who in row["labels"].values() for n in who}
        for row in _rows(dev_data / "elements_dev.jsonl.gz")
    }
    traces = [
        Trace(trace_id=row["trace_id"], text=row["response"], question=row["question"])
        for name in ("traces_dev", "thinkaloud_dev")
        for row in _rows(dev_data / f"{name}.jsonl.gz")
        if row["trace_id"] in labels
    ]

    ruled_out = Screen(taxonomy).ruled_out(traces)

    pairs = [(t.trace_id, e) for t, out in zip(traces, ruled_out, strict=True) for e in out]
    lost = sum(element in labels[trace] for trace, element in pairs)
    assert len(pairs) > len(traces)
    assert lost <= 0.01 * sum(len(labels[trace.trace_id]) for trace in traces)


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_the_audit_is_the_same_on_every_machine() -> None:
    found = [n for n in range(200) if audited(7, f"{n:064x}", "backtracking", 0.05)]

    assert found == [12, 14, 26, 39, 71, 106]


@given(st.integers(), st.text(), st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_pair_once_audited_stays_so_when_the_share_grows(
    seed: int, trace: str, element: str, one: float, other: float
) -> None:
    assert not audited(seed, trace, element, 0)
    assert audited(seed, trace, element, 1)
    low, high = sorted((one, other))
    assert audited(seed, trace, element, low) <= audited(seed, trace, element, high)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
def test_the_audit_takes_its_share_of_every_element_and_no_trace_is_favoured(share: float) -> None:
    elements = [f"element-{number}" for number in range(28)]
    drawn = np.array(
        [[audited(0, f"{n:064x}", element, share) for element in elements] for n in range(2_000)]
    )

    spread = math.sqrt(share * (1 - share))
    assert abs(drawn.mean() - share) < 4 * spread / math.sqrt(drawn.size)
    assert np.abs(drawn.mean(axis=0) - share).max() < 4 * spread / math.sqrt(2_000)
    # Were pairs of a trace drawn together, their number per trace would vary more.
    assert drawn.sum(axis=1).var() == pytest.approx(28 * share * (1 - share), rel=0.15)


def test_another_seed_draws_another_sample() -> None:
    traces = [f"{number:064x}" for number in range(4_000)]

    one, other = ({t for t in traces if audited(seed, t, "x", 0.5)} for seed in (1, 2))

    # Independent halves share a quarter of all.
    assert len(one & other) == pytest.approx(1_000, abs=120)
