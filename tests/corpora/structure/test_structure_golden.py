"""Reference mode against figures that the reference code itself printed.

The figures and the generator of the annotations lie beside the checkout on the machines of
the developers; elsewhere these tests are skipped, and those of own cases remain.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from naive_structure import Told
from reference_folders import write_reference
from written_jobs import Shown, annotated, write_job

from cogtrace.corpora.structure import (
    Corpus,
    EdgeRow,
    Settings,
    Structure,
    Walk,
    analyse,
    load_jobs,
    load_reference,
)
from cogtrace.corpora.structure.edges import ordered, reference_edges
from cogtrace.corpora.structure.relations import RELATIONS, reference_relations
from cogtrace.records import Trace

GOLDEN = Path(__file__).parents[3] / "../shared/structure"
REFERENCE = Settings(mode="reference")

pytestmark = pytest.mark.skipif(
    not (GOLDEN / "gen_annotations.py").exists(),
    reason="the figures of the reference code are not on this machine",
)

SETS = {
    "golden_2000.json.gz": ["--size", "2000"],
    "golden_malformed_400.json.gz": ["--size", "400", "--models", "4", "--malformed"],
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return folders of the reference's JSON, by the name of their golden file."""
    root = tmp_path_factory.mktemp("generated")
    found = {}
    for name, arguments in SETS.items():
        found[name] = root / name.split(".")[0]
        program = [sys.executable, str(GOLDEN / "gen_annotations.py"), "--out", str(found[name])]
        subprocess.run([*program, *arguments, "--seed", "7"], check=True)
    return found


@pytest.fixture(params=SETS)
def golden(request: pytest.FixtureRequest) -> tuple[str, Any]:
    """Return the name of a golden file, and what is in it."""
    return request.param, json.loads(gzip.decompress((GOLDEN / request.param).read_bytes()))


@pytest.fixture(scope="module")
def corpora(folders: dict[str, Path]) -> dict[str, Corpus]:
    return {name: load_reference(folder, "reference") for name, folder in folders.items()}


def _key(row: EdgeRow) -> tuple[str, str, str, str]:
    return row.problem_type, row.source, row.target, row.relation


def test_every_value_of_every_node_is_that_of_the_reference(
    golden: tuple[str, Any], corpora: dict[str, Corpus]
) -> None:
    name, expected = golden

    nodes = {(n.problem_type, n.element): n for n in analyse(corpora[name], REFERENCE).nodes}

    for kind, rows in expected["node_npmi"].items():
        assert {element for k, element in nodes if k == kind} == set(rows)
        for element, row in rows.items():
            ours = nodes[kind, element]
            assert (ours.npmi, ours.pmi) == (row["npmi"], row["pmi"])
            assert ours.p_element == row["p_element"]
            assert ours.p_success == row["p_success"]
            assert ours.p_both == row["p_element_and_success"]
            if "count_element" in row:
                assert ours.traces == row["count_element"]
                assert ours.correct_traces == row["count_success_with_element"]


def test_every_value_of_every_edge_is_that_of_the_reference(
    golden: tuple[str, Any], corpora: dict[str, Corpus]
) -> None:
    name, expected = golden

    edges = {_key(edge): edge for edge in analyse(corpora[name], REFERENCE).edges}

    counts = {key[1:]: edge.count for key, edge in edges.items() if key[0] == "ALL"}
    assert counts == {(a, b, kind): n for a, b, kind, n in expected["edge_counts"]}
    for kind, rows in expected["edge_npmi"].items():
        theirs = {(kind, *row[:3]): row[3] for row in rows}
        assert {key for key in edges if key[0] == kind} == set(theirs)
        for key, row in theirs.items():
            ours = edges[key]
            assert (ours.npmi, ours.pmi) == (row["npmi"], row["pmi"]), key
            assert (ours.p_edge, ours.p_both) == (row["p_edge"], row["p_edge_and_success"]), key
            if "count_edge" in row:
                assert ours.count == row["count_edge"]
                assert ours.count_correct == row["count_success_with_edge"]


def test_the_number_of_traces_and_spans_is_that_of_the_reference(
    golden: tuple[str, Any], corpora: dict[str, Corpus]
) -> None:
    name, expected = golden

    found = analyse(corpora[name], REFERENCE)

    assert found.parameters["traces"] == expected["counts"]["traces"]
    assert found.parameters["spans"] == expected["counts"]["spans"]


def _walks(found: Structure) -> dict[tuple[str, str], Walk]:
    return {(walk.problem_type, walk.variant): walk for walk in found.walks}


def test_walks_without_a_tie_are_those_of_the_reference(corpora: dict[str, Corpus]) -> None:
    name = "golden_2000.json.gz"
    expected = json.loads(gzip.decompress((GOLDEN / name).read_bytes()))

    walks = _walks(analyse(corpora[name], REFERENCE))

    stable = [
        (kind, variant)
        for kind, variants in expected["consensus_stable"].items()
        for variant, is_stable in variants.items()
        if is_stable
    ]
    assert len(stable) == 7
    for kind, variant in stable:
        ours, theirs = walks[kind, variant], expected["consensus"][kind][variant]
        assert list(ours.nodes) == [element for element, _ in theirs["nodes"]]
        assert [(s.source, s.target, s.relation, s.npmi) for s in ours.edges] == [
            (a, b, of["edge_type"], of["npmi"]) for a, b, of in theirs["edges"]
        ]
        assert all(len(tie) == 1 for tie in ours.ties)


def test_each_step_of_every_walk_is_one_of_the_best_by_the_figures_of_the_reference(
    golden: tuple[str, Any], corpora: dict[str, Corpus]
) -> None:
    name, expected = golden

    walks = _walks(analyse(corpora[name], REFERENCE))

    for kind, variants in expected["consensus_tied_candidates"].items():
        for variant, tied in variants.items():
            ours = walks[kind, variant]
            theirs = [element for element, _ in expected["consensus"][kind][variant]["nodes"]]
            assert list(ours.ties[0]) == sorted(tied[0])
            figure = "npmi" if variant == "success" else "p_edge"
            rows = expected["edge_npmi"][kind]
            for place, step in enumerate(ours.edges):
                visited = ours.nodes[: place + 1]
                open_rows = [r for r in rows if r[0] == visited[-1] and r[1] not in visited]
                best = max(row[3][figure] for row in open_rows)
                candidates = [row[:3] for row in open_rows if row[3][figure] == best]
                assert [step.source, step.target, step.relation] in candidates
                assert list(ours.ties[place + 1]) == sorted(row[1] for row in candidates)
                if list(visited) == theirs[: place + 1]:
                    assert sorted(candidates) == sorted(tied[place + 1])
            if len(ours.nodes) < REFERENCE.max_nodes:
                last = ours.nodes[-1]
                rest = [r[3][figure] for r in rows if r[0] == last and r[1] not in ours.nodes]
                assert all(variant == "success" and value <= 0 for value in rest)


@pytest.mark.parametrize("setting", [Settings(mode="reference", overlap=0.79)])
def test_another_threshold_gives_other_edges(
    golden: tuple[str, Any], corpora: dict[str, Corpus], setting: Settings
) -> None:
    name, expected = golden

    edges = analyse(corpora[name], setting).edges

    counts = {_key(e)[1:]: e.count for e in edges if e.problem_type == "ALL"}
    assert counts != {(a, b, kind): n for a, b, kind, n in expected["edge_counts"]}


def test_the_same_annotations_as_a_job_folder_give_the_same_result(
    folders: dict[str, Path], corpora: dict[str, Corpus], tmp_path: Path
) -> None:
    name = "golden_2000.json.gz"
    pairs = []
    for path in sorted(folders[name].glob("*.json")):
        for key, record in json.loads(path.read_bytes()).items():
            shown: Shown = {
                element: (entry["score"], [(int(a), int(b)) for a, b in entry["spans"]])
                for element, entry in record["element_annotation"].items()
            }
            trace = Trace(
                trace_id=key,
                text="",
                problem_type=record["problem_type"],
                correct=record["correctness"],
            )
            pairs.append(annotated(trace, shown))
    job = write_job(tmp_path / "job", pairs, part_traces=300)

    found = analyse(load_jobs([job]), REFERENCE)

    assert found.json() == analyse(corpora[name], REFERENCE).json()


def _quirks() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "golden_quirks.json").read_bytes())
    return found


def _edges_of(spans: list[tuple[str, int, int]]) -> list[tuple[str, str, str]]:
    """Return the edges of one trace in the order of the reference."""
    start = np.array([span[1] for span in spans])
    end = np.array([span[2] for span in spans])
    owner = np.zeros(len(spans), np.int32)
    order = ordered(owner, start, end)
    order = order[start[order] != end[order]]
    i, j, relation = reference_edges(owner[order], start[order], end[order], REFERENCE)
    found = sorted(zip(i.tolist(), j.tolist(), relation.tolist(), strict=True))
    names = [spans[place][0] for place in order]
    return [(names[a], names[b], RELATIONS[kind]) for a, b, kind in found]


def test_every_pair_of_spans_has_the_relation_that_the_reference_gives() -> None:
    pairs = _quirks()["pairs"]
    assert len(pairs) >= 26
    for case in pairs:
        a, b, c, d = (np.array([bound]) for bound in (*case["a"], *case["b"]))
        if case["relation"] is None:
            spans = [("a", *case["a"]), ("b", *case["b"])]
            assert _edges_of(spans) == [], case["note"]
        else:
            found = reference_relations(a, b, c, d, overlap=0.8, parallel=20)
            assert RELATIONS[found[0]] == case["relation"], case["note"]


def test_every_small_trace_has_the_edges_that_the_reference_gives() -> None:
    for name, case in _quirks()["sequences"].items():
        found = _edges_of([tuple(span) for span in case["spans"]])
        assert sorted(found) == sorted(map(tuple, case["edges"])), name


def test_rates_above_one_turn_the_sign_of_npmi_as_in_the_reference(tmp_path: Path) -> None:
    case = _quirks()["npmi_out_of_range"]
    told = [
        Told([(element, start, end) for element, start, end in spans], None, right)
        for right, spans in zip(case["correct"], case["traces"].values(), strict=True)
    ]

    found = analyse(load_reference(write_reference(tmp_path, told), "reference"), REFERENCE)

    edges = {_key(edge)[1:]: edge for edge in found.edges if edge.problem_type == "ALL"}
    for source, target, relation, row in case["edge"]:
        edge = edges[source, target, relation]
        assert (edge.npmi, edge.pmi) == (row["npmi"], row["pmi"])
        assert (edge.p_edge, edge.p_both) == (row["p_edge"], row["p_edge_and_success"])
    nodes = {node.element: node for node in found.nodes if node.problem_type == "ALL"}
    for element, row in case["node"].items():
        assert (nodes[element].npmi, nodes[element].pmi) == (row["npmi"], row["pmi"])
