"""The scripted engine: deterministic answers without a model.

For tests, for plugin authors, and for trying out a job before paying for one::

    cogtrace annotate @sample --out out --annotator llm --engine scripted
    ... --engine scripted --model rules.json       # see cogtrace.engines.rules
    ... --engine scripted --model recording.jsonl  # see cogtrace.engines.recording
    ... --engine scripted --engine-arg fill=random --engine-arg seed=7
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec

from cogtrace.engines.base import (
    EngineInfo,
    EngineSettings,
    Failure,
    FailureKind,
    Request,
    Result,
    TokenUsage,
)
from cogtrace.engines.counting import PrefixCache, blocks, count, cut, prompt_tokens
from cogtrace.engines.filling import UnsupportedSchema, smallest, varied
from cogtrace.engines.recording import Recording, read_recording, request_hash
from cogtrace.engines.rules import Script, as_text, read_rules, rules_from
from cogtrace.errors import EngineError, OptionError

DEFAULT_CONCURRENCY: Final = 256


class ScriptedOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``--engine-arg`` may say to the scripted engine."""

    fill: Literal["smallest", "random"] = "smallest"  # without a rule that answers
    seed: int = 0  # of random answers; they depend on it and the request, nothing else
    latency_ms: float = 0.0  # per request
    context_tokens: int | None = None  # longer prompts fail as "too-long"
    shares_prefixes: bool = True  # whether prompts are cached when they arrive or when answered


class ScriptedEngine:
    """Answers by rules, from a recording or a function, else by filling the schema.

    Without a schema the filler says "ok". Tokens are counted by
    `cogtrace.engines.counting`; an answer longer than the request's ``max_tokens`` is cut.

    >>> engine = ScriptedEngine.from_rules([{"when": "sky", "answer": "blue"}])
    """

    def __init__(self, settings: EngineSettings | None = None) -> None:
        self._settings = settings or EngineSettings()
        self._options = _options(self._settings.arguments)
        self._script: Script | None = None
        self._cache = PrefixCache()
        self._places = asyncio.Semaphore(self._settings.concurrency or DEFAULT_CONCURRENCY)
        self.answered = 0  # requests so far

    @classmethod
    def from_rules(
        cls,
        rules: Sequence[Mapping[str, Any]],
        *,
        default: object = msgspec.UNSET,
        **arguments: Any,
    ) -> Self:
        """Return an engine that answers by rules; ``arguments`` as for ``--engine-arg``.

        Raises:
            EngineError: a rule is not valid; says which.
        """
        return cls.from_function(rules_from(rules, default), **arguments)

    @classmethod
    def from_function(
        cls,
        answer: Callable[[Request], str | Result | None],
        *,
        concurrency: int | None = None,
        **arguments: Any,
    ) -> Self:
        """Return an engine that asks a function; None leaves the answer to the filler.

        A result without usage gets one. An exception becomes a failed result.
        """
        engine = cls(EngineSettings(concurrency=concurrency, arguments=arguments))
        engine._script = answer
        return engine

    async def start(self) -> EngineInfo:
        """Read the file that the settings name.

        Raises:
            EngineError: it cannot be read or is not valid; names the place.
        """
        model: str = self._options.fill
        version = None
        if self._script is None and self._settings.model:
            path = Path(self._settings.model)
            self._script = (
                Recording(read_recording(path), path.name)
                if path.suffix == ".jsonl"
                else read_rules(path)
            )
            # Another content is another model.
            model, version = path.name, hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        elif self._options.fill == "random":
            model = f"random-{self._options.seed}"
        return EngineInfo(
            engine="scripted",
            model=model,
            version=version,
            context_tokens=self._options.context_tokens,
            concurrency=self._settings.concurrency or DEFAULT_CONCURRENCY,
            shares_prefixes_in_flight=self._options.shares_prefixes,
        )

    @property
    def trouble(self) -> str | None:
        """None: it is always there."""
        return None

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer requests; one result each, in the same order."""
        if self._script is None and self._settings.model:
            raise EngineError("the scripted engine has not read its file; start() comes first")
        if self._options.latency_ms:
            return await asyncio.gather(*(self._slowly(request) for request in requests))
        arrived = [self._arrive(request) for request in requests]
        # Others get their turn, as with an engine that is really waited for.
        await asyncio.sleep(0)
        return [self._answer(request, *at) for request, at in zip(requests, arrived, strict=True)]

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has."""
        return count(text)

    async def close(self) -> None:
        """Do nothing: nothing is held."""

    async def _slowly(self, request: Request) -> Result:
        async with self._places:
            began = time.perf_counter()
            arrived = self._arrive(request)
            await asyncio.sleep(self._options.latency_ms / 1_000)
            result = self._answer(request, *arrived)
            return msgspec.structs.replace(result, seconds=time.perf_counter() - began)

    def _arrive(self, request: Request) -> tuple[int, int, list[int]]:
        """Return a prompt's tokens, how many are cached, and the blocks to cache later."""
        tokens = prompt_tokens(request.messages)
        chain = blocks(tokens)
        cached = self._cache.cached(chain, len(tokens))
        if not self._options.shares_prefixes:
            return len(tokens), cached, chain
        self._cache.add(chain)
        return len(tokens), cached, []

    def _answer(self, request: Request, prompt: int, cached: int, later: list[int]) -> Result:
        self.answered += 1
        self._cache.add(later)
        context = self._options.context_tokens
        if context is not None and prompt + request.max_tokens > context:
            asked = f"{prompt} tokens and {request.max_tokens} for the answer"
            return _failed("too-long", f"{asked} do not fit a context of {context}")
        result = self._scripted(request)
        if result.failure is not None or result.usage != TokenUsage():
            return result
        return _counted(result, request.max_tokens, prompt, cached)

    def _scripted(self, request: Request) -> Result:
        try:
            said = self._script(request) if self._script else None
            text = self._filled(request) if said is None else said
        except UnsupportedSchema as error:
            return _failed("rejected", f"the scripted engine cannot fill this schema: {error}")
        except Exception as error:
            # A script is somebody's code; what it raises is the failure of one request.
            return _failed("rejected", f"the script raised {type(error).__name__}: {error}")
        return Result(text=text) if isinstance(text, str) else text

    def _filled(self, request: Request) -> str:
        if request.schema is None:
            return "ok"
        if self._options.fill == "smallest":
            return as_text(smallest(request.schema))
        asked = f"{self._options.seed}\0{request.key}\0{request_hash(request)}"
        seed = hashlib.sha256(asked.encode("utf-8", "surrogatepass")).digest()
        return as_text(varied(request.schema, random.Random(seed)))


def _counted(result: Result, limit: int, prompt: int, cached: int) -> Result:
    """Return a result with its usage, cut to what the request allowed."""
    thought = count(result.reasoning or "")
    text = cut(result.text, max(limit - thought, 0))
    return msgspec.structs.replace(
        result,
        text=text,
        finish=result.finish if text == result.text else "length",
        usage=TokenUsage(prompt=prompt, cached=cached, completion=thought + count(text)),
    )


def _failed(kind: FailureKind, message: str) -> Result:
    return Result(finish="failed", failure=Failure(kind=kind, message=message))


def _options(arguments: dict[str, Any]) -> ScriptedOptions:
    """Return the options, which may all have come as text.

    Raises:
        OptionError: an unknown name or an impossible value.
    """
    known = ScriptedOptions.__struct_fields__
    for name in arguments:
        if name not in known:
            raise OptionError(f"--engine-arg {name}: unknown; scripted has {', '.join(known)}")
    try:
        return msgspec.convert(arguments, ScriptedOptions, strict=False)
    except msgspec.ValidationError as error:
        raise OptionError(f"--engine-arg for the scripted engine: {error}") from error
