"""Abduction: keep the largest set of candidates that is consistent enough, drop the rest.

After "Consistency-based abduction" (arXiv 2505.19361), which filters the predictions of several
models; what is solved here is our own reconstruction (see `problem`). Without rules and with
``delta`` 0 it keeps the largest group of equal answers, which is what a vote does too.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any, Final

from cogtrace.errors import OptionError
from cogtrace.extensions import hookimpl
from cogtrace.grading import AnswerKind, alike
from cogtrace.plugins.builtin.abduce.conditions import Facts
from cogtrace.plugins.builtin.abduce.problem import Instance, Solution, solve
from cogtrace.plugins.builtin.abduce.rules import Constraints, Rule, apply, read_rules
from cogtrace.plugins.guidance import Candidate, GuidanceKind, Verdict
from cogtrace.plugins.prompting import load_options

_UNKNOWN: Final = 0.5  # confidence of a candidate that has none


class Abduce:
    """Judges the candidates of a task all together."""

    def __init__(self, options: dict[str, Any], rules: Sequence[Rule]) -> None:
        self._options = options
        self._rules = rules
        self._kind: AnswerKind | None = None if options["kind"] == "auto" else options["kind"]

    @hookimpl
    def cogtrace_judge(self, candidates: tuple[Candidate, ...]) -> list[Verdict] | None:
        """Keep or drop each candidate that has an answer; the others have no say anyway."""
        voters = [candidate for candidate in candidates if candidate.answer is not None]
        if not voters:
            return None
        groups = alike([candidate.answer or "" for candidate in voters], self._kind)
        found = apply(self._rules, _facts(voters, groups))
        conflicts = {**found.conflicts, **self._disagreements(groups)}
        instance = Instance(
            confidences=tuple(_UNKNOWN if c.confidence is None else c.confidence for c in voters),
            conflicts=tuple(conflicts),
            flags=tuple(place for place, _ in found.flags),
            banned=frozenset(found.banned),
        )
        options = self._options
        solution = solve(instance, options["delta"], options["solver"], options["seconds"])
        return _verdicts(voters, solution, found)

    def _disagreements(self, groups: Sequence[Sequence[int]]) -> dict[tuple[int, int], str]:
        if not self._options["disagreement"]:
            return {}
        return {
            (min(one, other), max(one, other)): "another answer"
            for number, group in enumerate(groups)
            for others in groups[number + 1 :]
            for one in group
            for other in others
        }


def _facts(voters: Sequence[Candidate], groups: Sequence[Sequence[int]]) -> list[Facts]:
    size = {place: len(group) for group in groups for place in group}
    return [
        Facts(
            answer=candidate.answer or "",
            text=candidate.text,
            source=candidate.source,
            confidence=candidate.confidence,
            share=size[place] / len(voters),
        )
        for place, candidate in enumerate(voters)
    ]


def _verdicts(voters: Sequence[Candidate], solution: Solution, found: Constraints) -> list[Verdict]:
    kept = set(solution.kept)
    how = "proven best" if solution.proven else f"by the {solution.solver} solver"
    whole = f"{len(kept)} of {len(voters)} kept, inconsistency {solution.rate:.3g}, {how}"
    flagged: dict[int, str] = {}
    for place, reason in found.flags:
        flagged.setdefault(place, reason)
    return [
        Verdict(candidate=candidate.id, verdict="keep", reason=whole)
        if place in kept
        else Verdict(
            candidate=candidate.id,
            verdict="drop",
            reason=found.banned.get(place)
            or f"{flagged.get(place, 'does not agree with those kept')} ({whole})",
        )
        for place, candidate in enumerate(voters)
    ]


def build(options: dict[str, Any]) -> Abduce:
    """Build the plugin.

    Raises:
        OptionError: a rule file cannot be used, or solver=exact without scipy.
    """
    if options["solver"] == "exact" and importlib.util.find_spec("scipy") is None:
        raise OptionError("solver=exact needs scipy; pip install 'cogtrace[math]'")
    paths = options["rules"] or []
    files = [paths] if isinstance(paths, str) else paths
    return Abduce(options, [rule for path in files for rule in read_rules(path)])


KIND: Final = GuidanceKind(
    name="abduce",
    summary="keeps the largest set of candidates that is consistent enough",
    build=build,
    api_version=1,
    options=load_options(__package__),
    calls=0,
    source="consistency-based abduction, arXiv 2505.19361 (reconstructed); rules 2308.14250",
)
