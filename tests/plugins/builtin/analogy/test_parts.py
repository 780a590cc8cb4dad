from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.plugins.builtin.analogy.parts import Analogue, analogues_of, method_of, sections

WHOLE = Analogue(problem="P 5?", solution="S = 3", method="X")

MESSY = [
    "### Type and method\nX\n\n### Similar problem\nP 5?\n\n### Its solution\nS = 3",
    "**Type and Method:** X\n**Similar Problem:** P 5?\n**Solution:** S = 3",
    "__Type & method__\nX\n\n__Analogous problem__\nP 5?\n\n__Solution__\nS = 3\n\n---",
    "1. TYPE AND METHOD: X\n2. ANALOGOUS PROBLEM: P 5?\n3. SOLUTION TO THE SIMILAR PROBLEM:\nS = 3",
    "(1) Problem type - X\n(2) Related question - P 5?\n(3) Step-by-step solution - S = 3",
    "> ## Method\n> X\n".replace("> X", "X") + "## Analogy\nP 5?\n## The solution\nS = 3",
    "- **Type/Method**: X\n- **New problem**: P 5?\n- **Its answer**: S = 3",
    "Sure! Here is one.\n\nType and method: X\n\nSimilar problem #1: P 5?\n\nSolution 1: S = 3",
    "Problem type: X\nProblem: P 5?\nSolution: S = 3\n\nOriginal problem: no\nSolution: 99",
    "Original problem:\nAnn\n\nType and method:\nX\n\nSimilar problem:\nP 5?\n\nSolution:\nS = 3",
    "**1) Type and method**\nX\n**2) A similar problem**\nP 5?\n**3) Its solution**\nS = 3",
    "Type and method：X\nSimilar problem：P 5?\nSolution：S = 3",
    "# Type and method\r\nX\r\n# Similar problem\r\nP 5?\r\n# Its solution\r\nS = 3".replace(
        "\r", ""
    ),
]


@pytest.mark.parametrize("text", MESSY)
def test_headings_are_found_however_they_are_written(text: str) -> None:
    assert analogues_of(text) == [WHOLE]


def test_several_analogues_are_told_apart() -> None:
    text = "\n".join(MESSY[:3])

    assert analogues_of(text) == [WHOLE] * 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No headings at all, but a similar problem: yes, in a sentence.",
        "Similar problem: P, and no solution",
        "Solution: S, and no problem",
        "Similar problem:\n\nSolution:\n",
        "The similar problem is this one. Its solution follows.",
        "| Similar problem | Its solution |",
    ],
)
def test_what_is_not_whole_is_no_analogue(text: str) -> None:
    assert analogues_of(text) == []


def test_the_method_ends_where_the_analogue_begins() -> None:
    assert method_of(MESSY[0]) == "X"
    assert method_of("Type: A\nMethod: B\nSimilar problem: P\nSolution: S") == "A\nB"
    assert method_of("Just subtract.") == "Just subtract."
    assert method_of("Similar problem: P\nSolution: S") is None


@settings(deadline=None)
@given(st.text())
def test_no_text_raises_and_parts_are_parts_of_it(text: str) -> None:
    for _, content in sections(text):
        assert all(line.strip() in text for line in content.splitlines())


@pytest.mark.parametrize("piece", ["# ", "* ", "Similar problem:\n", "> ", "\n", "1. ", "type "])
def test_hostile_texts_take_no_time(piece: str) -> None:
    began = time.perf_counter()

    analogues_of(piece * (100_000 // len(piece)))

    assert time.perf_counter() - began < 2
