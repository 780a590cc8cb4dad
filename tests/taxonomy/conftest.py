"""A small taxonomy without faults, and a writer of its two forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Data = dict[str, Any]


def _example(score: int, action: str, **fields: Any) -> Data:
    text = f"The sum is {len(action)}. Then I {action} once more. It is so."
    return {
        "text": text,
        "score": score,
        "quotes": [f"Then I {action} once more."] if score else [],
        **fields,
    }


def _element(name: str, cues: list[Data], actions: str, **fields: Any) -> Data:
    return {
        "id": name,
        "aliases": [f"old-{name}"],
        "name": name.title(),
        "dimension": "acts",
        "definition": f"What {name} means in the tests of taxonomies.",
        "indicators": ["Somebody does it."],
        "rubric": {score: f"This is score {score}." for score in ("0", "1", "2")},
        "cues": cues,
        "examples": [
            *(_example(number % 3, action) for number, action in enumerate(actions.split())),
            _example(0, "slept", hard_negative=True, why="Sleeping is no act."),
        ],
        **fields,
    }


@pytest.fixture
def small() -> Data:
    """Return a taxonomy of two elements, as JSON data, in which lint finds nothing."""
    return {
        "id": "small",
        "version": "1.2.0",
        "name": "A small taxonomy",
        "description": "For tests.",
        "dimensions": [{"id": "acts", "name": "Acts", "definition": "What people do."}],
        "elements": [
            _element(
                "checking",
                [
                    {"text": "i looked at", "strength": "strong"},
                    {"text": "let's see", "strength": "medium", "at": "start"},
                    {"text": "if ... then", "strength": "medium", "in_question": True},
                    {"text": "once", "strength": "weak"},
                ],
                "slept looked checked dozed stared proved",
                related=[{"element": "planning", "difference": "That one looks ahead."}],
                signals={"question": "weak"},
                scoring={"partial": 0.5, "present": 1.5},
            ),
            _element(
                "planning",
                [{"text": "i planned", "strength": "strong"}],
                "walked planned wanted talked meant aimed",
            ),
        ],
        "problem_types": [
            {"id": "story", "name": "Story", "definition": "A problem told in words."},
            {"id": "design", "name": "Design", "definition": "Something is to be made."},
        ],
        "sources": ["Written for the tests."],
    }


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[object], Path]:
    """Return a writer of a taxonomy as one file; text is written as it is."""

    def write(data: object) -> Path:
        path = tmp_path / "small.json"
        text = data if isinstance(data, str) else json.dumps(data, indent=2)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[[Data], Path]:
    """Return a writer of a taxonomy as a folder."""

    def write(data: Data) -> Path:
        folder = tmp_path / "small"
        (folder / "elements").mkdir(parents=True)
        for element in data["elements"]:
            path = folder / "elements" / f"{element['id']}.json"
            path.write_text(json.dumps(element, indent=2), encoding="utf-8")
        names = [element["id"] for element in data["elements"]]
        text = json.dumps({**data, "elements": names}, indent=2)
        (folder / "taxonomy.json").write_text(text, encoding="utf-8")
        return folder

    return write
