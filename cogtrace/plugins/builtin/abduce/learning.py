"""Learning when a model's answers tend to be wrong: error-detection rules from labelled runs.

After error-detection rule learning (arXiv 2308.14250): for a group of predictions, conditions
are chosen that catch as many wrong ones as possible while the right ones caught stay within a
budget. A prediction that meets any chosen condition is flagged. From Python::

    from cogtrace.plugins.builtin.abduce.learning import examples_of, learn
    from cogtrace.plugins.builtin.abduce.rules import save_rules

    conditions = [{"chars_below": 200}, {"share_below": 0.3}, {"is_number": False}]
    rules = learn(examples_of(runs, conditions), conditions, epsilon=0.02)
    save_rules(rules, "errors.json")          # --with abduce:rules=errors.json

``runs`` are records with candidates that were graded, those of `guide` with reference answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cogtrace.grading import AnswerKind, alike, normalise
from cogtrace.plugins.builtin.abduce.conditions import Facts, holds

if TYPE_CHECKING:
    from cogtrace.plugins.pipeline import GuidanceRun

Condition = Mapping[str, Any]
Grouping = Literal["all", "source", "answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A prediction that is known to be right or wrong."""

    right: bool
    met: frozenset[int]  # places of the conditions that it meets
    group: str = ""  # its class: predictions of a class have rules of their own
    actual: str | None = None  # what it should have been, as a class; None: not known


@dataclass(frozen=True, slots=True)
class Chosen:
    """The conditions chosen for a group, in the order of choice, and what they do."""

    conditions: tuple[int, ...]
    caught: int  # wrong ones that meet any
    lost: int  # right ones that meet any


def choose(examples: Sequence[Example], group: str, epsilon: float) -> Chosen:
    """Choose the conditions of a group.

    With N predictions of the group, precision P and recall R, the right ones caught may be
    at most ``epsilon`` N P / R. Conditions that break this alone are out; then the one by which
    most wrong ones are caught is added, again and again, if it stays within. Recall counts
    as 1 where the examples do not tell what was right. Unlike in the source, a condition by
    which nothing more is caught is not added.
    """
    own = [example for example in examples if example.group == group]
    right = sum(example.right for example in own)
    actual = sum(example.actual == group for example in examples)
    recall = right / actual if actual else 1.0
    budget = epsilon * right / recall if recall else 0.0
    wrong_of, right_of = _met(own, right=False), _met(own, right=True)
    caught: set[int] = set()
    lost: set[int] = set()
    chosen: list[int] = []
    waiting = sorted(c for c in wrong_of if len(right_of.get(c, ())) <= budget)
    while waiting:
        best = max(waiting, key=lambda c: (len(caught | wrong_of[c]), -c))
        waiting.remove(best)
        if wrong_of[best] <= caught or len(lost | right_of.get(best, set())) > budget:
            continue
        chosen.append(best)
        caught |= wrong_of[best]
        lost |= right_of.get(best, set())
    return Chosen(tuple(chosen), len(caught), len(lost))


def learn(
    examples: Sequence[Example],
    conditions: Sequence[Condition],
    *,
    epsilon: float = 0.01,
    grouping: Grouping = "all",
) -> dict[str, Any]:
    """Return the learned rules as JSON data of the schema "abduction-rules"."""
    rules: list[dict[str, Any]] = []
    caught = lost = 0
    for group in sorted({example.group for example in examples}):
        found = choose(examples, group, epsilon)
        caught, lost = caught + found.caught, lost + found.lost
        if found.conditions:
            # One rule, so that a candidate is flagged once, however many conditions it meets.
            any_of = [dict(conditions[place]) for place in found.conditions]
            when = {"any": any_of, **_of_group(group, grouping)}
            why = f"learned: such answers tend to be wrong{_where(group, grouping)}"
            rules.append({"id": f"learned-{len(rules) + 1}", "when": when, "why": why})
    right = sum(example.right for example in examples)
    return {
        "name": "learned error-detection rules",
        "rules": rules,
        "learned": {
            "epsilon": epsilon,
            "examples": len(examples),
            "right": right,
            "caught": caught,
            "lost": lost,
        },
    }


def examples_of(
    runs: Iterable[GuidanceRun],
    conditions: Sequence[Condition],
    *,
    grouping: Grouping = "all",
    kind: AnswerKind | None = None,
) -> list[Example]:
    """Return the graded candidates of runs as examples; ungraded ones are passed over.

    ``grouping`` says what has rules of its own: nothing ("all"), each source of candidates
    ("source"), or each answer ("answer", for tasks with a few possible answers).
    """
    examples = []
    for run in runs:
        voters = [c for c in run.candidates if c.answer is not None]
        shares = shares_of([c.answer or "" for c in voters], kind)
        for candidate, share in zip(voters, shares, strict=True):
            if candidate.correct is None:
                continue
            facts = Facts(
                answer=candidate.answer or "",
                text=candidate.text,
                source=candidate.source,
                confidence=candidate.confidence,
                share=share,
            )
            met = frozenset(n for n, one in enumerate(conditions) if holds(one, facts))
            group = {"all": "", "source": facts.source, "answer": normalise(facts.answer)}[grouping]
            reference = run.reference_answer if grouping == "answer" else None
            actual = normalise(reference) if reference is not None else None
            examples.append(Example(right=candidate.correct, met=met, group=group, actual=actual))
    return examples


def shares_of(answers: Sequence[str], kind: AnswerKind | None) -> list[float]:
    """Return for each answer which share of all says the same."""
    shares = [0.0] * len(answers)
    for group in alike(answers, kind):
        for place in group:
            shares[place] = len(group) / len(answers)
    return shares


def _met(examples: Sequence[Example], *, right: bool) -> dict[int, set[int]]:
    """Return which examples, by place, meet each condition."""
    found: dict[int, set[int]] = {}
    for place, example in enumerate(examples):
        if example.right is right:
            for condition in example.met:
                found.setdefault(condition, set()).add(place)
    return found


def _of_group(group: str, grouping: Grouping) -> dict[str, Any]:
    if grouping == "source":
        return {"source_matches": rf"\A{re.escape(group)}\Z"}
    return {"answer_equals": group} if grouping == "answer" else {}


def _where(group: str, grouping: Grouping) -> str:
    return "" if grouping == "all" else f" where the {grouping} is {group[:80]!r}"
