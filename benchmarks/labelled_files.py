"""Labelled traces as the files that `cogtrace evaluate` reads.

    python benchmarks/labelled_files.py FOLDER OUT

FOLDER holds the labelled files (benchmarks/README.md). Writes into OUT, for each set, its
traces and what they are to be judged by; prints the commands that compare them.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from labelled import Labelled, Marks, labelled, rows

from cogtrace.taxonomy import load_taxonomy

# After the crosswalk file; label, element, relation.
_RULES = {
    "schoenfeld": [
        ("Verify", "verification", "exact"),
        ("Monitor", "evaluation", "close"),
        ("Monitor", "self-awareness", "broader"),
        ("Explore", "backtracking", "broader"),
    ],
    "reasoningflow": [
        ("plan:verify", "verification", "exact"),
        ("plan:backtrack", "backtracking", "exact"),
        ("reflect:uncertain", "self-awareness", "close"),
        ("reflect:positive", "evaluation", "close"),
        ("reflect:negative", "evaluation", "close"),
    ],
}
_FILES = {"schoenfeld": "schoenfeld_dev", "reasoningflow": "reasoningflow_gold_dev"}


def main() -> None:
    """Write all files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    taxonomy = load_taxonomy()
    traces = labelled(options.folder, taxonomy)
    _write_traces(
        out / "readers.jsonl",
        [{"trace_id": t.trace_id, "text": t.text, "question": t.question} for t in traces],
    )
    _write_table(out / "readers.csv", traces, taxonomy.element_ids)
    _tell(out, "readers", str(out / "readers.csv"))
    for name, file in _FILES.items():
        source = options.folder / f"{file}.jsonl.gz"
        _write_traces(
            out / f"{name}.jsonl",
            [
                {
                    "trace_id": _id(name, row),
                    "text": row["response"],
                    "question": row.get("question"),
                }
                for row in rows(source)
            ],
        )
        rules = [{"label": a, "element": b, "relation": c} for a, b, c in _RULES[name]]
        content = {"scheme": name, "taxonomy": taxonomy.id, "rules": rules}
        (out / f"{name}-rules.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
        rest = f"--crosswalk {out / f'{name}-rules.json'} --relations exact,close,broader"
        _tell(out, name, f"{source} {rest}")


def _id(name: str, row: dict[str, Any]) -> str:
    return str(row.get("trace_id") or (f"{name}-{row['id']}" if "id" in row else row["response"]))


def _write_traces(path: Path, traces: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(trace, ensure_ascii=False) + "\n" for trace in traces)


def _write_table(path: Path, traces: list[Labelled], elements: tuple[str, ...]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["trace_id", "annotator", "element", "score", "start", "end"])
        for trace in traces:
            for reader, scores in trace.scores.items():
                for number, element in enumerate(elements):
                    spans = _runs(trace.marks[reader][number], trace.sentences)
                    head = [trace.trace_id, reader, element, int(scores[number])]
                    table.writerows([*head, *span] for span in spans or [("", "")])


def _runs(marks: Marks, sentences: list[tuple[int, int]]) -> list[tuple[Any, Any]]:
    """Return neighbouring marked sentences as one span each."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(int)))
    return [
        (sentences[first][0], sentences[after - 1][1])
        for first, after in edges.reshape(-1, 2).tolist()
    ]


def _tell(out: Path, name: str, gold: str) -> None:
    print(f"cogtrace annotate {out / f'{name}.jsonl'} --out {out / name}")
    print(f"cogtrace evaluate {out / name} --gold {gold}")


if __name__ == "__main__":
    main()
