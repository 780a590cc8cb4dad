"""Compares mathematical answers by math-verify, in a process of its own.

Run by `cogtrace.grading.maths`, which ends it when an answer takes too long: nothing else
stops sympy for certain. Reads a pair of answers per line as JSON, writes true or false.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from typing import Any

_MEMORY = 4 * 2**30  # bytes of address space; a power tower would take all there is


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _library() -> Any:
    return importlib.import_module("math_verify")  # it publishes no types


def _parsed(answer: str) -> list[Any]:
    # In dollar signs it is read as LaTeX; as it stands, plain expressions are found too.
    for text in (f"${answer}$", answer):
        found: list[Any] = _library().parse(text, parsing_timeout=None)
        if found:
            return found
    return []


def _same(one: str, other: str) -> bool:
    verify = _library().verify
    first, second = _parsed(one), _parsed(other)
    if not first or not second:
        return False
    # What is verified against what matters to math-verify, and must not to us.
    return bool(
        verify(first, second, timeout_seconds=None) or verify(second, first, timeout_seconds=None)
    )


def main() -> None:
    """Answer one line after the other."""
    _limit_memory()
    _same("1", "1")  # what takes time to load is loaded before the first pair is timed

    answers = sys.stdout
    sys.stdout = sys.stderr  # nothing else may come between the answers
    answers.write("true\n")
    answers.flush()
    for line in sys.stdin:
        try:
            one, other = json.loads(line)
            said = _same(one, other)
        except (Exception, RecursionError, MemoryError):
            # Whatever an answer does to the parser, it is not the same as another.
            said = False
        answers.write("true\n" if said else "false\n")
        answers.flush()


if __name__ == "__main__":
    main()
