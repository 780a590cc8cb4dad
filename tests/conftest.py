"""Fixtures for all tests."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long one example takes says more of what else the machine does than of the code.
settings.register_profile("cogtrace", settings.default, deadline=None)
settings.load_profile("cogtrace")

ROOT = Path(__file__).parents[1]

# A real data set for optional tests lies here on its developers' machines.
DEV_DATA = ROOT / os.environ.get("COGTRACE_DEV_DATA", "../shared/data")

_OPENERS = (
    "Okay, so I need to find the total.",
    "Wait, that can't be right.",
    "Let me double-check the second step.",
    "First, split the work into two parts.",
    "Therefore the sum is {n}.",
    "If the first box holds {n}, then the second holds {m}.",
    "I'm not sure about this one.",
    "The rain stopped at {n} past {m}.",
    "Alternatively, work backwards from {m}.",
    "# Part {n}",
    "- item {n}: {m}",
    "We have $x = {n} + {m}$.",
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep settings of the person who runs the tests out of them."""
    for name in list(os.environ):
        if name.startswith("COGTRACE_") and name != "COGTRACE_DEV_DATA":
            monkeypatch.delenv(name)


@pytest.fixture
def make_rows() -> Callable[..., list[dict[str, Any]]]:
    """Return a maker of rows: traces of a few sentences, the same for the same seed."""

    def make(count: int, seed: int = 0, sentences: int = 12) -> list[dict[str, Any]]:
        draw = random.Random(seed)
        return [
            {
                "trace_id": f"t{number}",
                "text": " ".join(
                    draw.choice(_OPENERS).format(n=draw.randint(1, 99), m=draw.randint(1, 99))
                    for _ in range(draw.randint(1, sentences))
                ),
                "model": draw.choice(["small", "large"]),
                "correct": draw.choice([True, False, None]),
            }
            for number in range(count)
        ]

    return make


@pytest.fixture
def write_jsonl(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of JSON Lines files in the test's own folder."""

    def write(rows: list[Any], name: str = "traces.jsonl") -> Path:
        path = tmp_path / name
        lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture
def program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that starts the program and gives what it printed."""

    def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cogtrace", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
            **options,
        )

    return run


@pytest.fixture
def cogtrace(
    program: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return the program; where it need not be a process, modules run it in theirs instead."""
    return program


@pytest.fixture
def dev_data() -> Path:
    """Return the folder of real traces, or skip."""
    if not (DEV_DATA / "traces_dev.jsonl.gz").exists():
        pytest.skip("the developers' real traces are not on this machine")
    return DEV_DATA


@pytest.fixture(scope="session")
def tiny_taxonomy() -> dict[str, Any]:
    """Return a taxonomy of three elements that no bundled one holds, every field filled.

    Each element has one strong cue and a threshold so low that one sentence scores.
    """

    def element(name: str, dimension: str, cue: str, aliases: list[str]) -> dict[str, Any]:
        return {
            "id": name,
            "name": name.replace("-", " ").capitalize(),
            "dimension": dimension,
            "group": "all of them",
            "marr_level": "algorithmic",
            "aliases": aliases,
            "definition": f"The reasoner is seen to be {name} at some point.",
            "indicators": [f"Words such as {cue!r}."],
            "rubric": {"0": "It never shows.", "1": "It shows briefly.", "2": "It shows fully."},
            "cues": [{"text": cue, "strength": "strong", "at": "any", "in_question": False}],
            "scoring": {"partial": 0.1, "present": 2.5, "span": 0.15, "before": 0, "after": 0},
            "examples": [
                {
                    "text": f"The sum is nine. Well, {cue} for a moment.",
                    "score": 1,
                    "quotes": [f"Well, {cue} for a moment."],
                    "domain": "arithmetic",
                    "hard_negative": False,
                    "why": "The words are there.",
                }
            ],
        }

    return {
        "id": "tiny",
        "version": "2.1.0",
        "name": "Three elements for tests",
        "description": "Small, so that a test can say what it expects.",
        "dimensions": [
            {"id": "looking", "name": "Looking", "definition": "Looking again at what is there."},
            {"id": "moving", "name": "Moving", "definition": "Going somewhere else."},
        ],
        "elements": [
            element("re-reading", "looking", "let me reread", ["Reading Again", "rereading"]),
            element("turning-back", "moving", "back to square one", ["u-turn"]),
            element("guessing", "moving", "i would guess", []),
        ],
        "problem_types": [
            {
                "id": "riddle",
                "number": 1,
                "name": "Riddle",
                "definition": "A question with a twist.",
                "structure": "ill-structured",
                "aliases": ["Riddle/Puzzle", "puzzle"],
            },
            {
                "id": "sum",
                "number": 2,
                "name": "Plain sum",
                "definition": "Numbers to add.",
                "structure": "well-structured",
            },
        ],
    }


@pytest.fixture
def small() -> dict[str, Any]:
    """Return a taxonomy of two elements, as JSON data, in which lint finds nothing."""
    path = Path(__file__).with_name("taxonomy") / "small.json"
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[object], Path]:
    """Return a writer of a taxonomy as one file; text is written as it is."""

    def write(data: object) -> Path:
        path = tmp_path / "one.json"
        text = data if isinstance(data, str) else json.dumps(data, indent=2)
        path.write_text(text, encoding="utf-8")
        return path

    return write
