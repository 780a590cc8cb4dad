"""The record of one task carried through the pipeline; its schema is "guidance-run"."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from cogtrace.engines.base import Finish
from cogtrace.plugins.guidance import Message, Sampling
from cogtrace.records import Usage

Outcome = Literal[
    "answered",
    "unanswered",  # no candidate that was kept has an answer
    "clarification",  # a question back, which nobody answered
    "failed",  # a plugin or the model failed; see the errors
]
ErrorKind = Literal[
    "raised",  # an exception of the plugin's own
    "timeout",
    "refused",  # it returned what its hook does not allow
    "bound",  # it would have spent more than it may
    "call",  # the model gave no answer
    "observer",  # something was wrong with one that only watches; the task went on
]


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all records share: immutable, built by keyword, strict about fields."""


class ModelRef(_Record, frozen=True, kw_only=True):
    """The model that was asked."""

    engine: str
    model: str
    version: str | None = None


class FileRead(_Record, frozen=True, kw_only=True):
    """A file or folder that an option names, and what stood in it when the run began."""

    option: str
    path: str  # as given
    sha256: str  # of a folder: over the names and hashes of its files, hidden ones left out


class PlanStep(_Record, frozen=True, kw_only=True):
    """A plugin of the plan, with all its options."""

    plugin: str
    version: str
    options: dict[str, Any]
    files: tuple[FileRead, ...] = ()  # those that its options name


class PlacedScaffold(_Record, frozen=True, kw_only=True):
    """A block of text and who placed it."""

    plugin: str
    position: Literal["system", "before", "after"]
    text: str


class AskedBack(_Record, frozen=True, kw_only=True):
    """A clarifying question; without an answer it is what the run returns."""

    plugin: str
    question: str
    answer: str | None
    flaw: str | None = None


class Call(_Record, frozen=True, kw_only=True):
    """A call to a model."""

    plugin: str  # "pipeline" for answers to the task itself
    messages: tuple[Message, ...]
    text: str
    reasoning: str | None
    usage: Usage
    finish_reason: str | None  # "failed": there was no answer
    failure: str | None = None  # why not


class CandidateRecord(_Record, frozen=True, kw_only=True):
    """A solution, and who made it."""

    id: str
    text: str
    answer: str | None
    plugin: str
    reasoning: str | None = None
    confidence: float | None = None
    source: str = ""
    finish: Finish = "stop"  # "length": the text was cut off
    correct: bool | None = None  # by the reference answer, where there is one


class VerdictRecord(_Record, frozen=True, kw_only=True):
    """What a plugin held of a candidate."""

    plugin: str
    candidate: str
    verdict: Literal["keep", "drop", "weight"]
    weight: float
    reason: str


class ChoiceRecord(_Record, frozen=True, kw_only=True):
    """Which candidate the answer is from, and why."""

    plugin: str
    candidate: str | None
    reason: str


class RunError(_Record, frozen=True, kw_only=True):
    """Something that went wrong."""

    plugin: str
    hook: str
    kind: ErrorKind
    message: str


class GuidanceRun(_Record, frozen=True, kw_only=True):
    """One task carried through the pipeline."""

    task_id: str
    question: str
    problem_type: str | None = None
    context: str | None = None
    outcome: Outcome
    answer: str | None = None
    reference_answer: str | None = None
    correct: bool | None = None  # by the reference answer; None: there is none to compare
    model: ModelRef | None = None
    sampling: Sampling = Sampling()
    plan: tuple[PlanStep, ...] = ()
    clarification: AskedBack | None = None
    scaffolds: tuple[PlacedScaffold, ...] = ()
    calls: tuple[Call, ...] = ()
    candidates: tuple[CandidateRecord, ...] = ()
    verdicts: tuple[VerdictRecord, ...] = ()
    choice: ChoiceRecord | None = None
    usage_by_plugin: dict[str, Usage] = {}
    errors: tuple[RunError, ...] = ()
    seconds: float = 0.0  # from the task's begin to its end, waiting included
    meta: dict[str, Any] = {}

    @property
    def chosen(self) -> CandidateRecord | None:
        """The candidate that the answer is from; None if there is none."""
        chosen = self.choice.candidate if self.choice is not None else None
        return next((c for c in self.candidates if c.id == chosen), None)

    @property
    def text(self) -> str | None:
        """The whole text that the answer is from; None if there is none."""
        return None if self.chosen is None else self.chosen.text

    @property
    def usage(self) -> Usage:
        """What the task cost, all plugins together."""
        from cogtrace.jobs.budget import added

        total = Usage()
        for usage in self.usage_by_plugin.values():
            total = added(total, usage)
        return total
