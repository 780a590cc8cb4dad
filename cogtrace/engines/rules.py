"""Rules: what the scripted engine answers to which request, written in a JSON file.

An example::

    {
      "rules": [
        {"when": "Verification", "answer": {"score": 2}},
        {"when": "(?i)overload", "in": "prompt", "failure": "overloaded"},
        {"when": "Restart", "answer": "{", "finish": "length", "reasoning": "Hm."},
        {"when": "Planning"}
      ],
      "default": {"score": 0}
    }

``when`` is a regular expression that is searched for in the last user message, or with
``"in": "prompt"`` in all messages. The first rule that matches decides. An answer that is
a string is given as it is, any other as JSON. A rule that says neither answer nor
failure, and a file without default, leave it to the filler of the request's schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from cogtrace.engines.base import Failure, FailureKind, Finish, Request, Result
from cogtrace.errors import EngineError

# What to answer: a text, a whole result, or nothing, which leaves it to the filler.
Script = Callable[[Request], str | Result | None]


class Rule(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"where": "in"}
):
    """One rule as it is written."""

    when: str
    where: Literal["question", "prompt"] = "question"
    answer: Any = msgspec.UNSET
    finish: Finish = "stop"
    reasoning: str | None = None
    failure: FailureKind | Failure | None = None


class Rulebook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of rules as it is written."""

    rules: list[Rule]
    default: Any = msgspec.UNSET


def read_rules(path: Path) -> Script:
    """Return the script that a file of rules describes.

    Raises:
        EngineError: the file cannot be read or is not valid; names the place.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror})") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise EngineError(f"{path}, {place}: not valid JSON: {error.msg}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise EngineError(f"{path}: not valid JSON: {error}") from error
    return build_rules(data, str(path))


def build_rules(data: object, name: str) -> Script:
    """Return the script that rules as JSON data describe.

    Raises:
        EngineError: they are not valid; names the place.
    """
    try:
        book = msgspec.convert(data, Rulebook)
    except msgspec.ValidationError as error:
        raise EngineError(f"{name}: not valid rules: {error}") from error
    compiled = [_compile(rule, f"{name}, rules[{n}]") for n, rule in enumerate(book.rules)]

    def script(request: Request) -> str | Result | None:
        for pattern, rule in compiled:
            if pattern.search(_searched(request, rule.where)):
                return _outcome(rule)
        return None if book.default is msgspec.UNSET else as_text(book.default)

    return script


def rules_from(rules: Sequence[Mapping[str, Any]], default: object = msgspec.UNSET) -> Script:
    """Return the script of rules given as dictionaries."""
    data: dict[str, Any] = {"rules": [dict(rule) for rule in rules]}
    return build_rules(data if default is msgspec.UNSET else data | {"default": default}, "rules")


def as_text(answer: object) -> str:
    """Return a string as it is, anything else as compact JSON."""
    if isinstance(answer, str):
        return answer
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def _compile(rule: Rule, place: str) -> tuple[re.Pattern[str], Rule]:
    if rule.failure is not None and rule.answer is not msgspec.UNSET:
        raise EngineError(f"{place}: has both an answer and a failure")
    if rule.finish == "failed" and rule.failure is None:
        raise EngineError(f'{place}: "finish": "failed" needs a "failure"')
    if (
        rule.answer is msgspec.UNSET
        and rule.failure is None
        and (rule.finish != "stop" or rule.reasoning is not None)
    ):
        raise EngineError(f"{place}: finish and reasoning need an answer")
    try:
        return re.compile(rule.when), rule
    except re.error as error:
        raise EngineError(f"{place}.when: not a regular expression: {error}") from error


def _searched(request: Request, where: str) -> str:
    if where == "prompt":
        return "\n".join(message.content for message in request.messages)
    return next((m.content for m in reversed(request.messages) if m.role == "user"), "")


def _outcome(rule: Rule) -> Result | None:
    if rule.failure is not None:
        failure = rule.failure
        if not isinstance(failure, Failure):
            failure = Failure(kind=failure, message=f"the rule for {rule.when!r} says so")
        return Result(finish="failed", failure=failure)
    if rule.answer is msgspec.UNSET:
        return None
    return Result(text=as_text(rule.answer), finish=rule.finish, reasoning=rule.reasoning)
