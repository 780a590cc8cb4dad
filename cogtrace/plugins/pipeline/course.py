"""One task on its way: what has happened to it so far, and how plugins see that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from cogtrace.engines import Request, Result
from cogtrace.jobs.budget import added
from cogtrace.plugins.guidance import (
    CallFailed,
    Candidate,
    Choice,
    Event,
    Exchange,
    Message,
    Reply,
    Sampling,
    Scaffold,
    Task,
    Verdict,
)
from cogtrace.plugins.pipeline.batching import Caller, Halted
from cogtrace.plugins.pipeline.composing import compose
from cogtrace.plugins.pipeline.meters import PluginMeter, estimated_tokens
from cogtrace.plugins.pipeline.records import AskedBack, Call, ErrorKind, RunError
from cogtrace.records import Usage

PIPELINE: Final = "pipeline"
_MOST_CHARS: Final = 2_000  # of a message


class Course:
    """What has happened to one task. Plugins see it through their `TaskView` only."""

    def __init__(
        self,
        task: Task,
        *,
        sampling: Sampling,
        caller: Caller,
        count: Callable[[str], int | None],
        seed: int,
        watched: bool,
    ) -> None:
        self.task = task
        self.sampling = sampling
        self.seed = seed
        self.began = time.monotonic()
        self.scaffolds: list[tuple[str, Scaffold]] = []
        self.exchange: Exchange | None = None
        self.asked_back: AskedBack | None = None
        self.calls: list[Call] = []
        self.candidates: tuple[Candidate, ...] = ()
        self.makers: dict[str, str] = {}  # which plugin made which candidate
        self.verdicts: list[tuple[str, Verdict]] = []
        self.choice: tuple[str, Choice] | None = None
        self.errors: list[RunError] = []
        self.usage: dict[str, Usage] = {}
        self.halted: str | None = None  # why it cannot be finished in this run
        self.events: list[Event] | None = [] if watched else None  # not yet told
        self._caller = caller
        self._count = count
        self._numbers: dict[str, int] = {}  # of the calls so far, by plugin

    def fail(self, plugin: str, hook: str, kind: ErrorKind, message: str) -> None:
        """Remember something that went wrong."""
        self._add_error(plugin, hook, kind, message)
        self.tell("error", plugin, self.errors[-1])

    def errors_of_observers(self, plugin: str, message: str) -> None:
        """Remember what went wrong with one that only watches; not told to those who watch."""
        self._add_error(plugin, "cogtrace_observe", "observer", message)

    def _add_error(self, plugin: str, hook: str, kind: ErrorKind, message: str) -> None:
        shown = _escaped(message[:_MOST_CHARS])  # a message of a plugin's may be anything
        self.errors.append(RunError(plugin=plugin, hook=hook, kind=kind, message=shown))

    def tell(self, kind: Any, plugin: str, value: Any = None) -> None:
        """Let those who watch know what happened."""
        if self.events is not None:
            self.events.append(Event(kind=kind, plugin=plugin, value=value))

    def messages(self) -> tuple[Message, ...]:
        """Return the task as it would be put to the model now."""
        return compose(self.task, [block for _, block in self.scaffolds], self.exchange)

    async def ask(
        self,
        plugin: str,
        meter: PluginMeter,
        messages: tuple[Message, ...],
        *,
        samples: int,
        temperature: float,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        quiet: bool = False,
    ) -> list[Reply]:
        """Ask the model for samples; raises as `TaskRun.ask` does."""
        first = Request(
            messages=messages, max_tokens=max_tokens, schema=schema, temperature=temperature
        )
        prompt = estimated_tokens(first, self._count) if meter.left.tokens is not None else 0
        allowed = meter.take(samples, prompt, max_tokens)
        if allowed != max_tokens:
            first = msgspec.structs.replace(first, max_tokens=allowed)
        requests = [self._numbered(plugin, first) for _ in range(samples)]
        held = prompt + allowed
        futures = [self._caller.complete(request) for request in requests]
        try:
            results = await asyncio.gather(*futures)
        except Halted as error:
            self.halted = self.halted or str(error)
            raise
        finally:
            for future in futures:
                good = future.done() and not future.cancelled() and future.exception() is None
                meter.settle(held, future.result().usage if good else None)
        for result in results:
            self._record(plugin, messages, result, quiet)
        failed = next((r.failure for r in results if r.failure is not None), None)
        if failed is not None:
            raise CallFailed(f"the model gave no answer: {failed.message}")
        return [
            Reply(text=r.text, reasoning=r.reasoning, finish=r.finish, usage=r.usage)
            for r in map(storable, results)
        ]

    def record(self, plugin: str, messages: Sequence[Message], result: Result) -> None:
        """Add a call that somebody else made for the task."""
        self._record(plugin, tuple(messages), result, False)

    def _numbered(self, plugin: str, request: Request) -> Request:
        """Return a request under a name of its own, the same whenever the run is repeated."""
        number = self._numbers[plugin] = self._numbers.get(plugin, 0) + 1
        return msgspec.structs.replace(request, key=f"{self.task.task_id}/{plugin}/{number}")

    def _record(
        self, plugin: str, messages: tuple[Message, ...], result: Result, quiet: bool
    ) -> None:
        result = storable(result)
        usage = usage_of(result)
        call = Call(
            plugin=plugin,
            messages=messages,
            text=result.text,
            reasoning=result.reasoning,
            usage=usage,
            finish_reason=result.finish,
            failure=None if result.failure is None else result.failure.message,
        )
        self.calls.append(call)
        self.usage[plugin] = added(self.usage.get(plugin, Usage()), usage)
        if not quiet:
            self.tell("call", plugin, call)


def storable(result: Result) -> Result:
    """Return a result whose texts can be stored, half surrogates shown as escapes."""
    failure = result.failure
    texts = (result.text, result.reasoning or "", failure.message if failure else "")
    try:
        "".join(texts).encode("utf-8")
    except UnicodeEncodeError:
        text, reasoning, message = map(_escaped, texts)
        return msgspec.structs.replace(
            result,
            text=text,
            reasoning=None if result.reasoning is None else reasoning,
            failure=None if failure is None else msgspec.structs.replace(failure, message=message),
        )
    return result


def _escaped(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def usage_of(result: Result) -> Usage:
    """Return what a call cost."""
    return Usage(
        requests=1,
        prompt_tokens=result.usage.prompt,
        cached_tokens=result.usage.cached,
        completion_tokens=result.usage.completion,
        seconds=round(result.seconds, 4),
    )
