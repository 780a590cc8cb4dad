"""Guidance plugins as a solver of Inspect AI (`pip install inspect-ai`).

In a task::

    from cogtrace.integrations.inspect_solver import cogtrace_guidance

    Task(dataset=..., solver=cogtrace_guidance("restate,vote:samples=5"), scorer=match())
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentReasoning,
    GenerateConfig,
    Model,
    ModelOutput,
    ResponseSchema,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import JSONSchema

from cogtrace.engines import Message, Request, Result, TokenUsage
from cogtrace.engines.base import Finish
from cogtrace.integrations.borrowed import BorrowedEngine
from cogtrace.plugins.guidance import Sampling, Task
from cogtrace.plugins.pipeline import GuidanceRun, Pipeline, make_plan

KEY: Final = "cogtrace"  # of the sample's metadata; holds the record of the run
_FINISH: Final[dict[str, Finish]] = {
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "filtered",
}
_KINDS: Final = {
    "system": ChatMessageSystem,
    "user": ChatMessageUser,
    "assistant": ChatMessageAssistant,
}


@solver
def cogtrace_guidance(
    with_: str = "restate",
    *,
    samples: int = 1,
    temperature: float = 0.0,
    max_tokens: int = 2048,
    seed: int = 0,
) -> Solver:
    """Solve each sample with guidance plugins, through the model of the evaluation.

    ``with_`` names plugins and options as ``cogtrace guide --with`` does. The sample's
    last user message is the question, the messages before it are its history. The answer
    becomes the output, as the model wrote it (so that scorers find what they look for);
    the whole record stands in the sample's metadata under "cogtrace".

    Raises:
        OptionError: an unknown plugin or option, or plugins that exclude each other.
    """
    plan = make_plan(with_)
    sampling = Sampling(samples=samples, temperature=temperature, max_tokens=max_tokens)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        engine = _engine(get_model())
        async with Pipeline(plan, engine, sampling=sampling, seed=seed) as pipeline:
            run = await pipeline.run(_task(state))
        return _told(state, run)

    return solve


def _engine(model: Model) -> BorrowedEngine:
    async def ask(request: Request) -> Result:
        answer = ModelOutput.model_validate(
            await model.generate(
                [_KINDS[m.role](content=m.content) for m in request.messages],
                config=_config(request),
            )
        )
        return _result(answer)

    return BorrowedEngine(ask, framework="inspect", model=str(model))


def _config(request: Request) -> GenerateConfig:
    config = GenerateConfig(max_tokens=request.max_tokens, temperature=request.temperature)
    if request.schema is not None:
        config.response_schema = ResponseSchema(
            name="answer", json_schema=JSONSchema.model_validate(request.schema), strict=True
        )
    return config


def _result(output: ModelOutput) -> Result:
    """Read an answer of Inspect's.

    Raises:
        RuntimeError: the model said that there is none.
    """
    if output.error or output.empty:
        raise RuntimeError(output.error or "the model gave no answer")
    usage = output.usage
    return Result(
        text=output.completion,
        reasoning=_reasoning(output.message),
        finish=_FINISH.get(output.stop_reason, "stop"),
        usage=TokenUsage()
        if usage is None
        else TokenUsage(
            # Inspect counts tokens from a cache apart from the others.
            prompt=usage.input_tokens + (usage.input_tokens_cache_read or 0),
            cached=usage.input_tokens_cache_read or 0,
            completion=usage.output_tokens,
        ),
        seconds=output.time or 0.0,
    )


def _reasoning(message: ChatMessage) -> str | None:
    if isinstance(message.content, str):
        return None
    parts = [part.reasoning for part in message.content if isinstance(part, ContentReasoning)]
    return "\n".join(parts) or None


def _task(state: TaskState) -> Task:
    """Return the sample as a task: its last user message, and what was said before."""
    said = state.messages
    place = max(n for n, message in enumerate(said) if message.role == "user")
    return Task(
        task_id=f"{state.sample_id}-{state.epoch}",
        question=said[place].text,
        history=tuple(
            Message(role=message.role, content=message.text)
            for message in said[:place]
            if message.role != "tool"
        ),
    )


def _told(state: TaskState, run: GuidanceRun) -> TaskState:
    """Put what came of the run into the state of the sample.

    Raises:
        RuntimeError: it failed; Inspect counts that as an error of the sample.
    """
    record: dict[str, Any] = msgspec.to_builtins(run)
    state.metadata[KEY] = record
    if run.outcome == "failed":
        error = run.errors[-1]
        raise RuntimeError(f"cogtrace: {error.plugin}, {error.hook}: {error.message}")
    text = run.text or run.answer or ""
    if run.outcome == "clarification" and run.clarification is not None:
        text = run.clarification.question
    state.output = ModelOutput.from_content(model=str(state.model), content=text)
    state.messages.append(state.output.message)
    return state
