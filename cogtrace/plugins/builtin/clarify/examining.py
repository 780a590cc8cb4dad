"""What the model is asked about a task, and what is made of its reply."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final, Literal

Flaw = Literal["absent-object", "ambiguous-reference", "contradiction", "infeasible-goal"]
FLAWS: Final[tuple[Flaw, ...]] = (
    "absent-object",
    "ambiguous-reference",
    "contradiction",
    "infeasible-goal",
)
_CHARS: Final = 400  # of a quote, a reason and the question
_LEAST_QUOTE: Final = 3  # characters; fewer are found in any text


@dataclass(frozen=True, slots=True)
class Finding:
    """What an examination found: a question, the flaw (None: sound), words quoted as evidence."""

    question: str
    flaw: Flaw | None
    quotes: tuple[str, ...]


def schema() -> dict[str, Any]:
    """Return the schema of a reply: evidence first, verdict last."""
    text = {"type": "string", "maxLength": _CHARS}
    piece = {
        "type": "object",
        "properties": {"quote": text, "why": text},
        "required": ["quote", "why"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "evidence": {"type": "array", "items": piece, "maxItems": 4},
            "question": text,
            "verdict": {"enum": ["sound", *FLAWS]},
        },
        "required": ["evidence", "question", "verdict"],
        "additionalProperties": False,
    }


def read(text: str) -> Finding | None:
    """Return what a reply says; None if it is not what was asked for."""
    try:
        data = json.loads(text)
        verdict = data["verdict"]
        quotes = tuple(str(piece["quote"]) for piece in data["evidence"])
        question = " ".join(str(data["question"]).split())
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if verdict not in ("sound", *FLAWS):
        return None
    return Finding(question, None if verdict == "sound" else verdict, quotes)


def stands_in(quote: str, text: str) -> bool:
    """Say whether a quote stands in a text, blanks, case and quotation marks aside."""
    folded = _fold(quote)
    return len(folded) >= _LEAST_QUOTE and folded in _fold(text)


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s\"'“”‘’`«»]+", " ", plain).strip(" .,;:!?…")
