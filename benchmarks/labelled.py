"""Labelled traces for the benchmarks, and the measures they are judged by.

The files are not part of the project; benchmarks/README.md says what they look like.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cogtrace.taxonomy import Taxonomy

Scores = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """A trace with the labels of its readers.

    ``scores[reader]`` holds a score per element, ``marks[reader]`` whether each element
    (row) is shown in each of the readers' sentences (column).
    """

    trace_id: str
    text: str
    question: str | None
    sentences: list[tuple[int, int]]
    scores: dict[str, Scores]
    marks: dict[str, Marks]


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a gzipped JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def texts(folder: Path) -> dict[str, tuple[str, str | None]]:
    """Return text and question of every trace of the folder, by its id."""
    found = {}
    for name in ("traces_dev", "thinkaloud_dev"):
        for row in rows(folder / f"{name}.jsonl.gz"):
            found[row["trace_id"]] = (row["response"], row.get("question"))
    for row in rows(folder / "schoenfeld_dev.jsonl.gz"):
        found[f"schoenfeld-{row['id']}"] = (row["response"], row.get("question"))
    return found


def labelled(folder: Path, taxonomy: Taxonomy) -> list[Labelled]:
    """Return the traces with element labels."""
    place = {element: number for number, element in enumerate(taxonomy.element_ids)}
    known = texts(folder)
    found = []
    for row in rows(folder / "elements_dev.jsonl.gz"):
        text, question = known[row["trace_id"]]
        scores, marks = {}, {}
        for reader, labels in row["labels"].items():
            scores[reader] = np.zeros(len(place), dtype=np.int64)
            marks[reader] = np.zeros((len(place), len(row["sentences"])), dtype=bool)
            for name, label in labels.items():
                element = place[taxonomy.element(name).id]
                scores[reader][element] = label["score"]
                for first, last in label["spans"]:
                    marks[reader][element, first - 1 : last] = True
        sentences = [(start, end) for start, end in row["sentences"]]
        found.append(Labelled(row["trace_id"], text, question, sentences, scores, marks))
    return found


def kappa(found: Scores, gold: Scores) -> float:
    """Return Cohen's kappa with quadratic weights; 0 where chance alone is perfect."""
    observed = float(((found - gold) ** 2).mean())
    expected = float(((found[:, None] - gold[None, :]) ** 2).mean())
    return 1 - observed / expected if expected else 0.0


def f1(hits: int, found: int, gold: int) -> float:
    """Return F1 from the numbers of true positives, predictions and gold labels."""
    return 2 * hits / (found + gold) if found + gold else 0.0


def overlaps(ranges: list[tuple[int, int]], spans: list[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    """Return which of ``ranges`` share a character with any of ``spans``."""
    mask = np.zeros(len(ranges), dtype=bool)
    for start, end in spans:
        mask |= np.array([a < end and b > start for a, b in ranges], dtype=bool)
    return mask


def best_thresholds(values: npt.NDArray[np.float64], gold: Scores) -> tuple[float, float]:
    """Return the two thresholds on ``values`` whose scores agree best with ``gold``.

    Half way between neighbouring values; the agreement is kappa with quadratic weights.
    """
    levels = np.unique(values)
    cuts = np.concatenate([[levels[0] - 1], (levels[1:] + levels[:-1]) / 2, [levels[-1] + 1]])
    best = (-np.inf, 0.0, 0.0)
    for number, low in enumerate(cuts):
        for high in cuts[number:]:
            scores = (values > low).astype(np.int64) + (values > high)
            best = max(best, (kappa(scores, gold), float(low), float(high)))
    return best[1], best[2]
