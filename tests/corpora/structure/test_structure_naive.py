"""Both modes against a second, plain computation, on traces drawn at random."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_structure import Told, counted, pmi, sort
from reference_folders import write_reference
from written_jobs import Shown, annotated, write_job

from cogtrace.corpora.structure import (
    Corpus,
    EdgeRow,
    Mode,
    NodeRow,
    Settings,
    Structure,
    analyse,
    counting,
    load_jobs,
    load_reference,
)
from cogtrace.records import Trace

pytestmark = pytest.mark.slow

NAMES = "abcd"

# Ends close together, so that touching, nesting and equal spans come up often.
BOUND = st.one_of(st.integers(0, 60), st.integers(0, 600).map(lambda n: 5 * n))
SPAN = st.tuples(st.sampled_from(NAMES), BOUND, BOUND)
FORWARD = SPAN.map(lambda span: (span[0], min(span[1:]), max(span[1:])))
HOSTILE = st.tuples(
    st.sampled_from(NAMES),
    st.integers(-50, 2**45) | st.floats(-50, 1e6, allow_nan=False),
    st.integers(-50, 2**45),
)


def _traces(span: st.SearchStrategy[tuple[str, float, float]]) -> st.SearchStrategy[list[Told]]:
    trace = st.builds(
        Told,
        st.lists(span, max_size=14),
        st.sampled_from([None, "x", "y"]),
        st.sampled_from([True, True, False, None]),
    )
    some: st.SearchStrategy[list[Told]] = st.lists(trace, min_size=1, max_size=8)
    return some.filter(lambda told: any(trace.spans for trace in told))


OPTIONS = st.builds(
    Settings,
    overlap=st.sampled_from([0.8, 0.5, 1.0]),
    parallel=st.sampled_from([20, 0, 7]),
    max_nodes=st.integers(1, 7),
    min_support=st.integers(0, 3),
)


def _read(told: list[Told], mode: Mode) -> Corpus:
    with TemporaryDirectory() as folder:
        return load_reference(write_reference(Path(folder), told, NAMES), mode)


def _check_counts(found: Structure, told: list[Told], options: Settings) -> None:
    nodes, edges = counted(told, options.mode, options.overlap, options.parallel)
    ours = {
        (e.problem_type, (e.source, e.target, e.relation)): [e.count, e.count_correct]
        for e in found.edges
    }
    assert ours == edges
    for node in found.nodes:
        expected = nodes.get((node.problem_type, node.element), [0, 0])
        assert [node.traces, node.correct_traces] == expected
    assert {node.element for node in found.nodes} == set(NAMES)


@given(_traces(SPAN | HOSTILE), OPTIONS)
@settings(max_examples=150, deadline=None)
def test_reference_mode_counts_what_the_plain_computation_counts(
    told: list[Told], options: Settings
) -> None:
    options = replace(options, mode="reference")

    found = analyse(_read(told, "reference"), options)

    kept = [trace for trace in told if trace.spans]
    _check_counts(found, kept, options)
    right = sum(bool(trace.correct) for trace in kept)
    assert found.parameters["traces"] == len(kept)
    for edge in found.edges:
        if edge.problem_type == "ALL":
            assert edge.p_edge == edge.count / len(kept)
            if edge.count_correct and edge.count_correct != len(kept):
                expected = pmi(edge.count, edge.count_correct, right, len(kept))
                assert (edge.pmi, edge.npmi) == pytest.approx(expected, abs=1e-9)
            else:
                assert edge.npmi == (0 if edge.count_correct else -1)


@given(_traces(SPAN), OPTIONS)
@settings(max_examples=150, deadline=None)
def test_corrected_mode_counts_what_the_plain_computation_counts(
    told: list[Told], options: Settings
) -> None:
    found = analyse(_read(told, "corrected"), options)

    _check_counts(found, told, options)
    graded = [trace for trace in told if trace.correct is not None]
    right = sum(bool(trace.correct) for trace in graded)
    total = len(graded) or len(told)
    rows: list[tuple[int, int, NodeRow | EdgeRow]] = []
    rows += [(n.traces, n.correct_traces, n) for n in found.nodes if n.problem_type == "ALL"]
    rows += [(e.count, e.count_correct, e) for e in found.edges if e.problem_type == "ALL"]
    for n, both, row in rows:
        assert n <= total
        if not graded or not n or not right:
            assert (row.pmi, row.npmi) == (None, None)
        elif not both:
            assert (row.pmi, row.npmi) == (None, -1)
        else:
            assert (row.pmi, row.npmi) == pytest.approx(pmi(n, both, right, total), abs=1e-9)


@given(_traces(FORWARD))
@settings(max_examples=60, deadline=None)
def test_corrected_mode_does_not_depend_on_the_order_in_which_spans_stand(
    told: list[Told],
) -> None:
    found = analyse(_read(told, "corrected"))

    turned = [replace(trace, spans=trace.spans[::-1]) for trace in told[::-1]]

    assert analyse(_read(turned, "corrected")).json() == found.json()


@given(_traces(FORWARD), OPTIONS)
@settings(max_examples=60, deadline=None)
def test_each_walk_takes_the_best_step_and_stops_where_there_is_none(
    told: list[Told], options: Settings
) -> None:
    modes: tuple[Mode, Mode] = ("reference", "corrected")
    for mode in modes:
        found = analyse(_read(told, mode), replace(options, mode=mode))
        for walk in found.walks:
            _check_walk(found, told, walk.problem_type, walk.variant, replace(options, mode=mode))


def _check_walk(
    found: Structure, told: list[Told], kind: str, variant: str, options: Settings
) -> None:
    (walk,) = [w for w in found.walks if (w.problem_type, w.variant) == (kind, variant)]
    corrected = options.mode == "corrected"
    graded = any(trace.correct is not None for trace in told)
    first: dict[str, int] = {}
    for trace in told:
        spans = sort([s for s in trace.spans if s[2] > s[1] or not corrected])
        if not spans or (kind not in ("ALL", trace.type)):
            continue
        if (variant == "success" and not trace.correct) or (
            corrected and graded and trace.correct is None
        ):
            continue
        same = {s[0] for s in spans if s[1:] == spans[0][1:]} if corrected else {spans[0][0]}
        for element in same:
            first[element] = first.get(element, 0) + 1
    least = max(1, options.support)
    nodes = {n.element: n.npmi for n in found.nodes if n.problem_type == kind}
    starts = {
        element: nodes[element] if variant == "success" else n
        for element, n in first.items()
        if n >= least
    }
    known = {element: value for element, value in starts.items() if value is not None}
    best = sorted(e for e, value in known.items() if value == max(known.values()))
    assert list(walk.nodes[:1]) == best[:1]
    for place, element in enumerate(walk.nodes):
        candidates = []
        for edge in found.edges:
            ends = [(edge.source, edge.target)]
            if corrected and edge.relation == "parallel":
                ends.append((edge.target, edge.source))
            value = edge.npmi if variant == "success" else edge.p_edge
            if edge.problem_type != kind or edge.count < options.support or value is None:
                continue
            candidates += [
                (value, target, edge.relation)
                for source, target in ends
                if source == element and target not in walk.nodes[: place + 1]
            ]
        top = max((c[0] for c in candidates), default=-math.inf)
        stops = place + 1 >= options.max_nodes or not candidates
        if stops or (variant == "success" and top <= 0):
            assert place == len(walk.nodes) - 1
            continue
        tied = sorted(c[1:] for c in candidates if c[0] == top)
        step = walk.edges[place]
        assert (step.target, step.relation) == tied[0]
        assert list(walk.ties[place + 1]) == [target for target, _ in tied]


@given(_traces(SPAN), st.sampled_from(["_WINDOW", "_DENSE", "_MARKED"]))
@settings(max_examples=60, deadline=None)
def test_how_much_is_looked_at_together_changes_nothing(told: list[Told], limit: str) -> None:
    modes: tuple[Mode, Mode] = ("reference", "corrected")
    for mode in modes:
        corpus, options = _read(told, mode), Settings(mode=mode)
        expected = analyse(corpus, options).json()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(counting, limit, 3)
            assert analyse(corpus, options).json() == expected


def test_the_second_computation_is_sensitive_to_the_threshold() -> None:
    told = [Told([("a", 0, 500), ("b", 400, 525)])]

    assert counted(told, "reference")[1] != counted(told, "reference", overlap=0.81)[1]


@given(_traces(FORWARD))
@settings(max_examples=30, deadline=None)
def test_a_job_folder_and_the_references_json_give_the_same(told: list[Told]) -> None:
    pairs = []
    for number, trace in enumerate(told):
        shown: dict[str, list[tuple[int, int]]] = {name: [] for name in NAMES}
        for element, start, end in trace.spans:
            shown[element].append((int(start), int(end)))
        scored: Shown = {name: (2 if spans else 0, spans) for name, spans in shown.items()}
        made = Trace(trace_id=str(number), text="", problem_type=trace.type, correct=trace.correct)
        pairs.append(annotated(made, scored))
    with TemporaryDirectory() as folder:
        corpus = load_jobs([write_job(Path(folder) / "job", pairs, part_traces=3)])

    assert analyse(corpus).json() == analyse(_read(told, "corrected")).json()
