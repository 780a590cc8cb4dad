"""How well sentence boundaries agree with people's, beside spaCy's sentencizer.

    python benchmarks/bench_sentences.py FOLDER

FOLDER holds the labelled files (benchmarks/README.md). A boundary is where a sentence
begins, the first of each trace left out; both sides are moved to the next character
that is no white space.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spacy
from labelled import rows

from cogtrace.annotator.sentences import sentence_starts


def main() -> None:
    """Print precision, recall and F1 of both splitters on both sets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    splitters: dict[str, Callable[[str], list[int]]] = {
        "trace_sentences": sentence_starts,
        "sentencizer": lambda text: [sent.start_char for sent in nlp(text).sents],
    }
    sets = {
        "schoenfeld_dev": lambda row: [unit["start"] for unit in row["sentences"]],
        "reasoningflow_gold_dev": lambda row: [
            node["start"] for node in row["nodes"] if node["start"] is not None
        ],
    }
    print(f"{'set':24}{'splitter':18}{'gold':>7}{'found':>7}{'P':>8}{'R':>8}{'F1':>8}")
    for name, gold in sets.items():
        data = list(rows(folder / f"{name}.jsonl.gz"))
        for splitter, split in splitters.items():
            _compare(name, splitter, data, gold, split)


def _compare(
    name: str,
    splitter: str,
    data: list[dict[str, Any]],
    gold: Callable[[dict[str, Any]], list[int]],
    split: Callable[[str], list[int]],
) -> None:
    hits = found = wanted = 0
    for row in data:
        text = row["response"]
        ours, theirs = _borders(text, split(text)), _borders(text, gold(row))
        hits += len(ours & theirs)
        found += len(ours)
        wanted += len(theirs)
    p, r = hits / found, hits / wanted
    print(f"{name:24}{splitter:18}{wanted:>7}{found:>7}{p:8.3f}{r:8.3f}{2 * p * r / (p + r):8.3f}")


def _borders(text: str, starts: list[int]) -> set[int]:
    moved = set()
    for start in starts:
        while start < len(text) and text[start].isspace():
            start += 1
        if 0 < start < len(text):
            moved.add(start)
    return moved


if __name__ == "__main__":
    main()
