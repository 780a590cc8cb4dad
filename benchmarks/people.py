"""F1 against people's labels of two other schemes, under the crosswalk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from bench_agreement import REASONINGFLOW, SCHOENFELD, reasoningflow_units, schoenfeld_units
from labelled import Marks, Scores, f1, overlaps, rows

from cogtrace.records import Annotation, Annotator, Trace

Floats = npt.NDArray[np.float64]
Units = Callable[[dict[str, Any], set[str], str], tuple[list[tuple[int, int]], Marks]]


def print_people(folder: Path, annotators: dict[str, Annotator]) -> None:
    """Print F1 against people's labels: whole spans, and only where a span begins (onset)."""
    print("people's labels: F1 of whole spans, and of their first units alone (onset)")
    names = "".join(f"{f'{name}: span, onset':>22}" for name in annotators)
    print(f"{'set':16}{'element':16}{'label':36}{'gold':>6}{names}")
    sets: list[tuple[str, dict[str, tuple[str, set[str]]], Units]] = [
        ("schoenfeld_dev", SCHOENFELD, schoenfeld_units),
        ("reasoningflow_gold_dev", REASONINGFLOW, reasoningflow_units),
    ]
    for file, table, read in sets:
        data = list(rows(folder / f"{file}.jsonl.gz"))
        inputs = [
            Trace(trace_id="", text=row["response"], question=row.get("question")) for row in data
        ]
        found = {name: annotator.annotate(inputs) for name, annotator in annotators.items()}
        counts = {
            name: np.array(
                [_counts(data, each, element, table[element][1], read) for element in table]
            )
            for name, each in found.items()
        }
        for number, (element, (label, _)) in enumerate(table.items()):
            sums = {name: each[number].sum(axis=0) for name, each in counts.items()}
            line = "".join(
                f"{f1(*map(int, part)):11.3f}" for each in sums.values() for part in each
            )
            gold = int(sums["cue"][0, 2])
            print(f"{file[:13]:16}{element:16}{label:36}{gold:>6}{line}")
        _means(file[:13], counts)
    print()


def _counts(
    data: list[dict[str, Any]],
    found: list[Annotation],
    element: str,
    labels: set[str],
    read: Units,
) -> Scores:
    """Return hits, found and gold of each response, of whole spans and of onsets."""
    counts = np.zeros((len(data), 2, 3), dtype=np.int64)
    for row, annotation, own in zip(data, found, counts, strict=True):
        ranges, gold = read(row, labels, element)
        entry = annotation.of(element)
        spans = [(s.start, s.end) for s in entry.spans] if entry else []
        for mode, marks in enumerate((overlaps(ranges, spans), _onset(ranges, spans))):
            own[mode] = (marks & gold).sum(), marks.sum(), gold.sum()
    return counts


def _means(name: str, counts: dict[str, Scores]) -> None:
    """Print mean F1 over the labels, and how much merged has over cues in whole spans."""
    means = {who: _mean_f1(each.sum(axis=1)) for who, each in counts.items()}
    line = "".join(f"{value:11.3f}" for each in means.values() for value in each)
    print(f"{name:16}{'mean':58}{line}")
    draw = np.random.default_rng(0)
    size = counts["cue"].shape[1]
    picks = [draw.integers(0, size, size) for _ in range(2000)]
    gains = [
        _mean_f1(counts["merged"][:, pick].sum(axis=1))[0]
        - _mean_f1(counts["cue"][:, pick].sum(axis=1))[0]
        for pick in picks
    ]
    low, high = np.quantile(gains, [0.025, 0.975])
    gain = means["merged"][0] - means["cue"][0]
    print(f"{name:16}merged over cue: {gain:.3f} ({low:.3f} to {high:.3f})")


def _mean_f1(sums: Scores) -> Floats:
    """Return the mean over elements (first axis) of F1, from hits, found and gold (last)."""
    hits, found, gold = np.moveaxis(sums, -1, 0)
    mean: Floats = (2 * hits / np.maximum(found + gold, 1)).mean(axis=0)
    return mean


def _onset(ranges: list[tuple[int, int]], spans: list[tuple[int, int]]) -> Marks:
    """Return the first of ``ranges`` that each span touches."""
    marks = np.zeros(len(ranges), dtype=bool)
    for span in spans:
        marks[np.flatnonzero(overlaps(ranges, [span]))[:1]] = True
    return marks
