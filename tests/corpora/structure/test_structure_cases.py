"""What counts as which relation, case by case, and which edges a trace has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from naive_structure import Spanned, Told, corrected_relation, reference_relation
from reference_folders import write_reference

from cogtrace.corpora.structure import Mode, Settings, Structure, analyse, load_reference
from cogtrace.corpora.structure.relations import corrected_relations, reference_relations

KINDS = ("next", "contains", "parallel", "within")

PAIRS = [
    # a, b, reference, corrected
    ((0, 300), (0, 300), "parallel", "parallel", "the same text"),
    ((0, 90), (12, 98), "parallel", "parallel", "shifted by 20 in all"),
    ((0, 90), (13, 98), "contains", "parallel", "shifted by 21, either mostly in the other"),
    ((0, 9), (12, 17), "parallel", "next", "short and apart, shifted by 20 in all"),
    ((0, 12), (10, 20), "parallel", "next", "short, and hardly overlapping"),
    ((0, 20), (10, 20), "parallel", "parallel", "short, sharing just half of the longer one"),
    ((0, 20), (11, 20), "parallel", "contains", "short, sharing less than half"),
    ((40, 90), (90, 400), "next", "next", "touching"),
    ((40, 90), (91, 400), "next", "next", "apart"),
    ((0, 1000), (300, 400), "next", "contains", "truly nested, and small"),
    ((0, 1000), (100, 900), "parallel", "parallel", "nested, exactly 0.8 of the longer one"),
    ((0, 1000), (100, 899), "next", "contains", "nested, just below 0.8"),
    ((0, 1000), (600, 1000), "contains", "contains", "a short end of the longer one"),
    ((0, 1000), (0, 300), "next", "contains", "a short beginning of the longer one"),
    ((0, 1000), (920, 1020), "contains", "contains", "sticking out by exactly a fifth"),
    ((0, 1000), (920, 1021), "next", "next", "sticking out by a little more"),
    ((0, 50), (10, 900), "next", "within", "mostly inside what begins later"),
    ((0, 400), (200, 700), "next", "next", "overlapping by half"),
]


@pytest.mark.parametrize(("a", "b", "reference", "corrected", "why"), PAIRS)
def test_a_pair_has_the_relation_that_the_documents_say(
    a: tuple[int, int], b: tuple[int, int], reference: str, corrected: str, why: str
) -> None:
    bounds = [np.array([bound]) for bound in (*a, *b)]

    by_reference = reference_relations(bounds[0], bounds[1], bounds[2], bounds[3], 0.8, 20)
    by_correction = corrected_relations(bounds[0], bounds[1], bounds[2], bounds[3], 0.8, 20)

    assert (KINDS[by_reference[0]], KINDS[by_correction[0]]) == (reference, corrected), why
    # The second computation in the tests must not be wrong in the same cases.
    assert reference_relation(*a, *b) == reference, why
    assert corrected_relation(*a, *b) == corrected, why


TRACES = [
    (
        "a small span uses up the only next of the one it lies in",
        [("A", 0, 900), ("B", 200, 300), ("C", 950, 990)],
        ["A next B", "B next C"],
        ["A contains B", "A next C", "B next C"],
    ),
    (
        "what comes after the second next is lost",
        [("A", 0, 500), ("B", 5, 60), ("C", 30, 90), ("D", 40, 490)],
        ["A next B", "B next C", "C next D"],
        ["A contains B", "A contains C", "A parallel D", "B next C", "D contains C"],
    ),
    (
        "zero length is as if it were not there",
        [("A", 0, 100), ("B", 120, 120), ("C", 200, 300)],
        ["A next C"],
        ["A next C"],
    ),
    (
        "an element may follow itself",
        [("A", 0, 100), ("A", 200, 300)],
        ["A next A"],
        ["A next A"],
    ),
    (
        "an element is not parallel to itself, nor in itself",
        [("A", 0, 500), ("A", 0, 500), ("A", 100, 200)],
        ["A next A", "A next A", "A parallel A"],
        [],
    ),
    (
        "what covers the same text comes next together",
        [("A", 0, 100), ("C", 300, 400), ("B", 300, 400)],
        ["A next C", "C parallel B"],
        ["A next B", "A next C", "B parallel C"],
    ),
    (
        "a reversed span counts only where the reference counts it",
        [("A", 0, 300), ("B", 250, 150), ("C", 400, 500)],
        ["A next B", "B next C"],
        ["A next C"],
    ),
]


def _edges(folder: Path, told: list[Told], mode: Mode) -> list[str]:
    found = analyse(load_reference(write_reference(folder, told), mode), Settings(mode=mode))
    return sorted(
        f"{edge.source} {edge.relation} {edge.target}"
        for edge in found.edges
        if edge.problem_type == "ALL"
        for _ in range(edge.count)
    )


@pytest.mark.parametrize(("why", "spans", "reference", "corrected"), TRACES)
def test_a_trace_has_the_edges_that_the_documents_say(
    tmp_path: Path,
    why: str,
    spans: list[Spanned],
    reference: list[str],
    corrected: list[str],
) -> None:
    told = [Told(spans)]

    assert _edges(tmp_path, told, "reference") == sorted(reference), why
    assert _edges(tmp_path, told, "corrected") == sorted(corrected), why


def _analysed(folder: Path, told: list[Told], mode: Mode) -> Structure:
    return analyse(load_reference(write_reference(folder, told), mode), Settings(mode=mode))


def test_the_reference_counts_occurrences_and_the_correction_counts_traces(
    tmp_path: Path,
) -> None:
    often: list[Spanned] = [("A", 1000 * n, 1000 * n + 50) for n in range(9)]
    told = [Told(often), Told(often, correct=False)]

    (by_reference,) = _analysed(tmp_path, told, "reference").edges
    (corrected,) = _analysed(tmp_path, told, "corrected").edges

    assert (by_reference.count, by_reference.p_edge, by_reference.p_both) == (16, 8, 4)
    assert by_reference.pmi == 0
    assert (corrected.count, corrected.p_edge, corrected.p_both) == (2, 1, 0.5)


def test_traces_without_a_span_count_only_in_the_correction(tmp_path: Path) -> None:
    told = [Told([("A", 0, 50)]), Told([], correct=False)]

    (by_reference,) = _analysed(tmp_path, told, "reference").nodes
    corrected = _analysed(tmp_path, told, "corrected")

    assert (by_reference.p_element, by_reference.p_success) == (1, 1)
    # Nobody asked about A in the second one, as far as the file tells.
    assert corrected.parameters["traces"] == 2
    assert corrected.nodes[0].p_element == 1


def test_ungraded_traces_do_not_count_beside_graded_ones(tmp_path: Path) -> None:
    told = [Told([("A", 0, 50)]), Told([("A", 0, 50)], correct=None), Told([], correct=None)]

    some = _analysed(tmp_path / "some", told, "corrected")
    none = _analysed(tmp_path / "none", told[1:], "corrected")

    assert (some.parameters["traces"], some.parameters["traces_left_out"]) == (1, 2)
    assert some.nodes[0].traces == 1
    assert (none.parameters["traces"], none.parameters["correct_traces"]) == (2, None)
    assert (none.nodes[0].p_element, none.nodes[0].p_success, none.nodes[0].npmi) == (1, None, None)


def test_a_step_of_a_walk_needs_its_support_in_corrected_mode_alone(tmp_path: Path) -> None:
    common: list[Spanned] = [("A", 0, 50), ("B", 100, 150)]
    told = [Told(common)] * 4 + [Told(common, correct=False)] * 2
    told += [Told([("A", 0, 50), ("C", 100, 150)])]

    def path(mode: Mode, support: int) -> tuple[str, ...]:
        corpus = load_reference(write_reference(tmp_path, told, "ABC"), mode)
        walks = analyse(corpus, Settings(mode=mode, min_support=support, max_nodes=2)).walks
        return next((w.nodes for w in walks if w.variant == "success"), ())

    told = [Told(trace.spans, "t", trace.correct) for trace in told]
    assert path("corrected", 1) == ("A", "C")
    assert path("corrected", 3) == ("A",)  # A to B does not go with success
    assert path("reference", 3) == ("A", "C")


def test_a_problem_type_called_all_is_not_mixed_up_with_all_traces(tmp_path: Path) -> None:
    told = [Told([("A", 0, 50)], "ALL"), Told([("A", 0, 50)], "other")]

    found = _analysed(tmp_path, told, "corrected")

    rows = {(node.problem_type, node.traces) for node in found.nodes}
    assert rows == {("ALL", 2), ("ALL (type)", 1), ("other", 1)}
