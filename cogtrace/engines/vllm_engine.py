"""The engine "vllm": vLLM in this process's care, fed with everything at once.

Requests go to vLLM as they come, up to ``concurrency`` at a time, and vLLM makes one
continuous batch of them. Its prefix cache is on; a common prefix is shared even by
requests that are in flight together. Answers that must fill a schema are held to it
token by token, without free white space.

What is worth knowing as ``--engine-arg`` (any argument of vLLM's engine is taken):
``tensor_parallel_size``, ``max_model_len``, ``gpu_memory_utilization``, ``quantization``,
``dtype``, ``max_num_seqs``; ``reasoning_parser`` for a model that is to think before it
keeps to the schema; ``chat_template_kwargs`` (ours) for its template, for example
``{"enable_thinking": false}``.

Sampling beside the temperature is vLLM's neutral default; what a model's
``generation_config.json`` recommends is not applied.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import multiprocessing
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from cogtrace.engines.answers import split_thinking
from cogtrace.engines.base import (
    EngineInfo,
    EngineSettings,
    Failure,
    FailureKind,
    Finish,
    Request,
    Result,
    TokenUsage,
)
from cogtrace.engines.mending import mended_json
from cogtrace.engines.vllm_arguments import (
    engine_arguments,
    import_vllm,
    known_arguments,
    reason,
    template_arguments,
    wants_log,
)
from cogtrace.engines.vllm_log import ProcessLog
from cogtrace.engines.vllm_prompts import PromptRefused, Prompts
from cogtrace.errors import EngineError

# vLLM queues by itself; more than this only takes memory for tokens.
CONCURRENCY: Final = 1024
_FINISH: Final[dict[str, Finish]] = {"stop": "stop", "length": "length", "repetition": "length"}
_CLOSED: Final = Failure(kind="unreachable", message="the engine is closed")


class VllmEngine:
    """Runs a model with vLLM in processes of its own that end with the engine.

    Nothing is tried again: a way between program and model that could fail for a while
    does not exist here. ``timeout`` is the time without any answer of the engine, not the
    time of one request, which may wait long in a large batch.
    """

    name = "vllm"

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._concurrency = settings.concurrency or CONCURRENCY
        self._slots = asyncio.Semaphore(self._concurrency)
        self._running: set[asyncio.Task[Result]] = set()
        self._names = itertools.count(1)
        self._last_answer = 0.0
        self._context = 0
        self._trouble: str | None = None
        self._llm: Any = None
        self._prompts: Prompts

    @property
    def trouble(self) -> str | None:
        """Why nothing can be answered any more; None while all is well."""
        return self._trouble

    async def start(self) -> EngineInfo:
        """Load the model; takes from half a minute to many, and holds the event loop.

        Raises:
            EngineError: no vllm, no such model or argument, or not enough memory.
        """
        shown = wants_log()
        vllm = import_vllm()
        self._record = import_vllm("vllm.engine.arg_utils").AsyncEngineArgs
        arguments = engine_arguments(self._settings, known_arguments(self._record))
        for_template = template_arguments(self._settings)
        self._import_parts()
        self._log = ProcessLog(shown=shown)
        self._llm = self._load(arguments)
        if not shown:  # a traceback at the death of its engine; `trouble` tells of that
            logging.getLogger("vllm.v1.engine").setLevel(logging.CRITICAL)
        self._context = int(self._llm.vllm_config.model_config.max_model_len)
        self._prompts = Prompts(self._llm.get_tokenizer(), for_template)
        return EngineInfo(
            engine=self.name,
            model=self._settings.model,
            version=str(vllm.__version__),
            context_tokens=self._context,
            concurrency=self._concurrency,
            shares_prefixes_in_flight=True,
        )

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer requests; one result each, in the same order. May be called concurrently."""
        return list(await asyncio.gather(*(self._answer(request) for request in requests)))

    def count_tokens(self, text: str) -> int | None:
        """Return how many tokens a text has, exactly; None before the start."""
        return self._prompts.count(text) if self._llm is not None else None

    async def forget_prefixes(self) -> None:
        """Empty the prefix cache, for measurements. Nothing may be in flight."""
        if self._llm is not None:
            await self._llm.reset_prefix_cache()

    async def close(self) -> None:
        """End vLLM's processes; what is in flight fails as "unreachable"."""
        llm, self._llm = self._llm, None
        if llm is None:
            return
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._prompts.close()
        handler = llm.output_handler
        if handler is not None:  # first, or it takes the end for a death
            handler.cancel()
            await asyncio.gather(handler, return_exceptions=True)
        await asyncio.to_thread(llm.shutdown)
        # Its finalizer would shut it down again, perhaps when the interpreter is half gone.
        del llm, handler
        gc.collect()
        self._log.close()
        multiprocessing.active_children()  # takes leave of processes that have ended

    def _import_parts(self) -> None:
        sampling = import_vllm("vllm.sampling_params")
        self._parameters = sampling.SamplingParams
        self._structured = sampling.StructuredOutputsParams
        self._final_only = sampling.RequestOutputKind.FINAL_ONLY
        inputs = import_vllm("vllm.inputs")
        # Newer releases want a prompt that is marked as ready.
        self._input = getattr(inputs, "tokens_input", None) or inputs.TokensPrompt
        # Older releases know only ValueError for a request that is refused.
        errors = import_vllm("vllm.exceptions")
        self._refused = (ValueError, getattr(errors, "VLLMClientError", ValueError))
        self._busy = getattr(errors, "GracefulHTTPError", ())
        self._dead = import_vllm("vllm.v1.engine.exceptions").EngineDeadError

    def _load(self, arguments: dict[str, Any]) -> Any:
        maker = import_vllm("vllm.v1.engine.async_llm").AsyncLLM
        try:
            with self._log.open():
                return maker.from_engine_args(self._record(**arguments))
        except Exception as error:
            # An error of one of its processes is not in the exception.
            why = self._log.cause() if isinstance(error, RuntimeError) else None
            self._log.close()
            raise EngineError(
                f"vLLM cannot load {self._settings.model}: {reason(why or error)} "
                "(set VLLM_LOGGING_LEVEL=INFO to see all it says)"
            ) from error

    async def _answer(self, request: Request) -> Result:
        async with self._slots:
            begin = time.monotonic()
            result = await self._watched(request, begin)
            return msgspec.structs.replace(result, seconds=time.monotonic() - begin)

    async def _watched(self, request: Request, begin: float) -> Result:
        """Answer one request, but not for longer than the engine shows signs of life."""
        if self._llm is None:
            return _failed(_CLOSED)
        task = asyncio.create_task(self._ask(request))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            while not task.done():
                quiet_since = max(begin, self._last_answer)
                patience = quiet_since + self._settings.timeout - time.monotonic()
                if patience <= 0:
                    return _failed(_failure("timeout", self._quiet()))
                await asyncio.wait({task}, timeout=patience)
        finally:
            task.cancel()  # does nothing to one that is done
        return _failed(_CLOSED) if task.cancelled() else task.result()

    def _quiet(self) -> str:
        return f"vLLM gave no answer to any request for {self._settings.timeout:g} s"

    async def _ask(self, request: Request) -> Result:
        if self._trouble is not None:
            return _failed(_failure("unreachable", self._trouble))
        try:
            tokens = await self._prompts.tokens(request.messages)
            if len(tokens) + request.max_tokens > self._context:
                return _failed(_failure("too-long", self._too_long(len(tokens), request)))
            output = await self._generate(tokens, request)
        except Exception as error:
            return _failed(self._read(error))
        self._last_answer = time.monotonic()
        return _result(output, held=request.schema is not None)

    async def _generate(self, tokens: list[int], request: Request) -> Any:
        parameters = self._parameters(
            temperature=request.temperature,
            max_tokens=request.max_tokens,
            output_kind=self._final_only,
            structured_outputs=(
                self._structured(json=request.schema) if request.schema is not None else None
            ),
        )
        prompt = self._input(prompt_token_ids=tokens)
        stream = self._llm.generate(prompt, parameters, str(next(self._names)))
        return [output async for output in stream][-1]  # there is only the final one

    def _too_long(self, prompt: int, request: Request) -> str:
        return (
            f"the prompt has {prompt} tokens, the answer may have {request.max_tokens}; "
            f"together the model takes {self._context}"
        )

    def _read(self, error: Exception) -> Failure:
        """Say what an exception means for the request that met it."""
        if isinstance(error, self._dead) or self._llm is None or self._llm.errored:
            self._trouble = self._trouble or self._why_dead()
            return _failure("unreachable", self._trouble)
        if isinstance(error, self._busy):
            return _failure("overloaded", reason(error))
        if isinstance(error, (PromptRefused, *self._refused)):
            return _failure("rejected", reason(error))
        return _failure(
            "server-error", f"{type(error).__name__}: {reason(error.__cause__ or error)}"
        )

    def _why_dead(self) -> str:
        cause = self._log.cause()
        return f"vLLM's engine has died: {reason(cause)}" if cause else "vLLM's engine has died"


def _failure(kind: FailureKind, message: str) -> Failure:
    return Failure(kind=kind, message=message)


def _failed(failure: Failure, usage: TokenUsage | None = None) -> Result:
    return Result(finish="failed", failure=failure, usage=usage or TokenUsage())


def _result(output: Any, *, held: bool) -> Result:
    """Read vLLM's record of a finished request; ``held``: to a schema."""
    answer = output.outputs[0]
    usage = TokenUsage(
        prompt=len(output.prompt_token_ids),
        cached=output.num_cached_tokens or 0,
        completion=len(answer.token_ids),
    )
    finish = _FINISH.get(answer.finish_reason)
    if finish is None:
        message = f"vLLM ended the answer early ({answer.finish_reason})"
        return _failed(_failure("server-error", message), usage)
    text, reasoning = split_thinking(answer.text)
    if held:
        text = mended_json(text)
    return Result(text=text, reasoning=reasoning, finish=finish, usage=usage)
