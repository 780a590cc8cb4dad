"""Guidance plugins as a module of DSPy (`pip install dspy`).

>>> import dspy
>>> from cogtrace.integrations.dspy_module import Guided
>>> dspy.configure(lm=dspy.LM("openai/NAME", api_base="http://127.0.0.1:8000/v1"))
>>> Guided("restate,vote:samples=5")(question="17 + 24?").answer
"""

from __future__ import annotations

import asyncio
from typing import Any

import dspy

from cogtrace.engines import Request, Result, TokenUsage
from cogtrace.integrations.borrowed import BorrowedEngine
from cogtrace.plugins.guidance import Sampling, Task
from cogtrace.plugins.pipeline import Pipeline, make_plan


class Guided(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Answers questions with guidance plugins, through DSPy's language model.

    ``with_`` names plugins and options as ``cogtrace guide --with`` does; ``lm`` is the one
    that DSPy is configured with unless given. A prediction has ``answer`` (short; None if
    there is none), ``text`` (whole) and ``run`` (the record).

    Raises:
        OptionError: an unknown plugin or option, or plugins that exclude each other.
    """

    def __init__(
        self, with_: str = "restate", *, lm: Any = None, sampling: Sampling | None = None
    ) -> None:
        super().__init__()
        self.lm = lm
        self.plan = make_plan(with_)
        self.sampling = sampling or Sampling()

    def forward(self, question: str, context: str | None = None) -> Any:
        """Answer one question."""
        return asyncio.run(self.aforward(question, context))

    async def aforward(self, question: str, context: str | None = None) -> Any:
        """Answer one question, from an event loop."""
        task = Task(task_id="question", question=question, context=context)
        engine = _engine(self.lm or dspy.settings.lm)
        async with Pipeline(self.plan, engine, sampling=self.sampling) as pipeline:
            run = await pipeline.run(task)
        return dspy.Prediction(answer=run.answer, text=run.text, run=run)


def _engine(lm: Any) -> BorrowedEngine:
    async def ask(request: Request) -> Result:
        more: dict[str, Any] = {}
        if request.schema is not None:
            more["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": request.schema, "strict": True},
            }
        answer = await lm.aforward(
            messages=[{"role": m.role, "content": m.content} for m in request.messages],
            temperature=request.temperature,
            max_tokens=request.max_tokens,
            **more,
        )
        choice, usage = answer.choices[0], answer.usage
        return Result(
            text=choice.message.content or "",
            reasoning=getattr(choice.message, "reasoning_content", None),
            finish="length" if choice.finish_reason == "length" else "stop",
            usage=TokenUsage(prompt=usage.prompt_tokens, completion=usage.completion_tokens),
        )

    return BorrowedEngine(ask, framework="dspy", model=str(getattr(lm, "model", lm)))
