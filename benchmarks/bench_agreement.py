"""How well the cue annotator agrees with readers and human labels.

    python benchmarks/bench_agreement.py FOLDER

FOLDER holds the labelled files (benchmarks/README.md). Every figure stands beside that
of a guess from length alone (thresholds fitted leaving one trace out) and, where there
are two readers, beside their agreement with each other.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from labelled import Labelled, Marks, Scores, best_thresholds, f1, kappa, labelled, overlaps, rows

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.records import Annotation
from cogtrace.taxonomy import load_taxonomy


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    taxonomy = load_taxonomy()
    annotator = CueAnnotator(taxonomy)
    traces = labelled(folder, taxonomy)
    found = [annotator.annotate_text(trace.text, trace.question) for trace in traces]
    _elements(taxonomy.element_ids, traces, found)
    _human(folder, annotator)


def _elements(names: tuple[str, ...], traces: list[Labelled], found: list[Annotation]) -> None:
    a = np.array([trace.scores["a"] for trace in traces])
    b = np.array([trace.scores["b"] for trace in traces])
    ours = np.array([[entry.score for entry in annotation.elements] for annotation in found])
    length = _length_scores(traces, a)
    marks = [_marks(trace, annotation) for trace, annotation in zip(traces, found, strict=True)]
    by_length = [
        np.repeat(row[:, None] > 0, len(t.sentences), axis=1)
        for row, t in zip(length, traces, strict=True)
    ]
    columns = {
        "cues": _sentence_f1([t.marks["a"] for t in traces], marks),
        "length": _sentence_f1([t.marks["a"] for t in traces], by_length),
        "readers": _sentence_f1([t.marks["a"] for t in traces], [t.marks["b"] for t in traces]),
    }
    print(f"{len(traces)} traces, {len(names)} elements; reader a is the gold")
    print(f"{'':32}{'kappa of scores':>26}{'F1 of sentences':>28}{'traces with it':>20}")
    header = "".join(f"{name:>9}" for name in ("cues", "length", "readers"))
    print(f"{'element':32}{header}{header}{'gold':>10}{'cues':>8}")
    kappas = {
        "cues": [kappa(ours[:, i], a[:, i]) for i in range(len(names))],
        "length": [kappa(length[:, i], a[:, i]) for i in range(len(names))],
        "readers": [kappa(b[:, i], a[:, i]) for i in range(len(names))],
    }
    for i, name in enumerate(names):
        cells = "".join(f"{kappas[who][i]:9.3f}" for who in kappas)
        cells += "".join(f"{columns[who][0][i]:9.3f}" for who in columns)
        print(f"{name:32}{cells}{(a[:, i] > 0).sum():>10}{(ours[:, i] > 0).sum():>8}")
    mean = "".join(f"{np.mean(kappas[who]):9.3f}" for who in kappas)
    macro = "".join(f"{np.mean(columns[who][0]):9.3f}" for who in columns)
    print(f"{'mean':32}{mean}{macro}")
    micro = "".join(f"{columns[who][1]:9.3f}" for who in columns)
    print(f"{'micro':32}{'':27}{micro}")


def _length_scores(traces: list[Labelled], gold: Scores) -> Scores:
    """Score every element by the number of sentences alone, each trace left out in turn."""
    length = np.array([float(len(trace.sentences)) for trace in traces])
    scores = np.zeros_like(gold)
    for left_out in range(len(traces)):
        rest = np.arange(len(traces)) != left_out
        for element in range(gold.shape[1]):
            low, high = best_thresholds(length[rest], gold[rest, element])
            scores[left_out, element] = (length[left_out] > low) + (length[left_out] > high)
    return scores


def _marks(trace: Labelled, annotation: Annotation) -> Marks:
    return np.array(
        [
            overlaps(trace.sentences, [(span.start, span.end) for span in entry.spans])
            for entry in annotation.elements
        ]
    )


def _sentence_f1(gold: list[Marks], found: list[Marks]) -> tuple[list[float], float]:
    """Return F1 per element, and over all elements at once."""
    hits = sum((g & f).sum(axis=1) for g, f in zip(gold, found, strict=True))
    wanted = sum(g.sum(axis=1) for g in gold)
    given = sum(f.sum(axis=1) for f in found)
    hits, wanted, given = np.asarray(hits), np.asarray(wanted), np.asarray(given)
    per_element = [f1(int(h), int(g), int(w)) for h, g, w in zip(hits, given, wanted, strict=True)]
    return per_element, f1(int(hits.sum()), int(given.sum()), int(wanted.sum()))


# Which labels of the human schemes answer to which element, after the crosswalk file.
SCHOENFELD = {
    "verification": ("sentence Verify (exact)", {"Verify"}),
    "self-awareness": ("sentence Monitor (broader)", {"Monitor"}),
    "evaluation": ("sentence Monitor (close)", {"Monitor"}),
    "backtracking": ("sentence Explore (broader)", {"Explore"}),
}
REASONINGFLOW = {
    "verification": ("plan:verify (exact, onset)", {"plan:verify"}),
    "self-awareness": ("reflect:uncertain (close)", {"reflect:uncertain"}),
    "evaluation": ("reflect:positive|negative (close)", {"reflect:positive", "reflect:negative"}),
    "backtracking": ("plan:backtrack (exact)", {"plan:backtrack"}),
}


def _human(folder: Path, annotator: CueAnnotator) -> None:
    print(
        "\nagainst people's sentence labels (spans of the element against the labelled sentences)"
    )
    print(f"{'set':16}{'element':18}{'label':36}{'gold':>6}{'found':>7}{'P':>8}{'R':>8}{'F1':>8}")
    for name, table, read in (
        ("schoenfeld", SCHOENFELD, schoenfeld_units),
        ("reasoningflow", REASONINGFLOW, reasoningflow_units),
    ):
        data = list(rows(folder / f"{name}_dev.jsonl.gz" if name == "schoenfeld"
                         else folder / f"{name}_gold_dev.jsonl.gz"))  # fmt: skip
        found = [annotator.annotate_text(row["response"], row.get("question")) for row in data]
        for element, (label, labels) in table.items():
            hits = given = wanted = 0
            for row, annotation in zip(data, found, strict=True):
                ranges, gold = read(row, labels, element)
                entry = annotation.of(element)
                spans = [(s.start, s.end) for s in entry.spans] if entry else []
                marks = overlaps(ranges, spans)
                hits += int((marks & gold).sum())
                given += int(marks.sum())
                wanted += int(gold.sum())
            p, r = hits / max(1, given), hits / max(1, wanted)
            print(
                f"{name:16}{element:18}{label:36}{wanted:>6}{given:>7}{p:8.3f}{r:8.3f}"
                f"{f1(hits, given, wanted):8.3f}"
            )


def schoenfeld_units(
    row: dict[str, Any], labels: set[str], element: str
) -> tuple[list[tuple[int, int]], Marks]:
    """Return the labelled sentences of a response, and which have one of ``labels``."""
    monitor = element in ("self-awareness", "evaluation")
    units = [
        unit
        for unit in row["sentences"]
        if not unit.get("boundary") and not (monitor and unit.get("fragment"))
    ]
    gold = np.array([unit["sentence_label"] in labels for unit in units], dtype=bool)
    return [(unit["start"], unit["end"]) for unit in units], gold


def reasoningflow_units(
    row: dict[str, Any], labels: set[str], element: str
) -> tuple[list[tuple[int, int]], Marks]:
    """Return the nodes of a response, and to which an edge with one of ``labels`` leads."""
    units = [node for node in row["nodes"] if node["start"] is not None]
    shown = {edge["dest"] for edge in row["edges"] if edge["label"] in labels}
    gold = np.array([node["id"] in shown for node in units], dtype=bool)
    return [(node["start"], node["end"]) for node in units], gold


if __name__ == "__main__":
    main()
