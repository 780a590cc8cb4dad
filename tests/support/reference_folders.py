"""Folders of JSON in the layout of the reference code, made of what a test tells."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from naive_structure import Told


def record(
    question: object, told: Told, model: str = "m", elements: Iterable[str] = ()
) -> dict[str, Any]:
    """Return a record. It was asked about what it shows, and about ``elements``."""
    annotation: dict[str, Any] = {}
    for element, start, end in told.spans:
        entry = annotation.setdefault(element, {"score": 2, "spans": []})
        entry["score"] = 2
        entry["spans"].append([start, end])
    for element in elements:
        annotation.setdefault(element, {"score": 0, "spans": []})
    return {
        "question_id": question,
        "task": "t",
        "model_name": model,
        "problem_type": told.type,
        "correctness": told.correct,
        "element_annotation": annotation,
    }


def write_records(folder: Path, records: dict[str, Any] | str, name: str = "m.json") -> Path:
    """Write a file of records, or of a text that is to stand there; return the folder."""
    folder.mkdir(exist_ok=True)
    text = records if isinstance(records, str) else json.dumps(records)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def write_reference(folder: Path, told: list[Told], elements: Iterable[str] = ()) -> Path:
    """Write traces as one file; return the folder."""
    elements = list(elements)
    records = {f"{n}_m": record(n, trace, "m", elements) for n, trace in enumerate(told)}
    return write_records(folder, records)
