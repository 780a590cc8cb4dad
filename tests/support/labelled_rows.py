"""Labelled texts in the layouts of other people's files, made for these tests."""

from __future__ import annotations

import copy
from typing import Any

_RESPONSE = (
    "We need the area of a square of side 3.\nThe area is 3 times 3.\nHmm.\n</think>\n"
    "So it is 9. Check: 9 is 3 squared 🙂."
)
_PIECES = [
    ("We need the area of a square of side 3.", "Read", "General", 0),
    ("The area is 3 times 3.", "Implement", "General", 0),
    ("Hmm.", "Monitor", "General", 0),
    ("</think>", "Monitor", "General", 1),
    ("So it is 9.", "Implement", "General", 2),
    ("Check: 9 is 3 squared 🙂.", "Verify", "Verify", 2),
]


def schoenfeld_row(number: int = 7) -> dict[str, Any]:
    """Return a response of six sentences; one is a boundary, one a fragment."""
    sentences = []
    for text, label, episode, paragraph in _PIECES:
        start = _RESPONSE.index(text)
        sentences.append(
            {
                "text": text,
                "start": start,
                "end": start + len(text),
                "sentence_label": label,
                "paragraph_label": episode,
                "boundary": text == "</think>",
                "fragment": text == "Hmm.",
                "para": paragraph,
            }
        )
    return {
        "id": number,
        "question": "How large is the square?",
        "correct_answer": "9",
        "response": _RESPONSE,
        "sentences": sentences,
        "domain": "Geometry",
        "correct": True,
    }


_STEPS = (
    "I will add 2 and 3.",
    "The sum is 5.",
    "Let me verify that.",
    "5 minus 3 is 2, fine.",
)


def reasoningflow_row(name: str = "sum_0") -> dict[str, Any]:
    """Return a response of four steps, a graph over them and its question."""
    response = " ".join(_STEPS)
    labels = ("planning", "reasoning", "planning", "reasoning")
    nodes: list[dict[str, Any]] = [
        {
            "id": "ctx0",
            "label": "context",
            "text": "Add 2 and 3.",
            "source": "context",
            "start": None,
            "end": None,
        }
    ]
    for number, (text, label) in enumerate(zip(_STEPS, labels, strict=True)):
        start = response.index(text)
        nodes.append(
            {
                "id": f"resp{number}",
                "label": label,
                "text": text,
                "source": "response",
                "start": start,
                "end": start + len(text),
            }
        )
    edges = [
        ("resp0", "ctx0", "reason:restate"),
        ("resp0", "resp1", "reason:execute"),
        ("resp1", "resp2", "plan:verify"),
        ("resp0", "resp2", "plan:verify"),
        ("resp2", "resp3", "reason:execute"),
    ]
    return {
        "trace_id": name,
        "generator": "some-model",
        "question": "Add 2 and 3.",
        "response": response,
        "nodes": nodes,
        "edges": [{"source": a, "dest": b, "label": label} for a, b, label in edges],
    }


def reference_record(**changes: Any) -> dict[str, Any]:
    """Return a record of two elements in the layout of the public reference code."""
    record: dict[str, Any] = {
        "sample_id": "t1",
        "question_id": "q1",
        "task": "sums",
        "model_name": "m1",
        "problem_type": "Algorithmic",
        "correctness": True,
        "element_annotation": {
            "verification": {"score": 2, "spans": [[11, 27], ["0", "10"]]},
            "self-evaluation": {"score": 0, "spans": []},
        },
    }
    return copy.deepcopy(record) | changes


# The text of the record's trace.
REFERENCE_TEXT = "It is nine. Let me check it. Yes."
