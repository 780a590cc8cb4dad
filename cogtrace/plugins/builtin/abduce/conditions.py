"""Conditions on candidates, as they stand in rule files: small, and nothing in them is run.

A condition is a JSON object; all of its keys must hold:

    {"answer_matches": "^-", "confidence_below": 0.4}

Patterns are Python regular expressions from the rule file, searched for in the last
`MOST_CHARS` characters of what they are about.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cogtrace.grading import same_answer
from cogtrace.grading.numbers import number

MOST_CHARS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What conditions can be about."""

    answer: str
    text: str = ""
    source: str = ""
    confidence: float | None = None
    share: float = 1.0  # of the candidates with an answer, how many say the same


def holds(condition: Mapping[str, Any], facts: Facts) -> bool:
    """Say whether a condition holds; an empty one always does.

    Raises:
        KeyError: it has a key that there is not; the schema of rule files rules that out.
    """
    return all(_TESTS[key](value, facts) for key, value in condition.items())


@functools.lru_cache(maxsize=1_024)
def pattern(text: str) -> re.Pattern[str]:
    """Return a pattern, compiled once.

    Raises:
        re.error: it is no regular expression.
    """
    return re.compile(text)


def patterns(condition: object) -> list[str]:
    """Return all patterns in a condition, for checking."""
    if isinstance(condition, list):
        return [text for item in condition for text in patterns(item)]
    if not isinstance(condition, Mapping):
        return []
    own = [v for k, v in condition.items() if k.endswith("_matches") and isinstance(v, str)]
    return own + [text for value in condition.values() for text in patterns(value)]


def _value(facts: Facts) -> float | None:
    found = number(facts.answer)
    return float(found.value) if found is not None else None


def _below(known: float | None, limit: float) -> bool:
    return known is not None and known < limit


def _above(known: float | None, limit: float) -> bool:
    return known is not None and known > limit


_TESTS: Final[dict[str, Callable[[Any, Facts], bool]]] = {
    "answer_matches": lambda v, f: pattern(v).search(f.answer[-MOST_CHARS:]) is not None,
    "answer_equals": lambda v, f: same_answer(f.answer, v),
    "text_matches": lambda v, f: pattern(v).search(f.text[-MOST_CHARS:]) is not None,
    "source_matches": lambda v, f: pattern(v).search(f.source) is not None,
    "is_number": lambda v, f: (_value(f) is not None) is v,
    "number_below": lambda v, f: _below(_value(f), v),
    "number_above": lambda v, f: _above(_value(f), v),
    "chars_below": lambda v, f: len(f.text) < v,
    "chars_above": lambda v, f: len(f.text) > v,
    "confidence_below": lambda v, f: _below(f.confidence, v),
    "confidence_above": lambda v, f: _above(f.confidence, v),
    "share_below": lambda v, f: f.share < v,
    "share_above": lambda v, f: f.share > v,
    "not": lambda v, f: not holds(v, f),
    "any": lambda v, f: any(holds(one, f) for one in v),
}
