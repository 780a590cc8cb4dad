"""What guidance plugins are made of: what they are registered as, what hooks get and return.

A guidance plugin changes how a model goes about a task. It is registered as a
`GuidanceKind`; when a run names it, ``build`` makes an object from its options, and the
object's hooks (`cogtrace.plugins.hookspecs`) are called for each task::

    from cogtrace.extensions import hookimpl
    from cogtrace.plugins.guidance import GuidanceKind, Scaffold, TaskRun

    class StepBack:
        @hookimpl
        async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold:
            (reply,) = await run.ask(f"Which principle decides this?\\n\\n{run.task.question}")
            return Scaffold(text=f"A principle that may help: {reply.text}")

    def build(options: dict[str, object]) -> StepBack:
        return StepBack()

    @hookimpl
    def cogtrace_guidance() -> list[GuidanceKind]:
        return [
            GuidanceKind(
                name="stepback", summary="names the principle first", build=build, api_version=1
            )
        ]

All records are immutable: a plugin changes a run by what it returns, and by nothing else.
The task's question is never among what it can return.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import msgspec

from cogtrace.engines.base import Finish, Message, TokenUsage
from cogtrace.errors import PluginError

__all__ = [
    "API_VERSION",
    "PATH_FORMAT",
    "Allowance",
    "BoundReached",
    "CallFailed",
    "Candidate",
    "Choice",
    "Clarification",
    "Event",
    "Exchange",
    "GuidanceKind",
    "Message",
    "Reply",
    "Sampling",
    "Scaffold",
    "Task",
    "TaskRun",
    "Verdict",
]

API_VERSION: Final = 1  # of this file and the guidance hooks; raised when either breaks plugins


# An option with this "format" in its schema names a file or folder that the plugin reads, or is
# a list of such. Their content is recorded by its hash, a job is resumed only with the same, and
# requests to a server may not set it.
PATH_FORMAT: Final = "path"


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all records share: immutable, built by keyword, strict about fields."""


class Task(_Record, frozen=True, kw_only=True):
    """A problem to be solved, as plugins see it. The reference answer is not part of it."""

    task_id: str
    question: str
    problem_type: str | None = None  # an id of the taxonomy's problem types
    context: str | None = None  # what the question is about: a passage, data, a case
    history: tuple[Message, ...] = ()  # of the conversation, before the question
    meta: dict[str, Any] = {}


class Sampling(_Record, frozen=True, kw_only=True):
    """How answers to the task itself are to be generated."""

    samples: int = 1  # candidates, where no plugin solves in its own way
    temperature: float = 0.0
    max_tokens: int = 2048  # of one answer


class Scaffold(_Record, frozen=True, kw_only=True):
    """A block of text to stand with the question when the task is solved."""

    text: str
    position: Literal["system", "before", "after"] = "before"


class Clarification(_Record, frozen=True, kw_only=True):
    """A question back, because the task as it stands has no answer or several."""

    question: str
    flaw: str | None = None  # what is wrong with the task, in a word of the plugin's


class Exchange(_Record, frozen=True, kw_only=True):
    """A clarifying question and what was answered; None: nobody answered."""

    question: str
    answer: str | None = None
    flaw: str | None = None


class Candidate(_Record, frozen=True, kw_only=True):
    """A solution that may become the answer."""

    id: str  # unique among the task's candidates
    text: str  # whole, as generated
    answer: str | None = None  # the short answer in it; None: there is none to be found
    reasoning: str | None = None  # what the model thought before, where the engine tells
    confidence: float | None = None  # 0 to 1, where there is one
    source: str = ""  # which sample, model or role it comes from
    finish: Finish = "stop"  # else it was cut off: it has an answer only if it states one whole


class Verdict(_Record, frozen=True, kw_only=True):
    """What a plugin holds of a candidate.

    A candidate that any plugin drops is out. The weights of all plugins are multiplied.
    """

    candidate: str  # its id
    verdict: Literal["keep", "drop", "weight"] = "keep"
    weight: float = 1.0  # 0 or more; counts where ``verdict`` is "weight"
    reason: str = ""


class Choice(_Record, frozen=True, kw_only=True):
    """The answer to the task; None: none of the candidates has one."""

    answer: str | None
    candidate: str | None = None  # id of the one it is taken from
    reason: str = ""


class Reply(_Record, frozen=True, kw_only=True):
    """What a model answered to a plugin."""

    text: str
    reasoning: str | None = None
    finish: Finish = "stop"  # "length": it was cut off
    usage: TokenUsage = TokenUsage()


class Allowance(_Record, frozen=True, kw_only=True):
    """What a plugin may still spend on this task; None: no bound."""

    calls: int | None = None
    tokens: int | None = None  # of prompts and answers together


class Event(_Record, frozen=True, kw_only=True):
    """Something that happened to a task, for plugins that watch."""

    kind: Literal[
        "scaffolds", "clarification", "call", "candidates", "verdicts", "choice", "error", "end"
    ]
    plugin: str  # who did it; "pipeline" for the pipeline itself
    value: Any = None  # the records concerned: a tuple of them, or one


class BoundReached(PluginError):
    """A call would exceed what the plugin may spend on a task; it was not made.

    A plugin may catch this and go on with what it has. Left alone, it ends the task.
    """


class CallFailed(PluginError):
    """The model gave no answer to a call (server error, prompt too long, refused).

    A plugin may catch this and go on without. Left alone, it ends the task.
    """


class TaskRun(Protocol):
    """One task on its way through the pipeline, as one plugin sees it."""

    @property
    def task(self) -> Task:
        """The task."""

    @property
    def sampling(self) -> Sampling:
        """How answers to the task are to be generated."""

    @property
    def scaffolds(self) -> tuple[Scaffold, ...]:
        """All blocks placed so far, by this and other plugins, in order."""

    @property
    def exchange(self) -> Exchange | None:
        """The clarifying question and its answer, if one was asked."""

    @property
    def left(self) -> Allowance:
        """What this plugin may still spend on this task."""

    @property
    def random(self) -> random.Random:
        """Random numbers of this task and plugin: the same whenever the run is repeated."""

    def messages(self) -> tuple[Message, ...]:
        """Return the task as it would be put to the model now: blocks around the question."""

    async def ask(
        self,
        prompt: str | Sequence[Message],
        *,
        samples: int = 1,
        temperature: float | None = None,
        max_tokens: int | None = None,
        schema: dict[str, Any] | None = None,
    ) -> list[Reply]:
        """Ask the model; one reply per sample, in order.

        What it costs is counted as this plugin's. Calls that are made at the same time,
        for any task, reach the engine together. ``temperature`` and ``max_tokens`` are
        those of ``sampling`` unless given; with a ``schema`` (JSON Schema) the reply is
        JSON that fits it.

        Raises:
            BoundReached: the samples are more than this plugin may still ask for.
            CallFailed: there is no answer to one of them.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceKind:
    """A guidance plugin as it is registered. ``build`` must be importable by name.

    ``build`` gets the options, checked against ``options`` and with its defaults filled
    in, and returns an object with guidance hooks. It is called once per run and must be
    cheap; it raises OptionError for options that the schema cannot rule out.
    """

    name: str
    summary: str  # one line, for lists
    build: Callable[[dict[str, Any]], object]
    version: str = "1"  # of prompts and method: changed when results may change
    # The `API_VERSION` that it is written for, as a number: 1. To be given, since a default
    # would follow whatever cogtrace is installed; 0, "not said", is refused.
    api_version: int = 0
    options: dict[str, Any] = field(default_factory=lambda: {"type": "object"})  # JSON Schema
    raises: tuple[str, ...] = ()  # ids of the elements that it means to raise
    # The most calls to a model that it makes per task, which is also their bound unless the
    # run sets another; a function where that depends on the options.
    calls: int | Callable[[dict[str, Any]], int] = 1
    source: str = ""  # the paper or page that the method comes from
