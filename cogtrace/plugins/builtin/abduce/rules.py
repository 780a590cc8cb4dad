"""Rule files: read, checked, saved, and turned into constraints."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cogtrace.errors import OptionError
from cogtrace.plugins.builtin.abduce.conditions import Facts, holds, pattern, patterns
from cogtrace.schemas import problems

SCHEMA = "abduction-rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule, checked."""

    id: str
    when: Mapping[str, Any]
    other: Mapping[str, Any] | None = None  # "with": of the other one of a pair
    drops: bool = False
    why: str = ""

    @property
    def reason(self) -> str:
        """What is said of a candidate that it concerns."""
        return f"rule {self.id}" + (f": {self.why}" if self.why else "")


def read_rules(path: str) -> list[Rule]:
    """Return the rules in a file.

    Raises:
        OptionError: it cannot be read or is no rule file; names the place.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"rules {path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise OptionError(f"rules {path}: not valid JSON ({error})") from error
    return build_rules(data, f"rules {path}")


def build_rules(data: Any, name: str = "rules") -> list[Rule]:
    """Return the rules that JSON data hold; raises as `read_rules` does."""
    for place, reason in problems(SCHEMA, data):
        raise OptionError(f"{name}, at {place}: {reason}")
    for text in patterns(data["rules"]):
        try:
            pattern(text)
        except re.error as error:
            raise OptionError(f"{name}: {text!r} is no regular expression ({error})") from error
    return [
        Rule(
            id=rule["id"],
            when=rule["when"],
            other=rule.get("with"),
            drops=rule.get("effect") == "drop",
            why=rule.get("why", ""),
        )
        for rule in data["rules"]
    ]


def save_rules(data: Mapping[str, Any], path: str | Path) -> None:
    """Write rules as JSON data into a file.

    Raises:
        OptionError: they are no valid rules.
    """
    build_rules(data)
    text = json.dumps(data, ensure_ascii=False, indent=2)
    Path(path).write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Constraints:
    """What rules say about some candidates, by their places."""

    conflicts: dict[tuple[int, int], str]  # with the reason
    flags: list[tuple[int, str]]
    banned: dict[int, str]


def apply(rules: Sequence[Rule], facts: Sequence[Facts]) -> Constraints:
    """Return the constraints that rules put on candidates."""
    found = Constraints({}, [], {})
    for rule in rules:
        meets = [place for place, one in enumerate(facts) if holds(rule.when, one)]
        if rule.other is not None:
            others = [place for place, one in enumerate(facts) if holds(rule.other, one)]
            for one in meets:
                for other in others:
                    if one != other:
                        found.conflicts.setdefault((min(one, other), max(one, other)), rule.reason)
        elif rule.drops:
            for place in meets:
                found.banned.setdefault(place, rule.reason)
        else:
            found.flags.extend((place, rule.reason) for place in meets)
    return found
